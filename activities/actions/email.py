"""`email:` writes a mail to the customer, or with `to:` to employees. Texts are Markdown."""

from dataclasses import replace

from pydantic import Field

from activities.actions.addressees import MAIL, to_customer, to_employees
from activities.actions.markdown import mail_parts
from activities.actions.protocol import Composed, Ended, RunContext, failed
from activities.actions.settings import AddressType, Employees
from activities.actions.wording import filled, worded
from activities.providers.protocol import Message
from activities.store import customers
from activities.store.database import Tx
from workflows.contracts.reasons import RunReason
from workflows.pipeline.kinds import Reference, RuleKind, RuleSettings, TextField, TextFormat

AUTO = "auto"

_SUBJECT_LIMIT = 250


class Email(RuleSettings):
    """Send a mail, as HTML and plain text."""

    email: str = Field(
        min_length=1,
        description="The text (Liquid, Markdown), or the id of an entry of `messages:`.",
        examples=["pay-link", "Thank you for order **{{ order.number }}**."],
    )
    subject: str = Field(
        default="",
        description="The subject (Liquid). Default: the subject of the entry of `messages:`.",
        examples=["Your order {{ order.number }}"],
    )
    sender: str = Field(
        default=AUTO,
        alias="from",
        min_length=1,
        max_length=254,
        description="The mailbox it is sent from. `auto`: the one last used to write to this customer, else the "
        "shop's default.",
        examples=["auto", "shop@example.com"],
    )
    address: AddressType = Field(
        default="auto",
        description="Which address of the customer: the first one listed, or the first of a type; without one of "
        "that type the rule does not run.",
        examples=["auto", "work"],
    )
    to: Employees = ()
    provider: str = Field(
        default="",
        description="The provider that sends it. Default: the one set for mails.",
        examples=["outbox"],
    )


_TEXT = TextField("email", is_message=True, format=TextFormat.MARKDOWN, has_subject=True)


def _title(settings: RuleSettings) -> str:
    return f"Mail: {settings.email}" if isinstance(settings, Email) else "Mail"


KIND = RuleKind(
    name="email",
    settings=Email,
    is_record=False,
    reaches_customer=True,
    queue="orders-email",
    texts=(_TEXT, TextField("subject", limit=_SUBJECT_LIMIT)),
    references={"to": Reference.RECIPIENTS},
    results={"mailbox": str, "language": str},
    title=_title,
)


async def compose(context: RunContext, tx: Tx) -> Composed:
    """Render the mail, choose the mailbox, find the address, or every employee's."""
    settings = context.settings(Email)
    text = worded(context, settings.email, field=_TEXT, for_employees=bool(settings.to))
    if isinstance(text, Ended):
        return text
    subject = _subject(context, settings, of_message=text.subject)
    if isinstance(subject, Ended):
        return subject
    mailbox = await _mailbox(context, tx, settings=settings)
    if isinstance(mailbox, Ended):
        return mailbox
    parts = mail_parts(text.body)
    message = Message(
        channel="email",
        address="",
        subject=subject,
        body=parts.plain,
        html=parts.html,
        sender=mailbox,
        provider=settings.provider,
        results={"mailbox": mailbox, "language": text.language},
    )
    if settings.to:
        return await to_employees(context, tx, message=message, route=MAIL, to=settings.to)
    sent = ("email.sent", {"mailbox": mailbox, "automation": True, "rule": context.rule.id})
    message = replace(message, events=(sent,))
    return await to_customer(context, tx, message=message, route=MAIL, wanted=settings.address)


def _subject(context: RunContext, settings: Email, *, of_message: str | None) -> str | Ended:
    rendered: str | Ended = of_message or ""
    if settings.subject:
        rendered = filled(context, settings.subject, limit=_SUBJECT_LIMIT, for_employees=bool(settings.to))
    if isinstance(rendered, Ended):
        return rendered
    # A line break in a header would start another header.
    subject = " ".join(rendered.split())
    if subject:
        return subject
    return failed(RunReason.TEXT_INVALID, "The mail has no subject: give the rule or its message one")


async def _mailbox(context: RunContext, tx: Tx, *, settings: Email) -> str | Ended:
    if settings.sender != AUTO:
        return settings.sender
    customer = context.view.customer
    used = await customers.last_mailbox(tx, id=customer.id) if customer is not None and not settings.to else None
    mailbox = used or context.premises.default_mailbox
    if mailbox:
        return mailbox
    words = "No mailbox to send from: write from: in the rule or under defaults:, or set ORDERS_DEFAULT_MAILBOX"
    return failed(RunReason.MISCONFIGURED, words)
