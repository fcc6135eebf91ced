"""What a mail server's replies mean: by the step at which they come and their code (RFC 5321, 4.2; RFC 3463)."""

import re
from enum import StrEnum

from activities.providers.errors import Misconfigured, NoAccess, NotSent, ProviderError, Rejected, Unknown


class Step(StrEnum):
    """The steps of handing a mail over, in their order."""

    CONNECT = "connect"
    TLS = "tls"
    LOGIN = "login"
    SENDER = "sender"
    RECIPIENT = "recipient"
    TEXT = "text"


#: Refusals of one mail, by code; the server's own words are not repeated: they may quote an address.
_RECIPIENT = {
    550: "the mail server does not deliver to the customer's address: correct it on the customer's card",
    551: "the customer's mailbox has moved: correct the address on the customer's card",
    552: "the customer's mailbox is full: reach them in another way",
    553: "the mail server finds the customer's address wrong: correct it on the customer's card",
}
_TEXT = {
    552: "the mail is larger than the mail server takes: attach less",
    554: "the mail server refused the text, such as for spam: look at the rule's text",
}

_POLICY = "the mail server refuses it by its policy: check that the account may write to outside addresses"

#: An enhanced status code of the class "security or policy" (RFC 3463, 3.8).
_IS_POLICY = re.compile(r"5\.7\.\d{1,3}\b")

#: Codes with which a server asks for a login, or refuses ours (RFC 4954, 6).
_AUTH = frozenset({530, 534, 535, 538})

_REFUSALS = {
    Step.CONNECT: ("ORDERS_SMTP_HOST", "the mail server refuses our connections"),
    Step.TLS: ("ORDERS_SMTP_TLS", "the mail server refused to encrypt the connection"),
    Step.LOGIN: ("ORDERS_SMTP_PASSWORD", "the mail server did not accept user and password"),
    Step.SENDER: ("ORDERS_SMTP_MAILBOXES", "the mail server does not let us send from the rule's mailbox"),
}


def failure(error: Exception, *, step: Step) -> ProviderError:
    """Return what a failed step means: a reply by its code, a lost connection by the step."""
    # Loaded by the first mail, not at the worker's start.
    from aiosmtplib import SMTPResponseException  # noqa: PLC0415

    if isinstance(error, SMTPResponseException) and 400 <= error.code < 600:
        return _of_reply(error.code, str(error.message), step=step)
    if step is Step.TEXT:
        return Unknown(f"the mail server's answer was lost ({type(error).__name__})")
    return NotSent(f"the mail server cannot be used ({step}, {_cause(error)}): it is tried again")


def _of_reply(code: int, text: str, *, step: Step) -> ProviderError:
    if code < 500:
        return NotSent(f"the mail server asks to come back later ({code}): it is tried again")
    if code in _AUTH and step is not Step.LOGIN:
        return Misconfigured("ORDERS_SMTP_USER", f"the mail server wants us to log in first ({code})")
    if step in _REFUSALS:
        setting, words = _REFUSALS[step]
        kind = NoAccess if step is Step.LOGIN else Misconfigured
        return kind(setting, f"{words} ({code})")
    if _IS_POLICY.match(text):
        return Rejected(str(code), _POLICY)
    known = _RECIPIENT if step is Step.RECIPIENT else _TEXT
    return Rejected(str(code), known.get(code, "the mail server refused the mail: look at the rule and the address"))


def _cause(error: Exception) -> str:
    return type(error.__cause__ or error).__name__
