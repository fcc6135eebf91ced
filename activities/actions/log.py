"""`log:` writes a record into the order's history."""

from pydantic import Field

from activities.actions.protocol import Ended, RunContext, done
from activities.actions.wording import worded
from activities.store import timeline
from activities.store.database import Tx
from activities.store.history import NewEntry, TimelineKind
from workflows.pipeline.kinds import RuleKind, RuleSettings, TextField


class Log(RuleSettings):
    """Write a record into the order's history."""

    log: str = Field(
        min_length=1,
        description="The text (Liquid).",
        examples=["Paid {{ order.paid_amount | money }}"],
    )
    author: str = Field(
        default="automation", min_length=1, max_length=100, description="Who is shown as its author.", examples=["ERP"]
    )


_TEXT = TextField("log")


def _title(settings: RuleSettings) -> str:
    return f"Log: {settings.log}" if isinstance(settings, Log) else "Log"


KIND = RuleKind(name="log", settings=Log, texts=(_TEXT,), title=_title)


async def record(context: RunContext, tx: Tx) -> Ended:
    """Write the record."""
    settings = context.settings(Log)
    text = worded(context, settings.log, field=_TEXT, for_employees=True)
    if isinstance(text, Ended):
        return text
    entry = NewEntry(
        kind=TimelineKind.LOG,
        text=text.body,
        author=settings.author,
        at=context.now,
        visit=context.visit,
        rule=context.rule.id,
        ref=str(context.run),
    )
    await timeline.add(tx, context.key, entry=entry)
    return done("Written into the history")
