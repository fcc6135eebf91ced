"""What does not move with the machine: the statements of a life in the lab, which the worker runs as well."""

from collections import Counter

from activities.actions import KINDS
from starter.lab.clock import Clock
from starter.lab.house import LabHouse
from tests.bench.lab import PIPELINE, START, lives, new_order
from tests.store.watching import watched
from workflows.pipeline.loader import load

#: Each is a round trip on PostgreSQL. It is 119: four decisions that move, two that do not, four sends, seven records.
MOST_STATEMENTS = 125


def test_a_life_takes_few_statements() -> None:
    """A failure names the statements that ran most: what is new among them is the cause."""
    pipeline = load(PIPELINE, file="bench", kinds=KINDS).pipeline
    assert pipeline is not None
    house = LabHouse(Clock(START))
    ran: Counter[str] = Counter()

    async def first() -> None:
        await house.publish(PIPELINE, pipeline=pipeline)
        await lives(house, [new_order(1)])

    house.play(first)
    house.parts.store._connections = watched(house.parts.store, lambda sql: ran.update([sql]))._connections
    house.play(lambda: lives(house, [new_order(2)]))
    assert 0 < ran.total() <= MOST_STATEMENTS, ran.most_common(20)
