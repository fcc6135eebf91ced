"""The search bites: an engine that is broken on purpose is caught within a bounded number of lives."""

import pytest
from hypothesis import Phase, seed, settings
from hypothesis.errors import FlakyFailure
from hypothesis.stateful import run_state_machine_as_test

from activities import decide
from tests.properties.breakages import BREAKAGES
from tests.properties.conftest import SEARCH
from tests.properties.laws import Violation
from tests.properties.machine import OrderMachine
from tests.properties.test_decisions import DecisionsMachine

#: Far more lives than any of them needs; the seed is fixed, as what is tested here is the search.
LOOK = settings(SEARCH, phases=[Phase.generate], max_examples=500, stateful_step_count=40)


@pytest.mark.parametrize("name", [pytest.param(name, id=name) for name in BREAKAGES])
def test_a_broken_engine_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Covers M05, M06, M07, M10, M11, M23: each law is one that can be broken."""
    owner, attribute, broken = BREAKAGES[name]
    monkeypatch.setattr(owner, attribute, broken)
    with pytest.raises((Violation, FlakyFailure)) as caught:
        run_state_machine_as_test(seed(1)(OrderMachine), settings=LOOK)
    # What is broken may differ when the life is lived again; that a law was seen broken once is what counts.
    seen = getattr(caught.value, "exceptions", (caught.value,))
    assert any(isinstance(one, Violation) for one in seen), seen


def test_decisions_that_act_twice_on_one_event_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Covers M50."""

    async def again(tx: object, standing: object, *, decided: object) -> object:
        return decided

    monkeypatch.setattr(decide, "_again", again)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(seed(1)(DecisionsMachine), settings=LOOK)
