"""`orders up`: Temporal, worker, gateway, store, pipeline and demo orders with one command, and a clean end."""

import asyncio
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from starter.cli.connections import silence_temporal
from starter.cli.embedded.folder import FOLDER
from starter.cli.output import Exit, Failure, note
from starter.cli.parts import ROOT

if TYPE_CHECKING:
    from starter.cli.embedded.stack import Stack, Wanted

_EXAMPLE = ROOT / "deploy" / "pipelines" / "shop.yaml"


def up(
    fast: Annotated[
        float, typer.Option(help="Divide every wait of the rules: 2000 turns a day into 43 s.", min=1, metavar="N")
    ] = 1,
    dir: Annotated[
        Path | None, typer.Option(help="Where everything is kept; default: ORDERS_DIR, else .orders.", metavar="DIR")
    ] = None,
    pipeline: Annotated[
        Path | None, typer.Option(help="The pipeline to publish; default: the example of an online store.")
    ] = None,
    demo: Annotated[bool, typer.Option(help="Make demo orders and play what happens to them.")] = True,
    with_stand_ins: Annotated[
        bool, typer.Option(help="Send through stand-ins of Twilio and SendGrid: real protocols, nothing leaves.")
    ] = False,
    port: Annotated[int | None, typer.Option(help="Port of the gateway; default: 8080.", min=1, max=65535)] = None,
    temporal_port: Annotated[int | None, typer.Option(help="Default: 7233.", min=1, max=65535)] = None,
    ui_port: Annotated[int | None, typer.Option(help="Of the Temporal UI; default: 8233.", min=1, max=65535)] = None,
) -> None:
    """Start everything on this machine: Temporal, worker, gateway, store, the example pipeline, demo orders.

    It listens on loopback only, keeps its data in .orders and goes on with it at the next start; Ctrl+C stops it.
    With TEMPORAL_ADDRESS set, that server is used instead of an own one.
    """
    from starter.cli.embedded.stack import Wanted
    from starter.cli.unread import warn_of_unread

    warn_of_unread()
    wanted = Wanted(
        folder=dir or Path(os.environ.get("ORDERS_DIR", FOLDER)),
        pipeline=_existing(pipeline),
        pace=fast,
        has_demo=demo and pipeline is None,
        has_stand_ins=with_stand_ins,
        port=port,
        temporal_port=temporal_port,
        ui_port=ui_port,
    )
    asyncio.run(_run(wanted))


def _existing(pipeline: Path | None) -> Path:
    if pipeline is None and not _EXAMPLE.exists():
        words = "The example pipeline comes with the project's source, which is not here"
        raise Failure(words, help="name a pipeline of your own with --pipeline FILE", code=Exit.USAGE)
    return pipeline or _EXAMPLE


async def _run(wanted: "Wanted") -> None:
    """Run until somebody says stop (then return) or something fails (then raise)."""
    from starter.cli.embedded.stack import started

    silence_temporal()
    begun = time.monotonic()
    told = _cancelled_by_signals()
    try:
        async with started(wanted) as stack:
            note(f"Ready in {time.monotonic() - begun:.1f} s; Ctrl+C stops everything")
            await _serve(stack)
    except asyncio.CancelledError:
        if not told.is_set():
            raise
    note("Everything has stopped")


async def _serve(stack: "Stack") -> None:
    """Show the links, play the demo, and wait until a child ends by itself."""
    from starter.cli.embedded.demo import play
    from starter.cli.embedded.links import say_links
    from starter.cli.embedded.stack import ended

    say_links(
        stack.running,
        ui=stack.ui,
        folder=stack.folder,
        has_demo=stack.wanted.has_demo,
        stand_ins={stand_in.child.name: stand_in.url for stand_in in stack.stand_ins},
    )
    demo = play(stack.gateway, key=stack.folder.key()) if stack.wanted.has_demo else asyncio.sleep(0)
    playing = asyncio.create_task(demo)
    try:
        child = await stack.first_end()
    finally:
        playing.cancel()
        await asyncio.gather(playing, return_exceptions=True)
    raise ended(child)


def _cancelled_by_signals() -> asyncio.Event:
    """Let SIGINT, SIGTERM and SIGHUP cancel this task; a second one cancels the stopping, too, so everything is killed.

    Return an event that says that one came.
    """
    told = asyncio.Event()
    task = asyncio.current_task()

    def stop() -> None:
        if not told.is_set():
            note("\nStopping …")
        told.set()
        if task is not None:
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    return told
