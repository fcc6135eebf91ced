"""The automation on virtual time against the laws of the catalogue, with random pipelines and random lives."""

from dataclasses import replace
from time import perf_counter

from hypothesis import seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.properties.machine import SPEED, OrderMachine, Speed


def test_whatever_happens_the_laws_hold(profile: settings, search_seed: int) -> None:
    """Covers M01-M11, M20, M23, M50-M57, M60-M62, M71."""
    before, begun = replace(SPEED), perf_counter()
    run_state_machine_as_test(seed(search_seed)(OrderMachine), settings=profile)
    print(SPEED.since(before).told(around=perf_counter() - begun))


def test_both_speeds_are_told() -> None:
    """What chooses the steps takes longer than the steps: one figure alone would say too much of either."""
    done = Speed(lives=5, steps=300, seconds=0.5).since(Speed(lives=3, steps=100, seconds=0.25))
    assert done.told(around=2.0) == (
        "2 lives, 200 steps: 800 steps a second of the engine, 100 with hypothesis around them"
    )
