"""Read an event from whatever a signal carried. Never raises: nonsense becomes a malformed event."""

from datetime import datetime
from typing import Any

from pydantic import ValidationError

from workflows.contracts.events import Event

#: Source of events whose payload could not be read; the decision journals them with the problem.
MALFORMED = "malformed"


def event_of_signal(name: str, payload: Any, *, fallback_id: str, at: datetime) -> Event:
    """Return the event of signal `name`. Without a payload or an id, the event gets `fallback_id`."""
    if payload is None:
        payload = {}
    if not isinstance(payload, dict):
        return _malformed(name, f"the payload is a {type(payload).__name__}, not an object", fallback_id, at)
    given = {"id": fallback_id, "at": at, **payload, "type": name[:100] or "unnamed"}
    if given["at"] is None:
        given["at"] = at
    try:
        event = Event.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        return _malformed(name, f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}", fallback_id, at)
    if event.source in ("operator", MALFORMED):
        return event.model_copy(update={"source": "signal"})
    return event


def _malformed(name: str, problem: str, fallback_id: str, at: datetime) -> Event:
    return Event(id=fallback_id, type=name[:100] or "unnamed", at=at, source=MALFORMED, data={"problem": problem[:300]})
