"""`robocall:` calls the customer and reads a text aloud, or plays a recording; how the call went is the rule's result.

The words are kept with the call: the call itself fetches them when it is answered.
"""

import re
from dataclasses import replace
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from activities.actions import voices
from activities.actions.addressees import PHONE, to_customer
from activities.actions.protocol import Composed, Ended, RunContext, failed
from activities.actions.settings import AddressType
from activities.actions.speaking import VoiceSettings
from activities.actions.voices import Voice
from activities.actions.wording import worded
from activities.providers.protocol import Again, Message, Speech
from activities.store import calls
from activities.store.calls import NewCall
from activities.store.database import Tx
from workflows.contracts.reasons import RunReason
from workflows.pipeline.durations import Duration, DurationSetting
from workflows.pipeline.kinds import RuleKind, RuleSettings, TextField, Wording
from workflows.pipeline.mistakes import Mistake
from workflows.pipeline.texts import Text

#: Most characters of a text that is read aloud: more than a minute.
LIMIT = 1_000

#: What XML cannot hold, and so no call can say (https://www.w3.org/TR/xml/#charsets).
_UNSPEAKABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")

_LABEL = r"(?!-)[a-z0-9-]{1,63}(?<!-)"
_NAME = re.compile(rf"(?:{_LABEL}\.)+(?!\d)(?!-)[a-z0-9-]{{2,63}}(?<!-)", re.IGNORECASE | re.ASCII)

#: Endings of names that mean nothing outside a network of one's own (RFC 6761, 6762, 8375, ICANN's .internal).
_PRIVATE = ("localhost", "local", "internal", "home.arpa", "test", "invalid")


class CallOutcome(StrEnum):
    """How a call went, as later rules see it."""

    ANSWERED = "answered"
    MACHINE = "machine"
    FAX = "fax"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    FAILED = "failed"


class Repeat(BaseModel):
    """When nobody answers, call again."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    times: int = Field(ge=1, le=10, description="How often it calls again, at most.", examples=[2])
    every: DurationSetting = Field(description="How long after the call before.", examples=["30m", "2h"])


_NEVER = Repeat.model_construct(times=0, every=Duration())


class Robocall(RuleSettings):
    """Call the customer and read a text aloud, or play a recording."""

    robocall: str = Field(
        description="The text (Liquid), or the id of an entry of `messages:`; at most 1000 characters once rendered. "
        'Empty ("") with `audio`.',
        examples=["ready", "Your order {{ order.number }} is ready."],
    )
    audio: str = Field(
        default="",
        max_length=2_000,
        description="A recording in place of the text: the public https address of an .mp3.",
        examples=["https://shop.example/ready.mp3"],
    )
    voice: VoiceSettings = Field(
        default=VoiceSettings(),
        description="How it sounds. Default: a voice of the customer's language.",
        examples=[{"language": "en-US", "name": "Polly.Joanna-Neural", "rate": 90, "volume": 6}],
    )
    line: str = Field(
        default="",
        pattern=r"^(\+[1-9][0-9]{6,14})?$",
        description="The number it calls from. Default: the provider's.",
        examples=["+48221234567"],
    )
    phone: AddressType = Field(
        default="auto",
        description="Which phone of the customer: the first one listed, or the first of a type; without one of that "
        "type the rule does not run.",
        examples=["auto", "mobile"],
    )
    repeat: Repeat = Field(
        default=_NEVER,
        description="Call again when nobody answered.",
        examples=[{"times": 2, "every": "30m"}],
        json_schema_extra=lambda schema: _without_default(schema),
    )
    provider: str = Field(
        default="",
        description="The provider that calls. Default: the one set for calls.",
        examples=["outbox"],
    )

    @field_validator("audio")
    @classmethod
    def _is_public(cls, address: str) -> str:
        if address:
            _check_recording(address)
        return address

    @model_validator(mode="after")
    def _says_one_thing(self) -> "Robocall":
        if self.audio and self.robocall:
            help = "Write robocall: \"\" with 'audio', or remove 'audio'."
            raise Mistake("D218", "a call says a text or plays a recording, not both", help=help)
        if not self.audio and not self.robocall:
            raise Mistake("D219", "'robocall' is empty", help="Write a text or the id of a message, or 'audio:'.")
        return self


_TEXT = TextField("robocall", is_message=True, limit=LIMIT)


def _hints(settings: RuleSettings, wording: Wording) -> list[tuple[str, Mistake]]:
    """Warn of texts that nobody can read aloud, and of a voice that has nothing to read."""
    if not isinstance(settings, Robocall):
        return []
    readers = {one: settings.voice.reader(one, is_message=wording.is_message) for one in wording.languages}
    silent = [f"'{one}'" for one, voice in readers.items() if voice is None]
    if silent:
        who = "Customers of this language" if len(silent) == 1 else "Customers of these languages"
        fate = "are not called" if readers.get(wording.first) is None else f"hear '{wording.first}'"
        help = f"{who} {fate}. Give the rule a 'voice:' that can read it, or play a recording with 'audio:'."
        return [("robocall", Mistake("D413", f"no voice speaks {', '.join(silent)}", help=help))]
    voice = settings.voice.voice
    if voice is not None and voice not in readers.values():
        words = f"the voice speaks {voice.language}, and the message has no text in it"
        help = "Each text is read in a voice of its own language. Remove 'voice', or write the text."
        return [("voice", Mistake("D414", words, help=help))]
    return []


def _title(settings: RuleSettings) -> str:
    return f"Call: {settings.robocall or settings.audio}" if isinstance(settings, Robocall) else "Call"


KIND = RuleKind(
    name="robocall",
    settings=Robocall,
    is_record=False,
    reaches_customer=True,
    queue="orders-voice",
    texts=(_TEXT,),
    results={"outcome": CallOutcome, "answered_by": str, "attempts": int, "language": str},
    title=_title,
    hints=_hints,
)


async def compose(context: RunContext, tx: Tx) -> Composed:
    """Find the phone and keep the words for the call."""
    settings = context.settings(Robocall)
    message = spoken(context)
    if isinstance(message, Ended):
        return message
    found = await to_customer(context, tx, message=message, route=PHONE, wanted=settings.phone)
    if isinstance(found, Message):
        await keep(context, tx, message=found)
    return found


def spoken(context: RunContext) -> Message | Ended:
    """Return the call without its number: the text for this order, the voice, how often it is repeated."""
    settings = context.settings(Robocall)
    message = Message(
        channel="voice",
        address="",
        body="",
        sender=settings.line,
        provider=settings.provider,
        awaits_outcome=True,
        again=Again(settings.repeat.times, settings.repeat.every.length),
    )
    chosen = settings.voice
    if settings.audio:
        return replace(message, speech=Speech(audio=settings.audio), results={"attempts": context.attempt})
    read = _read(context)
    if isinstance(read, Ended):
        return read
    text, voice = read
    body = _UNSPEAKABLE.sub("", text.body).strip()
    if not body:
        return failed(RunReason.TEXT_INVALID, "The text is empty for this order: write one, or give the rule a `when`")
    speech = Speech(language=voice.language, voice=voice.name, rate=chosen.rate, volume=chosen.volume)
    results: dict[str, object] = {"attempts": context.attempt, "language": text.language}
    return replace(message, body=body, speech=speech, results=results)


def _read(context: RunContext) -> tuple[Text, Voice] | Ended:
    """Find the text and its voice: in the customer's language, or in the pipeline's first one if nobody reads that."""
    settings = context.settings(Robocall)
    is_message = settings.robocall in context.pipeline.messages
    silent = ""
    # A text of the rule's own is in a language of the pipeline, whatever the customer speaks.
    for in_first in (False, True) if is_message or _is_spoken(context) else (True,):
        text = worded(context, settings.robocall, field=_TEXT, for_employees=in_first)
        if isinstance(text, Ended):
            return text
        voice = settings.voice.reader(text.language, is_message=is_message)
        if voice is not None:
            return text, voice
        silent = silent or text.language
    words = f"No voice speaks '{silent}', the language of '{context.rule.id}': give the rule a voice, or a recording"
    return failed(RunReason.MISCONFIGURED, words)


def _is_spoken(context: RunContext) -> bool:
    customer = context.view.customer
    spoken = [voices.base_of(one) for one in context.pipeline.languages]
    return customer is not None and voices.base_of(customer.language) in spoken


async def keep(context: RunContext, tx: Tx, *, message: Message) -> None:
    """Keep what a call says under the id of its send."""
    speech = message.speech or Speech()
    call = NewCall(
        send_id=context.send_id,
        key=context.key,
        text=message.body,
        language=speech.language,
        voice=speech.voice,
        rate=speech.rate,
        volume=speech.volume,
        audio=speech.audio,
    )
    await calls.put(tx, call=call, now=context.now)


def _check_recording(address: str) -> None:
    """Refuse an address that a telephone network could not fetch; whether it is there, only a test call tells."""
    help = "Write a public address like https://shop.example/ready.mp3."
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise Mistake("D226", f"'{address}' is not an https address", help=help) from None
    if parts.scheme != "https" or not host or re.search(r"[\s\\{}<>\"\x00-\x1f\x7f]", address):
        raise Mistake("D226", f"'{address}' is not an https address", help=help)
    if "@" in parts.netloc:
        raise Mistake("D226", "the address of the recording holds a user name or a password", help=help)
    if port not in (None, 443):
        raise Mistake("D226", f"the address of the recording names port {port}", help="Leave the port out.")
    if not _NAME.fullmatch(host) or f".{host.lower()}".endswith(tuple(f".{name}" for name in _PRIVATE)):
        raise Mistake("D226", f"'{host}' is not a host that everybody can reach", help=help)
    if not parts.path.lower().endswith(".mp3"):
        raise Mistake("D226", "the recording is not an .mp3", help=help)


def _without_default(schema: dict[str, Any]) -> None:
    """Keep editors from offering "never": it is what leaving the key out means."""
    schema.pop("default", None)
