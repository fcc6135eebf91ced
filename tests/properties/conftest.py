"""Profiles of the property tests: `suite` repeats itself, `search` looks elsewhere each time, `long` also for longer.

`HYPOTHESIS_PROFILE` names one. `HYPOTHESIS_SEED` repeats what a run of any has found; the same profile belongs to it.
"""

import os
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

#: The name of the profile.
PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "suite")

#: Where `suite` begins: whoever changes something is told of what they broke, not of what was never found before.
_SUITE_SEED = 20261121


def _seed() -> int:
    given = os.environ.get("HYPOTHESIS_SEED")
    if given:
        return int(given)
    return _SUITE_SEED if PROFILE == "suite" else random.SystemRandom().randrange(2**32)


#: Seeds are printed, so that what was found can be found again.
SEED = _seed()

#: What every search has in common.
SEARCH = settings(
    deadline=None,
    database=None,
    report_multiple_bugs=False,
    phases=[Phase.generate, Phase.shrink],  # explaining traces every line
    suppress_health_check=list(HealthCheck),
)

_PROFILES = {
    "quick": settings(SEARCH, max_examples=300, stateful_step_count=40, phases=[Phase.generate]),
    "suite": settings(SEARCH, max_examples=150, stateful_step_count=40),
    "search": settings(SEARCH, max_examples=150, stateful_step_count=40),
    "long": settings(SEARCH, max_examples=1_500, stateful_step_count=60),
}

#: Seconds that a long search may take, the shrinking of what it found included.
_LONG = 1_800


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give long searches a longer time limit: cut off, they would show a counterexample that is not the smallest."""
    here = Path(__file__).parent
    for item in items if PROFILE == "long" else ():
        if here in item.path.parents:
            item.add_marker(pytest.mark.timeout(_LONG))


@pytest.fixture(scope="session")
def profile() -> settings:
    """How long to look."""
    return _PROFILES[PROFILE]


@pytest.fixture(scope="session")
def search_seed() -> int:
    """Where to begin to look."""
    print(f"\nHYPOTHESIS_PROFILE={PROFILE} HYPOTHESIS_SEED={SEED}")
    return SEED
