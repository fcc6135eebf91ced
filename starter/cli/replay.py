"""`orders replay`: replay recorded histories of orders against this code, before it is deployed."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from starter.cli.connections import known_settings, opened_store, run, silence_temporal
from starter.cli.output import Exit, Failure, listed, note, say, say_json

if TYPE_CHECKING:
    from temporalio.client import WorkflowHistory

    from activities.runtime.settings import Settings
    from starter.cli.sample import Sample


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
    export: Annotated[
        Path | None,
        typer.Option(help="Keep those of --query in this folder that together hold all that happens in any of them."),
    ] = None,
    most: Annotated[int, typer.Option(help="Most orders of --query.", min=1)] = 1000,
    json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Replay histories against this code; exit 5 where it would now do something else than recorded.

    What is kept holds no personal data: the store is asked whom a history must not name.

    Example: orders replay --query "OrderStageKind = 'open'" --export histories
    """
    if bool(files) == bool(query):
        raise Failure("Name either FILE… or --query", help="orders replay --help", code=Exit.USAGE)
    if export and not query:
        raise Failure("--export goes with --query", code=Exit.USAGE)
    results = run(
        _exported(query, most=most, folder=export) if export else _replayed(files or [], query=query, most=most)
    )
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


async def _replayed(files: list[Path], *, query: str, most: int) -> list[Replayed]:
    replay = _replayer(known_settings())
    histories = _of_server(query, most=most) if query else _of_files(files)
    return [await replay(name, history) async for name, history in histories]


async def _exported(query: str, *, most: int, folder: Path) -> list[Replayed]:
    """Replay the server's histories, and keep few of them that together hold all that happens in any."""
    from activities.runtime.temporal import converter
    from starter.cli.discretion import findings, is_known
    from starter.cli.sample import Kept, Sample

    settings = known_settings()
    replay, codec = _replayer(settings), converter(settings).payload_codec
    results, sample = [], Sample()
    async with opened_store(settings) as store:
        async for name, history in _of_server(query, most=most):
            results.append(await replay(name, history))
            kept = Kept.of(history)
            if sample.covers(kept):
                continue
            found = await findings(history, kept=kept.text, store=store, codec=codec)
            if not await is_known(name, store=store):
                note(f"{name} is not kept: the store does not know its order, nor whom it must not name")
            elif found:
                note(f"{name} is not kept: it holds {listed(found)}")
            else:
                sample.keep(kept)
    _write(sample, folder=folder)
    return results


def _replayer(settings: "Settings") -> "Callable[[str, WorkflowHistory], Awaitable[Replayed]]":
    from temporalio.worker import Replayer

    from activities.runtime.temporal import converter
    from activities.runtime.workers import sandbox
    from workflows.order import Order

    silence_temporal()
    replayer = Replayer(workflows=[Order], data_converter=converter(settings), workflow_runner=sandbox())

    async def replay(name: str, history: "WorkflowHistory") -> Replayed:
        failure = (await replayer.replay_workflow(history, raise_on_replay_failure=False)).replay_failure
        return Replayed(name, _first_line(failure) if failure else "")

    return replay


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:500]


async def _of_files(paths: list[Path]) -> "AsyncIterator[tuple[str, WorkflowHistory]]":
    for path in paths:
        for file in sorted(path.rglob("*.json")) if path.is_dir() else [path]:
            yield str(file), _read(file)


def _read(file: Path) -> "WorkflowHistory":
    from temporalio.client import WorkflowHistory

    from workflows.contracts.ids import WORKFLOW_TYPE

    try:
        history = WorkflowHistory.from_json(file.stem, file.read_text(encoding="utf-8"))
    except OSError as error:
        raise Failure(f"{file} cannot be read ({error.strerror})", code=Exit.USAGE) from error
    except Exception as error:  # protobuf and json raise errors of many kinds
        raise _no_history(file) from error
    begin = history.events[0] if history.events else None
    if begin is None or not begin.HasField("workflow_execution_started_event_attributes"):
        raise _no_history(file)
    kind = begin.workflow_execution_started_event_attributes.workflow_type.name
    if kind != WORKFLOW_TYPE:
        raise Failure(f"{file} is the history of a workflow '{kind}', not of an order", code=Exit.USAGE)
    return history


def _no_history(file: Path) -> Failure:
    words = f"{file} is not a workflow's history"
    return Failure(words, help="export one with `orders replay --query … --export DIR`", code=Exit.USAGE)


async def _of_server(query: str, *, most: int) -> "AsyncIterator[tuple[str, WorkflowHistory]]":
    from temporalio.service import RPCError, RPCStatusCode

    from activities.runtime.temporal import connect
    from workflows.contracts.ids import WORKFLOW_TYPE

    client = await connect(known_settings())
    orders = f"({query}) AND WorkflowType = '{WORKFLOW_TYPE}'"  # rules may start workflows of the shop's own
    try:
        async for history in client.list_workflows(orders, limit=most).map_histories():
            yield history.workflow_id, history
    except RPCError as error:
        if error.status is not RPCStatusCode.INVALID_ARGUMENT:
            raise
        help = "write it as in the Temporal UI: OrderStage = 'paid'"
        raise Failure(f"Temporal does not understand --query: {error.message}", help=help, code=Exit.USAGE) from error


def _write(sample: "Sample", *, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    fewest = sample.fewest()
    for kept in fewest:
        (folder / f"{kept.name}.json").write_text(kept.text + "\n", encoding="utf-8")
    note(f"Kept {len(fewest)} in {folder}: together they hold all that happens in those that may be kept")
