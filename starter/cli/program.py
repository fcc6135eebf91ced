"""Puts the commands together, and turns every error into an exit code and two lines. Imports nothing heavy."""

import os
import sys
from typing import Annotated

import typer

from starter.cli import (
    database,
    dead,
    doctor,
    keys,
    messages,
    orders,
    parts,
    pipeline,
    publish,
    replay,
    simulate,
    trial_call,
    up,
    webhooks,
)
from starter.cli.output import Exit, Failure, say, tell

app = typer.Typer(
    name="orders",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Order automation: everything with one command, its parts, pipelines, orders.",
    epilog="Exit codes: 0 ok, 1 failed, 2 usage, 3 pipeline invalid, 4 Temporal or store unreachable, 5 differences.",
)

app.command("up", rich_help_panel="Run")(up.up)
app.command("worker", rich_help_panel="Run")(parts.worker)
app.command("gateway", rich_help_panel="Run")(parts.gateway)
pipeline.app.command("publish")(publish.publish)
pipeline.app.command("simulate")(simulate.simulate)
pipeline.app.command("webhooks")(webhooks.webhooks)
orders.app.command("fork")(simulate.fork)
app.add_typer(pipeline.app, name="pipeline", rich_help_panel="Work")
app.add_typer(orders.app, name="order", rich_help_panel="Work")
app.command("replay", rich_help_panel="Work")(replay.replay)
app.command("test-call", rich_help_panel="Work")(trial_call.trial_call)
app.command("doctor", rich_help_panel="Operate")(doctor.doctor)
app.add_typer(dead.app, name="events", rich_help_panel="Operate")
app.add_typer(messages.app, name="messages", rich_help_panel="Operate")
app.add_typer(keys.app, name="keys", rich_help_panel="Operate")
app.add_typer(database.app, name="db", rich_help_panel="Operate")


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show where in the program an error came from.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Show the version and end.", is_eager=True)] = False,
) -> None:
    """Order automation: everything with one command, its parts, pipelines, orders."""
    if version:
        from importlib.metadata import version as installed

        say(installed("order-automation"))
        raise typer.Exit


def run() -> None:
    """Run the command line and end the process."""
    _end(_code())


def _code() -> int:
    try:
        app(prog_name="orders")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else Exit.FAILED
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # The reader (`| head`) has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.DONE
    except Exception as error:
        if "--debug" in sys.argv:
            raise
        failure = _failure(error)
        tell(failure)
        return failure.code
    return Exit.DONE


def _failure(error: Exception) -> Failure:
    """Say an error in words. What a part of the product raises is known only where that part was imported."""
    if isinstance(error, Failure):
        return error
    if isinstance(error, ModuleNotFoundError):
        return Failure(f"The Python package '{error.name}' is missing", help="install the project again: make install")
    from starter.cli.failures import failure_of

    return failure_of(error)


def _end(code: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    if "temporalio" in sys.modules:
        # Temporal's native threads abort some processes at the interpreter's end (sdk-python #300).
        os._exit(code)
    sys.exit(code)
