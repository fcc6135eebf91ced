"""A scenario is recorded anew beside its older recordings, and only where it takes another course."""

import json
import re
from pathlib import Path

import workflows
from tests.replay.record import HISTORIES, SCENARIOS
from tests.replay.recordings import course_of, keep, recordings

_WAITING = (HISTORIES / "waiting.json").read_text()
_WORKFLOWS = Path(workflows.__file__).parent
_GUARD = r"\b(?:knows|patched)\(\"([^\"]+)\"\)"
_HELD = (HISTORIES / "held.json").read_text()


def test_a_scenario_of_another_course_is_kept_beside_the_older_recording(tmp_path: Path) -> None:
    (tmp_path / "moved-while-waiting.json").write_text(_HELD)
    first = keep("waiting", text=_WAITING, folder=tmp_path)
    second = keep("waiting", text=_HELD, folder=tmp_path)
    assert [first, second] == [tmp_path / "waiting.json", tmp_path / "waiting-2.json"]
    assert (tmp_path / "waiting.json").read_text() == _WAITING
    (tmp_path / "waiting-again.json").write_text(_HELD)
    (tmp_path / "waiting-10.json").write_text(_HELD)
    assert [file.stem for file in recordings("waiting", folder=tmp_path)] == ["waiting", "waiting-2", "waiting-10"]
    (tmp_path / "waiting.json").unlink()  # what a newer one covers may go; the newest still counts on
    assert keep("waiting", text=_WAITING, folder=tmp_path) == tmp_path / "waiting-11.json"


def test_the_very_same_course_is_not_kept_again(tmp_path: Path) -> None:
    keep("waiting", text=_WAITING, folder=tmp_path)
    later = _WAITING.replace("2026-", "2027-")
    assert later != _WAITING
    assert keep("waiting", text=later, folder=tmp_path) is None
    assert len(recordings("waiting", folder=tmp_path)) == 1


def test_what_is_told_in_other_words_is_another_course() -> None:
    """The same commands, but an answer of the store has another field: replaying it is another thing."""
    told = json.loads(_WAITING)
    assert course_of(json.dumps(told)) == course_of(_WAITING)
    payload = _first_payload(told)
    payload["data"] = "eyJhZGRlZCI6IHRydWV9"  # {"added": true}
    assert course_of(json.dumps(told)) != course_of(_WAITING)


def test_no_two_recordings_of_a_scenario_take_the_same_course() -> None:
    """One of them would be kept for nothing."""
    for name in SCENARIOS:
        courses = [course_of(file.read_text()) for file in recordings(name, folder=HISTORIES)]
        assert all(course not in courses[:place] for place, course in enumerate(courses)), name


def test_every_guarded_change_is_recorded_as_it_is_today() -> None:
    """Else its new course is replayed by nobody until the next change breaks it."""
    guarded = {change for file in _WORKFLOWS.glob("*.py") for change in re.findall(_GUARD, file.read_text())}
    words = {word for name in SCENARIOS for file in recordings(name, folder=HISTORIES) for word in _words(file)}
    missing = {change for change in guarded if f"marker_recorded core_patch {change}" not in words}
    assert guarded, "look for guarded changes in another way, or, if there are none left, drop this test"
    assert not missing, "run: python -m tests.replay.record NAME, of a scenario that takes the changed course"


def _words(file: Path) -> list[str]:
    return course_of(file.read_text())[0]


def _first_payload(found: object) -> dict[str, object]:
    """Return the first payload of a history, to be changed."""
    values = found.values() if isinstance(found, dict) else found if isinstance(found, list) else []
    if isinstance(found, dict) and isinstance(found.get("data"), str):
        return found
    for value in values:
        payload = _first_payload(value)
        if payload:
            return payload
    return {}
