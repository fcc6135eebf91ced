"""`log:` writes a record into the order's history."""

from pydantic import Field

from activities.actions.entries import AUTHOR, Author, write
from activities.actions.protocol import Ended, RunContext, done
from activities.actions.wording import worded
from activities.store.database import Tx
from activities.store.history import TimelineKind
from workflows.pipeline.kinds import RuleKind, RuleSettings, TextField


class Log(RuleSettings):
    """Write a record into the order's history."""

    log: str = Field(
        min_length=1,
        description="The text (Liquid).",
        examples=["Paid {{ order.paid_amount | money }}"],
    )
    author: Author = AUTHOR


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
    await write(context, tx, kind=TimelineKind.LOG, text=text.body, author=settings.author)
    return done("Written into the history")
