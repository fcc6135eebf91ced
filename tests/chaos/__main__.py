"""`python -m tests.chaos`: the long form of the crash test, on both stores, and a short run with the guards left out.

The long runs must find nothing. What the short one finds is printed, as a measure of what they would have seen.
"""

import argparse
import asyncio
import secrets
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tests.chaos.starting import folder_of
from tests.chaos.storm import Outcome, Weather, storm
from tests.chaos.table import as_table

#: Longer than the longest pause between two attempts of a send (two minutes), and the attempt that a death cut off.
_PATIENCE = 300.0


#: What makes a run short and quiet: nothing is killed, what is lost stays lost.
_CARELESS = Weather(at_once=24, most=0, chance=0.0, patience=15.0)


def main() -> int:
    """Run it; the exit code says whether the promises held."""
    given = arguments()
    print(f"seed {given.seed}", flush=True)
    outcomes: list[Outcome] = []
    for weather in runs(given):
        outcomes.append(_run(weather, keep=given.keep))
        print(as_table(outcomes[-1]), flush=True)
    return code_of(outcomes)


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--orders", type=int, default=1_000)
    parser.add_argument("--at-once", type=int, default=40)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    parser.add_argument("--store", choices=("sqlite", "postgres"), action="append")
    parser.add_argument("--every", type=float, default=6.0, help="mean seconds between two blows")
    parser.add_argument("--chance", type=float, default=0.003, help="of dying at each step between two commits")
    parser.add_argument("--pause", type=float, default=1.0, help="stretches the shoppers' pauses")
    parser.add_argument("--outage", type=float, default=60.0, help="seconds that PostgreSQL is down now and then")
    parser.add_argument("--careless", type=int, default=48, help="orders of the run without guards; 0: no such run")
    parser.add_argument("--without", default="visit lookup", help="the guards it leaves out: visit, lookup")
    parser.add_argument("--keep", type=Path, help="folder for logs and databases, kept afterwards")
    return parser.parse_args(given)


def runs(given: argparse.Namespace) -> list[Weather]:
    """Say which runs the command line asks for, in their order."""
    main = Weather(
        orders=given.orders,
        at_once=given.at_once,
        seed=given.seed,
        every=given.every,
        chance=given.chance,
        pause=given.pause,
        outage=given.outage,
        patience=_PATIENCE,
    )
    found = [replace(main, store=kind) for kind in given.store or ("sqlite", "postgres")]
    if given.careless:
        found.append(replace(_CARELESS, orders=given.careless, seed=given.seed, without=given.without))
    return found


def code_of(outcomes: Sequence[Outcome]) -> int:
    """Return 1 if a run that had its guards broke a promise or left something open; what others found is no failure."""
    guarded = [outcome for outcome in outcomes if not outcome.weather.without]
    return 1 if any(outcome.findings.total or outcome.left for outcome in guarded) else 0


def _run(weather: Weather, *, keep: Path | None) -> Outcome:
    with folder_of(keep, run=f"{weather.store}-{weather.seed}{'-careless' if weather.without else ''}") as folder:
        return asyncio.run(storm(weather, folder=folder))


if __name__ == "__main__":
    sys.exit(main())
