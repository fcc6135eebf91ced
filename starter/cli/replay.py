"""`orders replay`: replay recorded histories of orders against this code, before it is deployed."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from starter.cli.connections import known_settings, run, silence_temporal
from starter.cli.output import Exit, Failure, note, say, say_json

if TYPE_CHECKING:
    from temporalio.client import WorkflowHistory


@dataclass(frozen=True)
class Replayed:
    """What the replay of one history gave; `words` are empty where it went as recorded."""

    id: str
    words: str


def replay(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Histories as JSON files, or folders of them.", metavar="FILE…")
    ] = None,
    query: Annotated[str, typer.Option(help="Replay the orders of the server that this list filter finds.")] = "",
    export: Annotated[Path | None, typer.Option(help="Keep the histories of --query in this folder.")] = None,
    most: Annotated[int, typer.Option(help="Most orders of --query.", min=1)] = 1000,
    json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Replay histories against this code; exit 5 where it would now do something else than recorded.

    Example: orders replay --query "OrderStageKind = 'open'" --export histories
    """
    if bool(files) == bool(query):
        raise Failure("Name either FILE… or --query", help="orders replay --help", code=Exit.USAGE)
    if export and not query:
        raise Failure("--export goes with --query", code=Exit.USAGE)
    results = run(_replayed(files or [], query=query, export=export, most=most))
    _show(results, is_json=json)
    if not results:
        raise Failure("There was no history to replay", help="check the folder, or the list filter of --query")
    if any(result.words for result in results):
        different = sum(1 for result in results if result.words)
        raise Failure(
            f"{different} of {len(results)} histories do not replay",
            help="guard the change with workflow.patched(), or undo it",
            code=Exit.DIFFERENT,
        )
    note(f"All {len(results)} histories replay as recorded")


def _show(results: list[Replayed], *, is_json: bool) -> None:
    if is_json:
        say_json([{"id": one.id, "is_same": not one.words, "words": one.words} for one in results])
        return
    for one in results:
        say(f"{'✗' if one.words else '✓'} {one.id}{': ' + one.words if one.words else ''}")


async def _replayed(files: list[Path], *, query: str, export: Path | None, most: int) -> list[Replayed]:
    from temporalio.worker import Replayer

    from activities.runtime.temporal import converter
    from activities.runtime.workers import sandbox
    from workflows.order import Order

    silence_temporal()
    replayer = Replayer(workflows=[Order], data_converter=converter(known_settings()), workflow_runner=sandbox())
    histories = _of_server(query, export=export, most=most) if query else _of_files(files)
    results: list[Replayed] = []
    async for name, history in histories:
        result = await replayer.replay_workflow(history, raise_on_replay_failure=False)
        failure = result.replay_failure
        results.append(Replayed(name, _first_line(failure) if failure else ""))
    return results


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:500]


async def _of_files(paths: list[Path]) -> AsyncIterator[tuple[str, "WorkflowHistory"]]:
    from temporalio.client import WorkflowHistory

    for path in paths:
        for file in sorted(path.rglob("*.json")) if path.is_dir() else [path]:
            yield str(file), _read(WorkflowHistory, file)


def _read(kind: type["WorkflowHistory"], file: Path) -> "WorkflowHistory":
    try:
        return kind.from_json(file.stem, file.read_text(encoding="utf-8"))
    except OSError as error:
        raise Failure(f"{file} cannot be read ({error.strerror})", code=Exit.USAGE) from error
    except Exception as error:  # protobuf and json raise errors of many kinds
        words = f"{file} is not a workflow's history"
        raise Failure(words, help="export one with `orders replay --query … --export DIR`", code=Exit.USAGE) from error


async def _of_server(query: str, *, export: Path | None, most: int) -> AsyncIterator[tuple[str, "WorkflowHistory"]]:
    from temporalio.service import RPCError, RPCStatusCode

    from activities.runtime.temporal import connect

    client = await connect(known_settings())
    try:
        async for history in client.list_workflows(query, limit=most).map_histories():
            if export:
                _write(history, folder=export)
            yield history.workflow_id, history
    except RPCError as error:
        if error.status is not RPCStatusCode.INVALID_ARGUMENT:
            raise
        help = "write it as in the Temporal UI: OrderStage = 'paid'"
        raise Failure(f"Temporal does not understand --query: {error.message}", help=help, code=Exit.USAGE) from error


def _write(history: "WorkflowHistory", *, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{_file_name(history)}.json").write_text(history.to_json(), encoding="utf-8")


def _file_name(history: "WorkflowHistory") -> str:
    name = f"{history.workflow_id}-{history.run_id}"
    return "".join(char if char.isalnum() or char in "-_." else "_" for char in name)
