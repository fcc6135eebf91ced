"""`make bench`: the product, a hand-written workflow and DBOS in turn, in one run; prints tables, asserts nothing.

python -m tests.bench.run [--orders 60] [--rounds 3] [--events 5000] [--parked 2000] [--sides floor ours]
    [--lives records] [--durable]
"""

import argparse
import asyncio
import tempfile
from contextlib import ExitStack
from pathlib import Path

from temporalio.testing import WorkflowEnvironment

from tests.bench.dbos_side import DbosPostgresSide, DbosSide, dbos_sides, is_installed
from tests.bench.measures import Bench
from tests.bench.sides import FloorSide, OursSide, SendingSide, Side
from tests.support.temporal import FASTER, TEMPORAL
from workflows.attributes import KEYS

FLOOR, OURS, DBOS = "floor", "ours", "dbos"

#: The lives: every rule writes a record; or one rule of each stage is a message.
RECORDS, SENDS = "records", "sends"

#: The columns of the table. Those of a side that is not installed stay, with `-` for each figure.
NAMES = {
    FLOOR: [FloorSide.name],
    OURS: [OursSide.name],
    DBOS: [DbosSide.name, DbosPostgresSide.name],
}


async def main() -> None:
    """Run all of it and print the tables."""
    given = _arguments()
    if RECORDS in given.lives:
        print(f"\nEach rule writes a record.\n\n{await _life(RECORDS, given=given)}")
    if SENDS in given.lives:
        print(f"\nOne rule of each stage is a message: claimed, sent, recorded.\n\n{await _life(SENDS, given=given)}")
    kept = "in a file" if given.durable else "in memory, so that nothing of it survives; DBOS keeps everything"
    print(f"\nTemporal's dev server keeps its records {kept}.")
    if DBOS in given.sides and not is_installed():
        print("DBOS is not installed, so it was left out: pip install -r tests/bench/requirements.txt")


async def _life(life: str, *, given: argparse.Namespace) -> str:
    """Measure one life on every side that has it; return the table."""
    parts = [part for part in given.sides if life == RECORDS or part != DBOS]
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        folder = Path(place)
        environment = await WorkflowEnvironment.start_local(
            dev_server_existing_path=str(TEMPORAL),
            dev_server_database_filename=str(folder / "temporal.db") if given.durable else None,
            dev_server_extra_args=FASTER,
            dev_server_log_level="error",
            search_attributes=KEYS,
        )
        address = environment.client.service_client.config.target_host
        sides: list[Side] = []
        if FLOOR in parts:
            sides.append(FloorSide(folder, address=address))
        if OURS in parts:
            sides.append((OursSide if life == RECORDS else SendingSide)(folder, address=address))
        if DBOS in parts and is_installed():
            sides += stack.enter_context(dbos_sides(folder))
        bench = Bench(sides)
        try:
            await _measure(bench, given=given, is_whole=life == RECORDS)
        finally:
            for side in sides:
                await side.close()
            await environment.shutdown()
    return bench.figures.table([name for part in parts for name in NAMES[part]])


async def _measure(bench: Bench, *, given: argparse.Namespace, is_whole: bool) -> None:
    for side in bench.sides:
        await side.prepare()
        await side.launch()
    await bench.history()
    await bench.throughput(orders=given.orders, rounds=given.rounds)
    await bench.latency(orders=30, rounds=given.rounds)
    if not is_whole:
        return
    if given.events:
        await bench.long(events=given.events)
    if given.parked:
        await bench.parked(orders=given.parked)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.bench.run", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--orders", type=int, default=60, help="orders per round of whole lives")
    parser.add_argument("--rounds", type=int, default=3, help="rounds, of which the medians are printed")
    parser.add_argument("--events", type=int, default=5_000, help="events of the long order; 0 leaves it out")
    parser.add_argument("--parked", type=int, default=2_000, help="orders that wait as the worker is killed; 0: none")
    parser.add_argument("--sides", nargs="+", choices=[FLOOR, OURS, DBOS], default=[FLOOR, OURS, DBOS])
    parser.add_argument("--lives", nargs="+", choices=[RECORDS, SENDS], default=[RECORDS, SENDS])
    parser.add_argument("--durable", action="store_true", help="let Temporal's dev server write to a file")
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main())
