"""A telephone exchange for tests of rules and lives: every call ends as the test says."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from activities.providers.errors import NotSent, Rejected, Unknown
from activities.providers.protocol import Accepted, Message, Outcome
from activities.providers.stand_in import StandIn

ANSWERED = Outcome({"outcome": "answered", "answered_by": "human"})
MACHINE = Outcome({"outcome": "machine", "answered_by": "machine"})
BUSY = Outcome({"outcome": "busy", "answered_by": ""}, has_reached=False)
NO_ANSWER = Outcome({"outcome": "no_answer", "answered_by": ""}, has_reached=False)


class Exchange(StandIn):
    """Make every call, and tell its outcome: the next one of `outcomes`. None is a phone that still rings.

    Where there is none left, it rings on. With `loses_answers` a call is made and nobody hears that it was.
    """

    patience = timedelta(milliseconds=100)

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        super().__init__(clock=clock)
        self.outcomes: list[Outcome | NotSent | Rejected | None] = []
        self.loses_answers = False

    async def send(self, message: Message, *, send_id: UUID) -> Accepted:
        """Make the call; its answer may be lost."""
        accepted = await super().send(message, send_id=send_id)
        if self.loses_answers:
            raise Unknown("the answer was lost")
        return accepted

    async def outcome(self, message: Message, *, send_id: UUID) -> Outcome | None:
        """Tell how the call went."""
        told = self.outcomes.pop(0) if self.outcomes else None
        if isinstance(told, NotSent | Rejected):
            raise told
        return told
