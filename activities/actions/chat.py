"""`chat:` writes to the customer in the chat they last wrote in, or with `whisper: true` to the employees in that chat.

In: the rule and the customer's conversations. Out: a message for the chat's provider, or where the chat takes no free
text any more a template or a text message; a whisper is only stored, in a table that no sender reads.
"""

import unicodedata
from dataclasses import replace
from enum import StrEnum
from typing import Literal

from pydantic import Field

from activities.actions.addressees import PHONE, to_customer
from activities.actions.protocol import Composed, Ended, RunContext, done, failed, skipped
from activities.actions.wording import filled, worded
from activities.providers.protocol import Message
from activities.store import chats, customers
from activities.store.chats import ConversationRecord, Earlier
from activities.store.database import Tx
from workflows.contracts.reasons import RunReason
from workflows.pipeline.kinds import RuleKind, RuleSettings, TextField

#: Most code points of a message; Twilio takes no more in any of its chats.
LIMIT = 1600

#: Most code points of a text message in the chat's place, as of every text message.
_SMS_LIMIT = 200

#: The media that take a text approved beforehand when their window is closed.
_WITH_TEMPLATES = ("whatsapp",)

#: The provider of the chat that the gateway serves itself.
_WEB_CHAT = "web-chat"


class Medium(StrEnum):
    """The chats that there are, as later rules see which one it was."""

    WEB = chats.WEB
    WHATSAPP = "whatsapp"
    MESSENGER = "messenger"
    SMS = "sms"


class Chat(RuleSettings):
    """Write to the customer in the chat they last wrote in."""

    chat: str = Field(
        min_length=1,
        description="The text (Liquid), or the id of an entry of `messages:`. At most 1600 characters once rendered.",
        examples=["thanks", "Your order {{ order.number }} is on its way."],
    )
    whisper: bool = Field(
        default=False,
        description="Only employees see it, in the chat; it never leaves the house.",
        examples=[True],
    )
    template: str = Field(
        default="",
        max_length=100,
        pattern=r"^(HX[0-9a-fA-F]{32})?$",
        description="The approved text (Twilio's ContentSid) that WhatsApp gets when the customer's last message is "
        "older than a day.",
        examples=["HXb5b62575e6e4ff6129ad7c8efe1f983e"],
    )
    variables: dict[str, str] = Field(
        default_factory=dict,
        max_length=50,
        description="What the template's placeholders hold (Liquid), by their names.",
        examples=[{"1": "{{ order.number }}"}],
    )
    fallback: Literal["none", "sms"] = Field(
        default="none",
        description="What is sent when the chat takes no free text any more and there is no template: nothing, which "
        "fails the rule, or a text message.",
        examples=["sms"],
    )
    provider: str = Field(
        default="",
        description="The provider of WhatsApp, Messenger and SMS chats. Default: the one set for chats.",
        examples=["outbox"],
    )


_TEXT = TextField("chat", is_message=True, limit=LIMIT)


def _title(settings: RuleSettings) -> str:
    if not isinstance(settings, Chat):
        return "Chat"
    return f"Whisper: {settings.chat}" if settings.whisper else f"Chat: {settings.chat}"


KIND = RuleKind(
    name="chat",
    settings=Chat,
    is_record=False,
    reaches_customer=True,
    queue="orders-chat",
    texts=(_TEXT, TextField("variables")),
    results={"medium": Medium, "language": str},
    title=_title,
)


async def compose(context: RunContext, tx: Tx) -> Composed:
    """Render the text and choose the conversation; a whisper is stored at once, and that is all."""
    settings = context.settings(Chat)
    text = worded(context, settings.chat, field=_TEXT, for_employees=settings.whisper)
    if isinstance(text, Ended):
        return text
    body = unicodedata.normalize("NFC", text.body).strip()
    if not body:
        return failed(RunReason.TEXT_INVALID, "The text is empty for this order: write one, or give the rule a `when`")
    people = await customers.of_order(tx, context.key)
    linked = [customer.id for customer in people]
    if not linked:
        return skipped(RunReason.NO_CUSTOMER, "The order has no customer: link a contact or a company to it")
    known = [chat for customer in linked for chat in await chats.of_customer(tx, customer=customer)]
    earlier = await chats.earlier(tx, send_id=context.send_id)
    chosen = _chosen(known, earlier=earlier)
    if chosen is None:
        return skipped(RunReason.NO_CHAT, "The customer has not written in any chat yet")
    results: dict[str, object] = {"medium": chosen.medium, "language": text.language}
    if settings.whisper:
        await chats.whisper(
            tx,
            conversation=chosen.id,
            text=body,
            ref=str(context.run),
            author=context.rule.id,
            at=context.now,
            order=context.key,
        )
        return done(results=results)
    if chosen.medium == "sms" and not context.rule.is_transactional:
        # The claim asks for consent to chats; this one is text messages, too.
        is_stopped = await customers.is_suppressed(tx, channel="sms", address=chosen.address)
        if is_stopped or not people[0].consent.sms:
            return skipped(RunReason.UNSUBSCRIBED, "The customer does not want text messages")
    message = Message(
        channel="chat",
        address=chosen.address,
        body=body,
        provider=_WEB_CHAT if chosen.medium == chats.WEB else settings.provider,
        customer=linked[0],
        medium=chosen.medium,
        results=results,
    )
    return await _through_the_window(context, tx, message=message, chat=chosen, earlier=earlier)


def _chosen(known: list[ConversationRecord], *, earlier: Earlier | None) -> ConversationRecord | None:
    """Choose the customer's latest chat; but what may have left already stays in its own, so that it is found there."""
    if earlier is not None:
        for chat in known:
            if earlier.is_to(chat.address):
                return chat
    return known[0] if known else None


async def _through_the_window(
    context: RunContext, tx: Tx, *, message: Message, chat: ConversationRecord, earlier: Earlier | None
) -> Composed:
    """Send freely while the medium lets us; else the template, else the fallback, else the run fails."""
    settings = context.settings(Chat)
    is_text_message = earlier is not None and earlier.channel == "sms"
    moment = context.now if earlier is None else earlier.at
    if chats.takes_words(chat, moment=moment) and not is_text_message:
        return message
    if settings.template and chat.medium in _WITH_TEMPLATES and not is_text_message:
        variables: dict[str, str] = {}
        for name, value in settings.variables.items():
            rendered = filled(context, value, limit=LIMIT, for_employees=False)
            if isinstance(rendered, Ended):
                return rendered
            variables[name] = rendered
        return replace(message, template=settings.template, variables=variables)
    if settings.fallback == "sms":
        if len(message.body) > _SMS_LIMIT:
            words = f"As a text message it has {len(message.body)} characters and may have {_SMS_LIMIT}: shorten it"
            return failed(RunReason.TEXT_TOO_LONG, words)
        text = replace(message, channel="sms", medium="", provider="", results={**message.results, "medium": "sms"})
        return await to_customer(context, tx, message=text, route=PHONE, wanted="auto")
    words = (
        f"The customer's last message in {chat.medium} is older than a day, so it takes no free text: give the rule "
        "a `template`, or `fallback: sms`"
    )
    return failed(RunReason.CHAT_CLOSED, words)
