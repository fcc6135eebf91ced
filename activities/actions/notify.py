"""`notify:` sends a notice to employees' inboxes."""

from pydantic import Field

from activities.actions.employees import staff, tell
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
        description="Who gets it: ids, departments, `responsible`, `role:NAME`.",
        examples=["responsible", ["olga", "role:warehouse"]],
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
    """Write the notice into each inbox."""
    settings = context.settings(Notify)
    text = worded(context, settings.notify, field=_TEXT, for_employees=True)
    if isinstance(text, Ended):
        return text
    found = await staff(context, tx, recipients=settings.to)
    if isinstance(found, Ended):
        return found
    return done(await tell(context, tx, found=found, text=text.body, sender=settings.sender))
