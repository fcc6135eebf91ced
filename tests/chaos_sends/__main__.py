"""`python -m tests.chaos_sends`: the long form of the exactly-once run, and what it finds when guards are left out."""

import argparse
import asyncio
import secrets
import sys
from dataclasses import replace
from pathlib import Path

from tests.chaos.starting import folder_of
from tests.chaos_sends.auditing import DOUBLED, MISTAKEN
from tests.chaos_sends.storm import Outcome, storm
from tests.chaos_sends.table import as_table
from tests.chaos_sends.weather import Weather, Without


def main() -> int:
    """Run it; the exit code says whether the promises held, and whether what was left out broke them."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos_sends", description=__doc__)
    parser.add_argument("--sends", type=int, default=2_000)
    parser.add_argument("--naive-sends", type=int, default=400, help="of the run with a naive policy; 0: none")
    parser.add_argument("--deaf-sends", type=int, default=160, help="of the runs where Twilio's list alone can tell")
    parser.add_argument("--at-once", type=int, default=30, help="orders under way at the same time")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    parser.add_argument("--store", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--every", type=float, default=5.0, help="mean seconds between two kills of a worker")
    parser.add_argument("--chance", type=float, default=0.002, help="of dying at each step around a send")
    parser.add_argument("--keep", type=Path, help="folder for logs and databases, kept afterwards")
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    weather = Weather(
        at_once=given.at_once,
        store=given.store,
        seed=given.seed,
        every=given.every,
        chance=given.chance,
        asks_fail=True,
        patience=60,
    )
    # The longest pause between two tries is ten minutes.
    ours = replace(weather, sends=given.sends, patience=700)
    is_right = _is_kept(_found(ours, keep=given.keep)) if given.sends else True
    if given.naive_sends:
        naive = replace(weather, sends=given.naive_sends, without=Without.POLICY)
        is_right &= _found(naive, keep=given.keep).findings.count(DOUBLED) > 0
    if given.deaf_sends:
        deaf = replace(ours, sends=given.deaf_sends, is_deaf=True, asks_fail=False)
        is_right &= _is_kept(_found(deaf, keep=given.keep))
        turnless = replace(deaf, patience=60, without=Without.TURNS)
        is_right &= _found(turnless, keep=given.keep).findings.count(MISTAKEN) > 0
    return 0 if is_right else 1


def _is_kept(outcome: Outcome) -> bool:
    """Say whether every promise was kept, and nothing told of people."""
    return not outcome.findings.violations and not outcome.indiscreet


def _found(weather: Weather, *, keep: Path | None) -> Outcome:
    """Run, print the table, and return what was found."""
    with folder_of(keep, run=_name(weather)) as folder:
        outcome = asyncio.run(storm(weather, folder=folder))
    print(as_table(outcome), flush=True)
    return outcome


def _name(weather: Weather) -> str:
    kind = f"without-{weather.without}" if weather.without else "ours"
    return f"{kind}-{'deaf-' if weather.is_deaf else ''}{weather.store}-{weather.seed}"


if __name__ == "__main__":
    sys.exit(main())
