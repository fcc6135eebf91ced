"""`notify:` sends a notice to employees, and to chat rooms of the staff."""

from pydantic import Field

from activities.actions.employees import audience, tell
from activities.actions.protocol import Ended, RunContext, done
from activities.actions.settings import Recipients
from activities.actions.wording import worded
from activities.store.database import Tx
from workflows.pipeline.kinds import Reference, RuleKind, RuleSettings, TextField


class Notify(RuleSettings):
    """Send a notice to employees."""

    notify: str = Field(
        min_length=1,
        description="The text (Liquid).",
        examples=["New order {{ order.number }}, {{ order.total | money }}"],
    )
    to: Recipients = Field(
        default=("responsible",),
        description="Who gets it: ids, departments, `responsible`, `role:NAME`, `chat:ROOM` of the staff.",
        examples=["responsible", ["olga", "role:warehouse"], "chat:sales-team"],
    )
    sender: str = Field(
        default="", max_length=100, description="Who is shown as its sender. Default: the shop.", examples=["Sales"]
    )


_TEXT = TextField("notify")


def _title(settings: RuleSettings) -> str:
    return f"Notice: {settings.notify}" if isinstance(settings, Notify) else "Notice"


KIND = RuleKind(
    name="notify",
    settings=Notify,
    texts=(_TEXT,),
    references={"to": Reference.RECIPIENTS},
    title=_title,
)


async def record(context: RunContext, tx: Tx) -> Ended:
    """Write the notice; it reaches each employee in the way they chose."""
    settings = context.settings(Notify)
    text = worded(context, settings.notify, field=_TEXT, for_employees=True)
    if isinstance(text, Ended):
        return text
    meant = await audience(context, tx, recipients=settings.to)
    if isinstance(meant, Ended):
        return meant
    told = await tell(context, tx, found=meant.found, rooms=meant.rooms, text=text.body, sender=settings.sender)
    return done(told)
