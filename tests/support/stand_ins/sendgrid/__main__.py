"""Run the stand-in as a process until it is told to stop. Its log names ids only."""

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path

from tests.support.stand_ins.sendgrid import (
    HALF,
    EventFaults,
    Events,
    Exchange,
    Faults,
    SendGridStandIn,
    StandInOptions,
    signing_key,
)


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(prog="sendgrid", description="A stand-in for SendGrid's API.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--public-url", default="", help="the gateway, which is told what becomes of mails")
    parser.add_argument("--api-key", default=os.environ.get("STAND_IN_API_KEY", ""), help="none: any")
    parser.add_argument("--accepted", type=Path, default=None, help="a file for the log of what was accepted")
    parser.add_argument("--faults", type=int, default=None, metavar="SEED", help="let about half of the requests fail")
    parser.add_argument("--lost", type=float, default=0.0, help="the share of events that is lost")
    parser.add_argument("--pace", type=float, default=0.5, help="seconds between two batches of events")
    asyncio.run(_serve(parser.parse_args()))


async def _serve(given: argparse.Namespace) -> None:
    options = StandInOptions(key=given.api_key, accepted=given.accepted, pace=given.pace, on_exchange=_say)
    faults = Faults() if given.faults is None else Faults(seed=given.faults, weights=HALF)
    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    async with SendGridStandIn(options, faults, _events(given), given.host, given.port) as stand_in:
        print(stand_in.url, flush=True)
        await over.wait()


def _events(given: argparse.Namespace) -> Events | None:
    if not given.public_url:
        return None
    key = signing_key(os.environ.get("STAND_IN_SIGNING_KEY", ""))
    is_bad = given.faults is not None
    faults = EventFaults(lost=given.lost, doubled=0.1 if is_bad else 0.0, is_shuffled=is_bad, seed=given.faults or 0)
    return Events(f"{given.public_url}/hooks/sendgrid/events", key=key, faults=faults)


def _say(exchange: Exchange) -> None:
    print(f"{exchange.method} {exchange.path} {exchange.status}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
