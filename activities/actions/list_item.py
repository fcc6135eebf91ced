"""`list_item: LIST` adds an entry to one of the shop's lists, with fields made of the order."""

from typing import Annotated

from pydantic import Field

from activities.actions.protocol import Ended, RunContext, done
from activities.actions.wording import filled
from activities.store import lists
from activities.store.database import Tx
from workflows.pipeline.kinds import RuleKind, RuleSettings, TextField

_LENGTH = 2_000

_Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$")]
_Value = Annotated[str, Field(max_length=_LENGTH)]


class ListItem(RuleSettings):
    """Add an entry to a list."""

    list_item: _Name = Field(description="The list; it need not exist before.", examples=["to-reorder"])
    fields: dict[_Name, _Value] = Field(
        default_factory=dict,
        max_length=50,
        description="What the entry holds: names and values (Liquid).",
        examples=[{"order": "{{ order.number }}", "total": "{{ order.total }}"}],
    )


def _title(settings: RuleSettings) -> str:
    return f"Entry of the list {settings.list_item}" if isinstance(settings, ListItem) else "Entry of a list"


KIND = RuleKind(
    name="list_item",
    settings=ListItem,
    texts=(TextField("fields", limit=_LENGTH),),
    results={"item": str},
    title=_title,
)


async def record(context: RunContext, tx: Tx) -> Ended:
    """Write the entry; its id is the run's."""
    settings = context.settings(ListItem)
    fields: dict[str, str] = {}
    for name, value in settings.fields.items():
        text = filled(context, value, limit=_LENGTH)
        if isinstance(text, Ended):
            return text
        fields[name] = text
    await lists.add(tx, context.key, id=context.run, to=settings.list_item, fields=fields, now=context.now)
    return done(f"Added to {settings.list_item}", results={"item": str(context.run)})
