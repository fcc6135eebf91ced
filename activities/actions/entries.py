"""What rules that write into an order's history share: the author, and the line itself."""

from typing import Annotated

from pydantic import Field

from activities.actions.protocol import RunContext
from activities.store import timeline
from activities.store.database import Tx
from activities.store.history import NewEntry, TimelineKind

AUTHOR = "automation"

Author = Annotated[
    str, Field(min_length=1, max_length=100, description="Who is shown as its author.", examples=["ERP"])
]


async def write(context: RunContext, tx: Tx, *, kind: TimelineKind, text: str, author: str) -> None:
    """Write a run's line; a repetition of the run writes nothing."""
    entry = NewEntry(
        kind=kind,
        text=text,
        author=author,
        at=context.now,
        visit=context.visit,
        rule=context.rule.id,
        ref=str(context.run),
    )
    await timeline.add(tx, context.key, entry=entry)
