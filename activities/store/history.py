"""Boundary models of what happened to an order: events, visits, runs, sends, timeline, tasks, notices."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, Self
from uuid import UUID

from pydantic import Field, model_validator

from activities.store.records import Way
from activities.store.values import Boundary, Line, Name, Prose
from workflows.contracts.reasons import EventReason, RunReason, RunStatus
from workflows.contracts.state import StageKind


class EventRecord(Boundary):
    """An event and what was decided for one order. `reason` is None while it is not decided."""

    seq: int
    source: str
    id: str
    type: str
    at: datetime
    received_at: datetime
    data: dict[str, Any]
    reason: EventReason | None
    words: str
    verdict: dict[str, Any] | None
    decided_at: datetime | None
    state: str
    error: str


class DeadRecord(Boundary):
    """A delivery of an event to an order that was given up: Temporal refused it too often, the last time with `error`.

    `id` is the delivery's, `event` the event's at its source.
    """

    id: int
    shop: str
    number: str
    source: str
    event: str
    type: str
    at: datetime
    attempts: int
    error: str


class VisitRecord(Boundary):
    """A stay of the order in a stage."""

    visit: int
    stage: str
    stage_kind: StageKind
    version: int
    entered_at: datetime
    by: str
    is_automatic: bool
    cause_source: str
    cause_id: str
    cause_type: str


class RunRecord(NamedTuple):
    """One execution of a rule in one visit, and why it ran or did not.

    It stays inside, is made of our own rows, and of every one that is read: a tuple costs a third of a dataclass.
    """

    id: UUID
    visit: int
    stage: str
    rule: str
    kind: str
    title: str
    after: str | None
    due: datetime | None
    has_wait: bool
    status: RunStatus
    reason: RunReason | None
    words: str
    started_at: datetime | None
    ended_at: datetime | None
    results: dict[str, Any]
    compared: list[tuple[str, str]]


class LedgerState(StrEnum):
    """Where an intended message stands."""

    PLANNED = "planned"
    DISPATCHING = "dispatching"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    FAILED = "failed"
    UNKNOWN = "unknown"
    HELD = "held"
    SKIPPED = "skipped"


class LedgerRecord(Boundary):
    """One intended message: hashes of where it went and what it said, never the text itself."""

    id: UUID
    shop: str
    number: str
    visit: int
    stage: str
    rule: str
    channel: str
    provider: str
    state: LedgerState
    attempt: int
    provider_id: str | None
    provider_status: str
    code: str
    words: str
    claimed_at: datetime | None
    lease_until: datetime | None
    accepted_at: datetime | None
    delivered_at: datetime | None
    updated_at: datetime


class TimelineKind(StrEnum):
    """What a line of the timeline tells of."""

    LOG = "log"
    COMMENT = "comment"
    NOTICE = "notice"
    TASK = "task"
    STAGE = "stage"
    RULE = "rule"
    EVENT = "event"
    MESSAGE = "message"


@dataclass(frozen=True)
class NewEntry:
    """A line to write. `ref` makes it idempotent: the same order and ref are written once."""

    kind: TimelineKind
    text: str
    at: datetime
    author: str = ""
    visit: int | None = None
    rule: str | None = None
    data: dict[str, Any] = field(default_factory=dict)
    ref: str | None = None


class TimelineRecord(Boundary):
    """A line of an order's timeline."""

    seq: int
    kind: TimelineKind
    text: str
    at: datetime
    author: str
    visit: int | None
    rule: str | None
    data: dict[str, Any]


class CheckItem(Boundary):
    """One point of a task's checklist."""

    text: Line
    is_done: bool = False


class TaskStatus(StrEnum):
    """Whether a task is still to be done."""

    OPEN = "open"
    DONE = "done"
    CLOSED = "closed"  # by itself, as the order left the stage


class TaskKind(StrEnum):
    """What an employee has to do: a task, an activity, a call or a meeting that is planned for a moment."""

    TASK = "task"
    ACTIVITY = "activity"
    CALL = "call"
    MEETING = "meeting"


class NewTask(Boundary):
    """A task for employees. The same `id` (the run's) is written once. A call or a meeting has `begins_at`."""

    id: UUID
    kind: TaskKind = TaskKind.TASK
    title: Line
    description: Prose = ""
    is_important: bool = False
    place: Line = ""
    begins_at: datetime | None = None
    assignees: list[Name] = Field(default_factory=list)
    participants: list[Name] = Field(default_factory=list)
    checklist: list[CheckItem] = Field(default_factory=list)
    due: datetime | None = None
    close_on_leave: bool = False
    visit: int | None = None
    rule: str | None = None


class TaskRecord(NewTask):
    """A stored task."""

    shop: str
    number: str
    status: TaskStatus
    created_at: datetime
    closed_at: datetime | None


class PostRecord(Boundary):
    """A post of the employees' feed. Without `readers` it is for everybody."""

    id: int
    shop: str | None
    number: str | None
    title: str
    text: str
    sender: str
    readers: list[str]
    created_at: datetime


class ListItemRecord(Boundary):
    """An entry of one of the shop's lists."""

    id: UUID
    list: str
    shop: str | None
    number: str | None
    fields: dict[str, Any]
    created_at: datetime


class NewNotice(Boundary):
    """A message to one employee, or to a chat room of the staff. The same `ref` and reader are written once."""

    employee: Name | None = None
    room: Name | None = None
    text: Prose
    sender: Line = ""
    ref: str
    file: dict[str, str] | None = Field(default=None, description="A file that goes with it: name, media_type, text.")

    @model_validator(mode="after")
    def _one_reader(self) -> Self:
        if (self.employee is None) == (self.room is None):
            raise ValueError("a notice is for an employee or for a room")
        return self


class NoticeRecord(Boundary):
    """A stored notice. `state` is how far it got in its `way`, `words` why it did not get on; empty for the inbox."""

    id: int
    employee: str | None
    room: str | None
    way: Way
    state: LedgerState | None
    words: str
    shop: str | None
    number: str | None
    text: str
    sender: str
    created_at: datetime
    read_at: datetime | None


class OutboxRecord(Boundary):
    """A message the outbox provider took in place of a real one, or that a rule wrote into the web chat.

    The same `send_id` is written once.
    """

    send_id: UUID
    provider_id: str
    channel: str
    address: str
    sender: str = ""
    subject: str = ""
    body: str = ""
    html: str = ""
    headers: dict[str, str] = Field(default_factory=dict)
    attachments: list[dict[str, str]] = Field(
        default_factory=list, description="Files that go with it: `name`, `media_type`, `document` (its id)."
    )
    details: dict[str, Any] = Field(
        default_factory=dict,
        description="What else its channel knows: a call's voice, a chat's medium, the web chat's conversation.",
    )
    at: datetime
