"""schemathesis over the gateway's own description: what is not declared is not answered, whatever is sent.

Temporal is down in it: events are journalled all the same, and what needs it at once is answered 503, as declared.
"""

import json
from collections import Counter
from typing import Any
from urllib.request import urlopen

import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, StopReason, events, from_schema

from tests.fuzz.conftest import House
from tests.fuzz.hostile import EXAMPLES, IS_SEARCH, SEED

CHECKS = (
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)


@pytest.mark.timeout(3_600 if IS_SEARCH else 600)
@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("phase", ["coverage", "fuzzing"])
def test_only_what_is_declared_is_answered(house: House, phase: str) -> None:
    found, answered = _found(house, phase=phase, examples=max(5, EXAMPLES // 8))
    assert sorted(found) == []
    assert answered[200] + answered[201] + answered[202] >= 20, answered
    assert answered[422] >= 20, answered


def _found(house: House, *, phase: str, examples: int) -> tuple[set[str], Counter[int]]:
    """Run a phase over every operation; give what was found wrong, and how often each status was answered."""
    with urlopen(f"{house.gateway.url}/openapi.json") as answer:
        described = json.load(answer)
    schema = schemathesis.openapi.from_dict(described, config=_config(house, phase=phase, examples=examples))
    found: set[str] = set()
    answered: Counter[int] = Counter()
    for event in from_schema(schema).execute():
        match event:
            case events.ScenarioFinished(recorder=recorder):
                answered.update(one.response.status_code for one in recorder.interactions.values() if one.response)
                found |= {words for id, checks in recorder.checks.items() for words in _failures(recorder, id, checks)}
            case events.NonFatalError():
                found.add(f"{event.label}: {event.value}")
            case events.FatalError():
                raise event.exception
            case events.EngineFinished():
                assert event.stop_reason is StopReason.COMPLETED
    return found, answered


def _config(house: House, *, phase: str, examples: int) -> SchemathesisConfig:
    generation = {"max-examples": examples, "deterministic": not IS_SEARCH, "no-shrink": True, "database": "none"}
    return SchemathesisConfig.from_dict(
        {
            "seed": SEED,
            "base-url": house.gateway.url,
            "headers": {"Authorization": f"Bearer {house.gateway.key}"},
            "checks": {"enabled": False, **{name: {"enabled": True} for name in CHECKS}},
            "phases": {name: {"enabled": name == phase} for name in ("examples", "coverage", "fuzzing", "stateful")},
            "generation": generation,
        }
    )


def _failures(recorder: Any, id: str, checks: Any) -> list[str]:
    what = f"{recorder.label} {recorder.interactions[id].response.status_code}"
    return [
        f"{what} {check.name}: {check.failure_info.failure.message}\n{check.failure_info.code_sample}"
        for check in checks
        if check.status is Status.FAILURE
    ]
