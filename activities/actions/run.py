"""`run:` starts another Temporal workflow; with `await: true` the rule ends with that workflow, whose result it keeps.

The workflow's id is that of the send, so that a rule which is carried out twice starts one workflow.
"""

import json
from datetime import date
from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator

from activities.actions.protocol import Composed, Ended, RunContext, failed
from activities.actions.wording import filled
from activities.providers.protocol import Message
from activities.store.database import Tx
from workflows.contracts.reasons import RunReason
from workflows.pipeline.kinds import RuleKind, RuleSettings, TextField
from workflows.pipeline.mistakes import Mistake

#: Temporal refuses larger payloads (https://docs.temporal.io/troubleshooting/blob-size-limit-error); ours stay small.
_LARGEST = 100_000

#: How deep an input may be nested.
_DEEPEST = 10

#: A name as Temporal takes it: nothing that a person cannot see.
_NAME = r"^[!-~]([ -~]*[!-~])?$"


class Target(BaseModel):
    """Which workflow, and what it is given."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    workflow: str = Field(
        min_length=1,
        max_length=200,
        pattern=_NAME,
        description="The workflow's type.",
        examples=["PackParcel"],
    )
    task_queue: str = Field(
        min_length=1,
        max_length=200,
        pattern=_NAME,
        description="The task queue its worker polls.",
        examples=["warehouse"],
    )
    input: dict[str, JsonValue] = Field(
        default_factory=dict,
        description="What it is given: a block of keys; texts in it may be Liquid.",
        examples=[{"order": "{{ order.number }}", "express": True}],
    )
    id: str = Field(
        default="",
        max_length=200,
        description="The workflow's id (Liquid); while one of that id runs, or after it has run, none is started. "
        "Default: an id of the rule's run.",
        examples=["pack-{{ order.number }}"],
    )
    awaits: bool = Field(
        default=False, alias="await", description="Wait for its end; its result is the rule's.", examples=[True]
    )

    @field_validator("input", mode="before")
    @classmethod
    def _is_plain(cls, value: object) -> object:
        return _plain(value)


class Run(RuleSettings):
    """Start another Temporal workflow."""

    run: Target = Field(
        description="The workflow that is started.",
        examples=[{"workflow": "PackParcel", "task_queue": "warehouse", "input": {"order": "{{ order.number }}"}}],
    )


def _title(settings: RuleSettings) -> str:
    return f"Workflow: {settings.run.workflow}" if isinstance(settings, Run) else "Workflow"


KIND = RuleKind(
    name="run",
    settings=Run,
    is_record=False,
    texts=(TextField("run"),),
    results={"workflow": str, "result": dict},
    title=_title,
)


async def compose(context: RunContext, tx: Tx) -> Composed:
    """Fill the input in."""
    target = context.settings(Run).run
    given = _filled(context, target.input)
    if isinstance(given, Ended):
        return given
    body = json.dumps(given, ensure_ascii=False, separators=(",", ":"))
    if len(body.encode()) > _LARGEST:
        return failed(RunReason.TEXT_TOO_LONG, f"The input is larger than {_LARGEST // 1000} kB: give ids in its place")
    name = filled(context, target.id, limit=_LARGEST) if target.id else f"run:{context.send_id}"
    if isinstance(name, Ended):
        return name
    if not name.strip() or len(name) > 500:
        return failed(RunReason.TEXT_INVALID, "The workflow's id is empty or too long for this order: correct `id`")
    return Message(
        channel="workflow",
        address=name.strip(),
        subject=target.workflow,
        headers={"task_queue": target.task_queue},
        body=body,
        awaits_outcome=target.awaits,
        results={"workflow": name.strip()},
    )


def _filled(context: RunContext, value: JsonValue) -> JsonValue | Ended:
    """Render every text of a value; the first one that cannot be made ends the run."""
    if isinstance(value, str):
        return filled(context, value)
    if isinstance(value, list):
        items: list[JsonValue] = []
        for one in value:
            made = _filled(context, one)
            if isinstance(made, Ended):
                return made
            items.append(made)
        return items
    if isinstance(value, dict):
        parts: dict[str, JsonValue] = {}
        for name, one in value.items():
            made = _filled(context, one)
            if isinstance(made, Ended):
                return made
            parts[name] = made
        return parts
    return value


def _plain(value: object, *, depth: int = 0) -> object:
    """Make JSON of what the file holds: exact numbers become usual ones, dates texts."""
    if depth > _DEEPEST:
        raise Mistake("D107", "'input' is nested too deep", help=f"At most {_DEEPEST} levels.")
    if isinstance(value, dict):
        return {str(name): _plain(one, depth=depth + 1) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one, depth=depth + 1) for one in value]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and value.as_tuple().exponent == 0 else float(value)
    return value.isoformat() if isinstance(value, date) else value
