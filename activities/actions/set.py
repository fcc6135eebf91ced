"""`set:` gives fields of the order new values."""

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Annotated

from pydantic import Field, StrictBool, StrictInt, StrictStr, WithJsonSchema

from activities.actions.protocol import Ended, RunContext, done, failed, skipped
from activities.actions.wording import filled
from activities.store.database import Tx
from workflows.contracts.reasons import RunReason
from workflows.pipeline.kinds import Reference, RuleKind, RuleSettings, TextField
from workflows.pipeline.model import FieldType

#: What a field may be given in the file; a number with a point is read as an exact one.
Value = (
    StrictBool
    | StrictInt
    | Annotated[Decimal, Field(strict=True), WithJsonSchema({"type": "number"})]
    | StrictStr
    | list[StrictStr]
)


class Set(RuleSettings):
    """Give fields of the order new values."""

    set: dict[str, Value] = Field(
        min_length=1,
        description="Fields and their new values (Liquid): delivery_date, note, source, tags, total, or those under "
        "`fields:`.",
        examples=[{"source": "phone"}, {"note": "Code {{ results.code.value }}"}, {"tags": ["vip"]}],
    )
    append: bool = Field(
        default=False,
        description="Add to list fields what they do not hold yet, instead of replacing the list.",
        examples=[True],
    )


def _title(settings: RuleSettings) -> str:
    return f"Set {', '.join(settings.set)}" if isinstance(settings, Set) else "Set"


KIND = RuleKind(
    name="set",
    settings=Set,
    texts=(TextField("set"),),
    references={"set": Reference.ORDER_FIELDS},
    title=_title,
)


async def record(context: RunContext, tx: Tx) -> Ended:
    """Find what changes; the event `order.edited` makes it so."""
    settings = context.settings(Set)
    changed: dict[str, object] = {}
    for name, value in settings.set.items():
        present = _present(context, name)
        if settings.append and not isinstance(present, list):
            words = f"append: adds to lists, and {name} is not one: write it into a rule of its own"
            return failed(RunReason.MISCONFIGURED, words)
        rendered = _rendered(context, value)
        if isinstance(rendered, Ended):
            return rendered
        wanted = _joined(present, rendered) if settings.append else rendered
        if not _is_same(present, wanted):
            # Numbers are exact: as floats they would not be.
            changed[name] = str(wanted) if isinstance(wanted, Decimal) else wanted
    if not changed:
        return skipped(RunReason.ALREADY_SO, f"{', '.join(settings.set)}: so already")
    return done(f"Set {', '.join(changed)}", events=(("order.edited", {"fields": changed}),))


def _rendered(context: RunContext, value: Value) -> Value | Ended:
    if isinstance(value, str):
        return filled(context, value)
    if not isinstance(value, list):
        return value
    texts: list[str] = []
    for one in value:
        text = filled(context, one)
        if isinstance(text, Ended):
            return text
        texts.append(text)
    return texts


def _present(context: RunContext, name: str) -> object:
    order = context.view.order
    if name in context.pipeline.fields:
        kept = order.fields.get(name)
        return [] if kept is None and context.pipeline.fields[name] is FieldType.LIST else kept
    return getattr(order, name, None)


def _joined(present: object, value: Value) -> list[object]:
    kept = list(present) if isinstance(present, list) else []
    added = value if isinstance(value, list) else [value]
    return [*kept, *dict.fromkeys(one for one in added if one not in kept)]


def _is_same(present: object, wanted: object) -> bool:
    if isinstance(present, date):
        return str(present) == str(wanted)
    if isinstance(present, Decimal):
        return present == _number(wanted)
    return type(present) is type(wanted) and present == wanted


def _number(value: object) -> Decimal | None:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None
