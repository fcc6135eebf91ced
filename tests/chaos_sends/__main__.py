"""`python -m tests.chaos_sends`: the long form of the exactly-once run, with our policy and with a naive one."""

import argparse
import asyncio
import secrets
import sys
import tempfile
from pathlib import Path

from tests.chaos_sends.auditing import DOUBLED
from tests.chaos_sends.storm import Outcome, Weather, storm
from tests.chaos_sends.table import as_table


def main() -> int:
    """Run it; the exit code says whether the promises held, and whether the naive policy broke them."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos_sends", description=__doc__)
    parser.add_argument("--sends", type=int, default=2_000)
    parser.add_argument("--naive-sends", type=int, default=400, help="of the run with a naive policy; 0: none")
    parser.add_argument("--at-once", type=int, default=30, help="orders under way at the same time")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    parser.add_argument("--store", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--every", type=float, default=5.0, help="mean seconds between two kills of a worker")
    parser.add_argument("--chance", type=float, default=0.002, help="of dying at each step around a send")
    parser.add_argument("--keep", type=Path, help="folder for logs and databases, kept afterwards")
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    is_right = True
    for is_naive, sends in ((False, given.sends), (True, given.naive_sends)):
        if not sends:
            continue
        weather = Weather(
            sends=sends,
            at_once=given.at_once,
            store=given.store,
            seed=given.seed,
            every=given.every,
            chance=given.chance,
            asks_fail=True,
            patience=60 if is_naive else 700,  # the longest pause between two tries is ten minutes
            is_naive=is_naive,
        )
        outcome = _run(weather, keep=given.keep)
        print(as_table(outcome), flush=True)
        is_right &= outcome.findings.count(DOUBLED) > 0 if is_naive else not outcome.findings.violations
    return 0 if is_right else 1


def _run(weather: Weather, *, keep: Path | None) -> Outcome:
    if keep is not None:
        folder = keep / f"{'naive' if weather.is_naive else 'ours'}-{weather.store}-{weather.seed}"
        folder.mkdir(parents=True)
        return asyncio.run(storm(weather, folder=folder))
    with tempfile.TemporaryDirectory(prefix="orders-sends-") as passing:
        return asyncio.run(storm(weather, folder=Path(passing)))


if __name__ == "__main__":
    sys.exit(main())
