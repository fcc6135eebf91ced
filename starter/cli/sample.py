"""Which of many histories to keep: few that together hold every kind of thing that happens in all of them.

In: histories as Temporal tells them. Out: texts to be kept in files, without what tells of the machines they ran on.
"""

import json
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from workflows.contracts.events import is_known

if TYPE_CHECKING:
    from temporalio.api.history.v1 import HistoryEvent
    from temporalio.client import WorkflowHistory

#: What happens in a history, by the words that tell it, and what follows what.
Course = frozenset[tuple[str, ...]]


@dataclass(frozen=True)
class Kept:
    """What is kept of a history: the name of its file, its text, and what happens in it."""

    name: str
    text: str
    course: Course

    @classmethod
    def of(cls, history: "WorkflowHistory") -> "Kept":
        """Write a history down."""
        title = f"{history.workflow_id}-{history.run_id}"
        name = "".join(char if char.isalnum() or char in "-_." else "_" for char in title)
        return cls(name, without_machine(history.to_json()), course_of(history))


class Sample:
    """Histories that together hold all that happens in those that were offered."""

    def __init__(self) -> None:
        self._seen: set[tuple[str, ...]] = set()
        self._kept: list[Kept] = []

    def covers(self, kept: Kept) -> bool:
        """Say whether all that happens there happens in the sample already."""
        return kept.course <= self._seen

    def keep(self, kept: Kept) -> None:
        """Take a history into the sample."""
        self._seen |= kept.course
        self._kept.append(kept)

    def fewest(self) -> list[Kept]:
        """Return what is needed of them: a later history may hold all that an earlier one was kept for."""
        needed: list[Kept] = []
        missing, left = set(self._seen), list(self._kept)
        while missing:
            best = max(left, key=lambda kept: (len(kept.course & missing), -len(kept.text)))
            needed.append(best)
            left.remove(best)
            missing -= best.course
        return needed


def course_of(history: "WorkflowHistory") -> Course:
    """Return what happens in a history: its kinds of things, and which follows which."""
    words = words_of(history)
    told = [word for word in words if not word.startswith("workflow_task_")]
    return frozenset([*((word,) for word in words), *pairwise(told)])


def words_of(history: "WorkflowHistory") -> list[str]:
    """Tell a history event by event, a word each."""
    return [_word(event) for event in history.events]


def without_machine(text: str) -> str:
    """Take out of a history what tells of the machine it was recorded on: paths of stack traces, names of hosts."""
    plain = re.sub(r'("stackTrace": )"(?:[^"\\]|\\.)*"', r'\1""', text)
    return re.sub(r'"\d+@[^"\s]*"', '"worker"', plain)


def _word(event: "HistoryEvent") -> str:
    """Name what an event is: its kind, and whose. Webhooks' codes and unknown signals are of one kind each."""
    kind = (event.WhichOneof("attributes") or "unknown").removesuffix("_event_attributes")
    match kind:
        case "workflow_execution_started":
            is_continued = event.workflow_execution_started_event_attributes.continued_execution_run_id
            return f"{kind} continued" if is_continued else kind
        case "workflow_execution_signaled":
            return f"{kind} {_signal(event.workflow_execution_signaled_event_attributes.signal_name)}"
        case "workflow_execution_update_accepted":
            return f"{kind} {event.workflow_execution_update_accepted_event_attributes.accepted_request.input.name}"
        case "activity_task_scheduled":
            return f"{kind} {event.activity_task_scheduled_event_attributes.activity_type.name}"
        case "marker_recorded":
            return f"{kind} {_marker(event)}"
    return kind


def _signal(name: str) -> str:
    if name.startswith("webhook."):
        return "webhook"
    return name if is_known(name) else "unknown"


def _marker(event: "HistoryEvent") -> str:
    """Name a local activity by its type, and a patch by its id; markers tell both as JSON."""
    marker = event.marker_recorded_event_attributes
    try:
        told = json.loads(marker.details["data" if "data" in marker.details else "patch-data"].payloads[0].data)
    except (IndexError, ValueError):
        return marker.marker_name
    name = told.get("activity_type") or told.get("id") or "" if isinstance(told, dict) else ""
    return f"{marker.marker_name} {name}".strip()
