"""`orders worker` and `orders gateway`: the parts as processes of their own, for production and for `orders up`."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from starter.cli.connections import known_settings
from starter.cli.unread import tell_unread

#: Where the product's packages are; a part starts from there, whatever the current directory.
ROOT = Path(__file__).resolve().parents[2]


def worker(
    queue: Annotated[
        list[str] | None,
        typer.Option(help="Serve only this task queue; may be given several times.", metavar="QUEUE"),
    ] = None,
) -> None:
    """Run a worker until SIGTERM: it carries the orders' automation out."""
    tell_unread(known_settings())
    _become("worker", *(part for name in queue or [] for part in ("--queue", name)))


def gateway() -> None:
    """Run the gateway until SIGTERM: HTTP API, and delivery of what was journalled."""
    tell_unread(known_settings())
    _become("starter.gateway")


def _become(module: str, *arguments: str) -> None:
    """Replace this process, so that signals reach the part itself and nothing stands between."""
    os.execve(sys.executable, [sys.executable, "-m", module, *arguments], part_environment())


def part_environment() -> dict[str, str]:
    """Return the environment in which `python -m` finds the parts, installed or not."""
    known = os.environ.get("PYTHONPATH", "")
    return os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{known}" if known else str(ROOT)}
