"""`feed:` writes a post into the employees' feed."""

from pydantic import Field

from activities.actions.employees import staff
from activities.actions.protocol import Ended, RunContext, done
from activities.actions.settings import Recipients
from activities.actions.wording import filled, worded
from activities.store import posts
from activities.store.database import Tx
from activities.store.posts import NewPost
from workflows.pipeline.kinds import Reference, RuleKind, RuleSettings, TextField

_TITLE_LIMIT = 500


class Feed(RuleSettings):
    """Write a post into the employees' feed."""

    feed: str = Field(
        min_length=1,
        description="The text (Liquid).",
        examples=["{{ responsible.name | default: 'Somebody' }} sold {{ order.total | money }}!"],
    )
    title: str = Field(default="", description="What stands above it (Liquid).", examples=["A great order"])
    sender: str = Field(
        default="", max_length=100, description="Who is shown as its author. Default: the shop.", examples=["Sales"]
    )
    to: Recipients = Field(
        default=(),
        description="Who sees it: ids, departments, `responsible`, `role:NAME`. Default: everybody.",
        examples=[["sales", "role:director"]],
    )


_TEXT = TextField("feed")


def _title(settings: RuleSettings) -> str:
    return f"Post: {settings.feed}" if isinstance(settings, Feed) else "Post"


KIND = RuleKind(
    name="feed",
    settings=Feed,
    texts=(_TEXT, TextField("title", limit=_TITLE_LIMIT)),
    references={"to": Reference.RECIPIENTS},
    title=_title,
)


async def record(context: RunContext, tx: Tx) -> Ended:
    """Write the post, once per run."""
    settings = context.settings(Feed)
    text = worded(context, settings.feed, field=_TEXT, for_employees=True)
    if isinstance(text, Ended):
        return text
    title = filled(context, settings.title, limit=_TITLE_LIMIT) if settings.title else ""
    if isinstance(title, Ended):
        return title
    readers = await staff(context, tx, recipients=settings.to) if settings.to else []
    if isinstance(readers, Ended):
        return readers
    post = NewPost(
        ref=str(context.run),
        title=title,
        text=text.body,
        sender=settings.sender or context.pipeline.shop_name or context.view.shop.name or context.key.shop,
        readers=tuple(employee.id for employee in readers),
    )
    await posts.add(tx, context.key, post=post, now=context.now)
    return done(f"Posted for {', '.join(post.readers) or 'everybody'}")
