"""Run the stand-in as a process until it is told to stop. Its log names ids only."""

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path

from tests.support.stand_ins.twilio import ACCOUNT, Exchange, Faults, StandInOptions, TwilioStandIn
from tests.support.stand_ins.twilio.faults import HALF


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(prog="twilio", description="A stand-in for Twilio's API.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--public-url", default="", help="the gateway, which is told what comes in")
    parser.add_argument("--account-sid", default=ACCOUNT)
    parser.add_argument(
        "--auth-token", default=os.environ.get("STAND_IN_AUTH_TOKEN", ""), help="or STAND_IN_AUTH_TOKEN"
    )
    parser.add_argument("--accepted", type=Path, default=None, help="a file for the log of what was accepted")
    parser.add_argument("--faults", type=int, default=None, metavar="SEED", help="let about half of the requests fail")
    parser.add_argument("--pace", type=float, default=0.2, help="seconds between two statuses of a message or call")
    parser.add_argument("--late", type=float, default=20.0, help="seconds after which a late request is accepted")
    given = parser.parse_args()
    if not given.auth_token:
        parser.error("--auth-token is missing")
    asyncio.run(_serve(given))


async def _serve(given: argparse.Namespace) -> None:
    options = StandInOptions(
        account=given.account_sid,
        auth_token=given.auth_token,
        public_url=given.public_url,
        accepted=given.accepted,
        pace=given.pace,
        late=given.late,
        on_exchange=_say,
    )
    faults = Faults() if given.faults is None else Faults(seed=given.faults, weights=HALF)
    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    async with TwilioStandIn(options, faults=faults, host=given.host, port=given.port) as stand_in:
        print(stand_in.url, flush=True)
        await over.wait()


def _say(exchange: Exchange) -> None:
    print(f"{exchange.method} {exchange.path} {exchange.status}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
