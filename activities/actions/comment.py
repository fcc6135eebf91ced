"""`comment:` puts a comment on the order's timeline."""

from pydantic import Field

from activities.actions.entries import AUTHOR, Author, write
from activities.actions.protocol import Ended, RunContext, done
from activities.actions.wording import worded
from activities.store.database import Tx
from activities.store.history import TimelineKind
from workflows.pipeline.kinds import RuleKind, RuleSettings, TextField, TextFormat


class Comment(RuleSettings):
    """Put a comment on the order's timeline."""

    comment: str = Field(
        min_length=1,
        description="The text (Liquid, Markdown).",
        examples=["Closed: {{ order.cancel_reason }}"],
    )
    author: Author = AUTHOR


_TEXT = TextField("comment", format=TextFormat.MARKDOWN)


def _title(settings: RuleSettings) -> str:
    return f"Comment: {settings.comment}" if isinstance(settings, Comment) else "Comment"


KIND = RuleKind(name="comment", settings=Comment, texts=(_TEXT,), title=_title)


async def record(context: RunContext, tx: Tx) -> Ended:
    """Put the comment there."""
    settings = context.settings(Comment)
    text = worded(context, settings.comment, field=_TEXT, for_employees=True)
    if isinstance(text, Ended):
        return text
    await write(context, tx, kind=TimelineKind.COMMENT, text=text.body, author=settings.author)
    return done("Put on the timeline")
