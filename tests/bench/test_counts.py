"""What does not move with the machine: events and workflow tasks of one order, against the hand-written floor."""

from pathlib import Path

from tests.bench.run import Bench
from tests.bench.sides import FloorSide, OursSide, Side
from tests.support.temporal import temporal_server

__all__ = ["temporal_server"]


async def test_an_order_costs_less_history_than_the_hand_written_one(tmp_path: Path, temporal_server: str) -> None:
    sides: list[Side] = [FloorSide(tmp_path, address=temporal_server), OursSide(tmp_path, address=temporal_server)]
    for side in sides:
        await side.prepare()
        await side.launch()
    bench = Bench(sides, server=0)
    try:
        await bench.history()
    finally:
        for side in sides:
            await side.kill()
    floor, ours = bench.figures["floor"], bench.figures["ours"]
    assert ours.median("history events per order") <= 0.7 * floor.median("history events per order")
    assert ours.median("workflow tasks per order") <= floor.median("workflow tasks per order")
