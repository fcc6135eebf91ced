"""`python -m tests.chaos`: the long form of the crash test, on both stores, and once with the guards left out."""

import argparse
import asyncio
import secrets
import sys
from dataclasses import replace
from pathlib import Path

from tests.chaos.starting import folder_of
from tests.chaos.storm import Outcome, Weather, storm
from tests.chaos.table import as_table

#: Longer than the longest pause between two attempts of a send (two minutes), and the attempt that a death cut off.
_PATIENCE = 300.0


def main() -> int:
    """Run it; the exit code says whether the promises held, and whether the test noticed the missing guards."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--orders", type=int, default=1_000)
    parser.add_argument("--at-once", type=int, default=40)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    parser.add_argument("--store", choices=("sqlite", "postgres"), action="append")
    parser.add_argument("--every", type=float, default=6.0, help="mean seconds between two blows")
    parser.add_argument("--chance", type=float, default=0.003, help="of dying at each step between two commits")
    parser.add_argument("--pause", type=float, default=1.0, help="stretches the shoppers' pauses")
    parser.add_argument("--outage", type=float, default=60.0, help="seconds that PostgreSQL is down now and then")
    parser.add_argument("--without", default="", help="guards to leave out: visit, lookup")
    parser.add_argument("--keep", type=Path, help="folder for logs and databases, kept afterwards")
    given = parser.parse_args()
    weather = Weather(
        orders=given.orders,
        at_once=given.at_once,
        seed=given.seed,
        every=given.every,
        chance=given.chance,
        pause=given.pause,
        outage=given.outage,
        without=given.without,
        patience=_PATIENCE,
    )
    print(f"seed {given.seed}", flush=True)
    outcomes: list[Outcome] = []
    for kind in given.store or ["sqlite", "postgres"]:
        outcomes.append(_run(replace(weather, store=kind), keep=given.keep))
        print(as_table(outcomes[-1]), flush=True)
    return 0 if all((outcome.findings.total > 0) == bool(given.without) for outcome in outcomes) else 1


def _run(weather: Weather, *, keep: Path | None) -> Outcome:
    with folder_of(keep, run=f"{weather.store}-{weather.seed}") as folder:
        return asyncio.run(storm(weather, folder=folder))


if __name__ == "__main__":
    sys.exit(main())
