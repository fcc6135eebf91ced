"""The signed pass in every form that is shown: of which form it is, and since when. It makes an answer count once.

Nothing else admits an answer, so another site's page cannot send one, and a program that answers at once is told apart.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from activities.runtime.tokens import Tokens

#: Nobody fills in a form faster; nobody leaves it open for longer.
FASTEST, LONGEST = timedelta(seconds=2), timedelta(days=1)

_PURPOSE = "form"


@dataclass(frozen=True)
class Pass:
    """A form that was shown to somebody. `id` is that of the event; `visitor` is known where the link said so."""

    id: str
    form: str
    shown_at: datetime
    visitor: str = ""

    def is_ripe(self, now: datetime) -> bool:
        """Say whether a person had the time to fill it in."""
        return now - self.shown_at >= FASTEST

    def is_over(self, now: datetime) -> bool:
        """Say whether it was shown too long ago, or not yet."""
        return not timedelta(seconds=-60) <= now - self.shown_at <= LONGEST


def fresh(form: str, *, now: datetime, visitor: str = "") -> Pass:
    """Make the pass of a form that is about to be shown."""
    return Pass(uuid4().hex, form, now, visitor)


def signed(tokens: Tokens, given: Pass) -> str:
    """Write a pass as the form carries it."""
    value = [given.id, given.form, given.shown_at.timestamp(), given.visitor]
    return tokens.sign(value, purpose=_PURPOSE)


def read(tokens: Tokens, text: str, *, form: str) -> Pass | None:
    """Read the pass of a form; None for one that is forged, or another form's."""
    value = tokens.read(text, purpose=_PURPOSE) if len(text) < 2_000 else None
    if not isinstance(value, list) or len(value) != 4 or value[1] != form:
        return None
    return Pass(str(value[0]), form, datetime.fromtimestamp(value[2], UTC), str(value[3]))
