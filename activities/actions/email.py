"""`email:` writes a mail to the customer, or with `to:` to employees. Texts are Markdown."""

import re
from dataclasses import replace

from pydantic import Field, field_validator

from activities import addresses
from activities.actions.addressees import MAIL, to_customer, to_employees
from activities.actions.markdown import mail_parts
from activities.actions.protocol import Composed, Ended, RunContext, failed
from activities.actions.settings import AddressType, Employees, Names
from activities.actions.unsubscribing import with_way_out
from activities.actions.wording import filled, worded
from activities.providers.protocol import REPLY_TO, Attachment, Message
from activities.store import customers, documents, runs
from activities.store.database import Tx
from workflows.contracts.reasons import RunReason
from workflows.pipeline.kinds import Reference, RuleKind, RuleSettings, TextField, TextFormat
from workflows.pipeline.mistakes import Mistake

AUTO = "auto"

_SUBJECT_LIMIT = 250


_MAILBOX = re.compile(r"[^\s@<>]+@[^\s@<>]+")


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
    attach: Names = Field(
        default=(),
        description="Documents to attach: by their template, or by the id of the rule that made them; the newest each.",
        examples=["invoice", ["invoice", "packing-slip"]],
    )
    provider: str = Field(
        default="",
        description="The provider that sends it. Default: the one set for mails.",
        examples=["outbox", "sendgrid", "smtp"],
    )

    @field_validator("sender")
    @classmethod
    def _is_mailbox(cls, sender: str) -> str:
        if sender != AUTO and not _MAILBOX.fullmatch(addresses.split(sender)[1]):
            help = "Write auto, or an address like shop@example.com."
            raise Mistake("D218", f"'{sender}' is not a mailbox", help=help)
        return sender


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
    references={"to": Reference.RECIPIENTS, "attach": Reference.MADE},
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
    attachments = await _attachments(context, tx, names=settings.attach)
    if isinstance(attachments, Ended):
        return attachments
    parts = mail_parts(text.body)
    message = Message(
        channel="email",
        address="",
        subject=subject,
        body=parts.plain,
        html=parts.html,
        sender=mailbox,
        provider=settings.provider,
        attachments=attachments,
        results={"mailbox": mailbox, "language": text.language},
    )
    if settings.to:
        return await to_employees(context, tx, message=message, route=MAIL, to=settings.to)
    sent = ("email.sent", {"mailbox": mailbox, "automation": True, "rule": context.rule.id})
    message = replace(message, events=(sent,))
    addressed = await to_customer(context, tx, message=message, route=MAIL, wanted=settings.address)
    if not isinstance(addressed, Message):
        return addressed
    addressed = _answerable(context, addressed)
    return addressed if context.rule.is_transactional else with_way_out(context, addressed, language=text.language)


def _answerable(context: RunContext, message: Message) -> Message:
    replies = context.premises.replies
    if replies is None:
        return message
    return replace(message, headers={**message.headers, REPLY_TO: replies.address(context.send_id)})


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
    """Choose the mailbox, only among the connected ones. Of `auto` the first choice stays: a retry keeps the sender."""
    mailbox = " ".join(settings.sender.split())
    if mailbox == AUTO:
        chosen = await _last_used(context, tx, settings=settings) or context.premises.default_mailbox
        if not chosen:
            words = "No mailbox to send from: write from: in the rule or under defaults:, or set ORDERS_DEFAULT_MAILBOX"
            return failed(RunReason.MISCONFIGURED, words)
        kept = await runs.keep_choice(tx, run=context.run, choice={"mailbox": chosen})
        mailbox = str(kept.get("mailbox") or chosen)
    if _is_connected(context, mailbox):
        return mailbox
    words = "The mailbox it is sent from is not connected: add it to ORDERS_MAILBOXES, or write another from:"
    return failed(RunReason.MISCONFIGURED, words)


async def _last_used(context: RunContext, tx: Tx, *, settings: Email) -> str | None:
    customer = context.view.customer
    if customer is None or settings.to:
        return None
    mailbox = await customers.last_mailbox(tx, id=customer.id)
    return mailbox if mailbox and _is_connected(context, mailbox) else None


def _is_connected(context: RunContext, mailbox: str) -> bool:
    connected = context.premises.mailboxes
    return not connected or addresses.split(mailbox)[1].lower() in connected


async def _attachments(context: RunContext, tx: Tx, *, names: tuple[str, ...]) -> tuple[Attachment, ...] | Ended:
    """Find the newest document of each name; the rule fails where one is not there yet."""
    found: list[Attachment] = []
    for name in names:
        document = await documents.newest(tx, context.key, name=name)
        if document is None:
            words = f"The order has no document '{name}' yet: let the rule that makes it run before this one"
            return failed(RunReason.NO_DOCUMENT, words)
        found.append(Attachment(document.name, document.media_type, document.content, document=str(document.id)))
    return tuple(found)
