"""Profiles of the property tests: `HYPOTHESIS_PROFILE=long` looks longer; `HYPOTHESIS_SEED` repeats a run."""

import os
import random

import pytest
from hypothesis import HealthCheck, Phase, settings

#: Seeds are printed, so that what was found can be found again.
SEED = int(os.environ.get("HYPOTHESIS_SEED") or random.SystemRandom().randrange(2**32))

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
    "long": settings(SEARCH, max_examples=1_500, stateful_step_count=60),
}


@pytest.fixture(scope="session")
def profile() -> settings:
    """How long to look."""
    return _PROFILES[os.environ.get("HYPOTHESIS_PROFILE", "suite")]


@pytest.fixture(scope="session")
def search_seed() -> int:
    """Where to begin to look."""
    print(f"\nHYPOTHESIS_SEED={SEED}")
    return SEED
