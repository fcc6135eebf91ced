"""`sms:` writes a text message to the customer, or with `to:` to employees."""

import unicodedata

from pydantic import Field

from activities.actions.addressees import PHONE, to_customer, to_employees
from activities.actions.protocol import Composed, Ended, RunContext, failed
from activities.actions.settings import AddressType, Employees
from activities.actions.wording import worded
from activities.providers.protocol import Message
from activities.store.database import Tx
from workflows.contracts.reasons import RunReason
from workflows.pipeline.kinds import Reference, RuleKind, RuleSettings, TextField
from workflows.pipeline.segments import segments

#: Most Unicode code points of a rendered text; longer is never sent and never cut.
LIMIT = 200


class Sms(RuleSettings):
    """Send a text message of at most 200 characters."""

    sms: str = Field(
        min_length=1,
        description="The text (Liquid), or the id of an entry of `messages:`. At most 200 characters once rendered.",
        examples=["thanks", "Order {{ order.number }} is accepted."],
    )
    phone: AddressType = Field(
        default="auto",
        description="Which phone of the customer: the first one listed, or the first of a type; without one of that "
        "type the rule does not run.",
        examples=["auto", "mobile"],
    )
    to: Employees = ()
    sender: str = Field(
        default="",
        alias="from",
        max_length=20,
        description="The sender the phone shows: a name of up to 11 letters, or a number. Default: the provider's.",
        examples=["DemoShop", "+48221234567"],
    )
    provider: str = Field(
        default="",
        description="The provider that sends it. Default: the one set for text messages.",
        examples=["outbox"],
    )


_TEXT = TextField("sms", is_message=True, limit=LIMIT)


def _title(settings: RuleSettings) -> str:
    return f"SMS: {settings.sms}" if isinstance(settings, Sms) else "SMS"


KIND = RuleKind(
    name="sms",
    settings=Sms,
    is_record=False,
    reaches_customer=True,
    queue="orders-sms",
    texts=(_TEXT,),
    references={"to": Reference.RECIPIENTS},
    results={"segments": int, "language": str},
    title=_title,
)


async def compose(context: RunContext, tx: Tx) -> Composed:
    """Render the text and find the phone, or every employee's."""
    settings = context.settings(Sms)
    text = worded(context, settings.sms, field=_TEXT, for_employees=bool(settings.to))
    if isinstance(text, Ended):
        return text
    body = unicodedata.normalize("NFC", text.body).strip()
    if len(body) > LIMIT:
        words = f"The text has {len(body)} characters and may have {LIMIT}: shorten it"
        return failed(RunReason.TEXT_TOO_LONG, words)
    if not body:
        return failed(RunReason.TEXT_INVALID, "The text is empty for this order: write one, or give the rule a `when`")
    message = Message(
        channel="sms",
        address="",
        body=body,
        sender=settings.sender,
        provider=settings.provider,
        results={"segments": segments(body), "language": text.language},
    )
    if settings.to:
        return await to_employees(context, tx, message=message, route=PHONE, to=settings.to)
    return await to_customer(context, tx, message=message, route=PHONE, wanted=settings.phone)
