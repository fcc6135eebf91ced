"""The provider of the lab: it takes every message of every channel and keeps it; nothing leaves the process.

It can be told how a channel behaves: up, down (nothing leaves), refusing, silent (the answer is lost), or unanswered
(messages are taken and reach nobody).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from activities.providers.errors import NotSent, Rejected, Unknown
from activities.providers.protocol import Accepted, Message, Outcome, Provider
from activities.providers.registry import Providers


class Mood(StrEnum):
    """How a channel behaves."""

    UP = "up"
    DOWN = "down"
    REFUSING = "refusing"
    SILENT = "silent"
    UNANSWERED = "unanswered"


@dataclass(frozen=True)
class Sent:
    """A message that was taken, and when."""

    at: datetime
    send_id: UUID
    message: Message


class StandIn:
    """Take messages; the same send once. While a channel is silent, nobody can tell what became of a message."""

    name = "stand-in"
    channels: tuple[str, ...] = ("sms", "email", "voice", "chat", "webhook", "document", "workflow")
    grace = timedelta(seconds=30)
    patience = timedelta(seconds=30)

    def __init__(self, *, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._taken: dict[UUID, Sent] = {}
        self._moods: dict[str, Mood] = {}

    @property
    def sent(self) -> list[Sent]:
        """The messages taken, in their order."""
        return list(self._taken.values())

    def behave(self, channel: str, *, mood: Mood) -> None:
        """Let a channel behave so from now on."""
        self._moods[channel] = mood

    async def send(self, message: Message, *, send_id: UUID) -> Accepted:
        """Take a message, unless its channel is told otherwise."""
        mood = self._moods.get(message.channel, Mood.UP)
        if mood is Mood.DOWN:
            raise NotSent(f"The provider of {message.channel} is down")
        if mood is Mood.REFUSING:
            raise Rejected("refused", f"The provider of {message.channel} refused the message")
        if mood is Mood.SILENT:
            raise Unknown(f"The provider of {message.channel} did not answer")
        self._taken.setdefault(send_id, Sent(self._clock(), send_id, message))
        return _accepted(message, send_id=send_id)

    async def lookup(self, message: Message, *, send_id: UUID) -> Accepted | None:
        """Say whether a message was taken."""
        if self._moods.get(message.channel) is Mood.SILENT:
            raise Unknown(f"The provider of {message.channel} cannot tell")
        return _accepted(message, send_id=send_id) if send_id in self._taken else None

    async def outcome(self, message: Message, *, send_id: UUID) -> Outcome | None:
        """Say that it was heard by a person, unless its channel is told that nobody answers."""
        if message.channel != "voice":
            return Outcome({"result": {}} if message.channel == "workflow" else {})
        if self._moods.get(message.channel) is Mood.UNANSWERED:
            return Outcome({"outcome": "no_answer", "answered_by": ""}, has_reached=False)
        return Outcome({"outcome": "answered", "answered_by": "human"})


class StandIns(Providers):
    """The stand-in for every channel, and under every name that a rule gives."""

    def __init__(self, stand_in: StandIn) -> None:
        super().__init__([stand_in], channels={})
        self._stand_in = stand_in

    def choose(self, channel: str, *, name: str = "") -> Provider:
        """Return the stand-in."""
        return self._stand_in


def _accepted(message: Message, *, send_id: UUID) -> Accepted:
    return Accepted(f"stand-in-{send_id}", {"status": 200} if message.channel == "webhook" else {})
