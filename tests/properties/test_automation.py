"""The automation on virtual time against the laws of the catalogue, with random pipelines and random lives."""

from hypothesis import seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.properties.machine import SPEED, OrderMachine


def test_whatever_happens_the_laws_hold(profile: settings, search_seed: int) -> None:
    """Covers M01-M11, M20, M23, M50-M57, M60-M62, M71."""
    run_state_machine_as_test(seed(search_seed)(OrderMachine), settings=profile)
    rate = SPEED["steps"] / max(SPEED["seconds"], 0.001)
    print(f"{SPEED['lives']} lives, {SPEED['steps']} steps, {rate:.0f} steps a second")
