"""`orders pipeline publish`: check a pipeline file, freeze its calendars and zones, and give it a version."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from starter.cli.connections import known_settings, opened_store, run
from starter.cli.named import BY, JSON, user
from starter.cli.output import Exit, Failure, listed, note, say, say_json
from starter.cli.reading import read_file

if TYPE_CHECKING:
    from activities.store.database import Store, Tx
    from workflows.pipeline.model import Pipeline

#: Years before and after now for which holidays and zone rules are frozen; waits last up to ten.
_YEARS_BACK = 1
_YEARS_AHEAD = 12


@dataclass(frozen=True)
class Outcome:
    """What publishing did. `is_new` is False where the text was that of the latest version already."""

    pipeline: str
    version: int
    is_new: bool


def publish(
    file: Annotated[str, typer.Argument(help="The pipeline file; - reads standard input.", metavar="FILE")],
    by: BY = "",
    json: JSON = False,
) -> None:
    """Publish a pipeline: its next version. Orders planned already keep theirs; an unchanged file changes nothing."""
    name = "<stdin>" if file == "-" else file
    outcome = run(_published(read_file(file, unreadable=Exit.INVALID), file=name, author=user(by)))
    if json:
        say_json({"pipeline": outcome.pipeline, "version": outcome.version, "is_new": outcome.is_new})
        return
    words = "is published" if outcome.is_new else "was published before; nothing changed"
    say(f"{outcome.pipeline}@{outcome.version} {words}")


async def _published(text: str, *, file: str, author: str) -> Outcome:
    pipeline = checked(text, file=file)
    async with opened_store(known_settings()) as store:
        return await publish_pipeline(store, pipeline=pipeline, text=text, author=author)


def checked(text: str, *, file: str) -> "Pipeline":
    """Load a pipeline; print its problems as `orders pipeline check` does and raise Failure if one is an error."""
    from activities.actions import KINDS
    from activities.papers import documents_beside
    from workflows.pipeline.loader import load
    from workflows.pipeline.problems import as_text

    loaded = load(text, file=file, kinds=KINDS, documents=documents_beside(file))
    if loaded.problems:
        note(as_text(loaded.problems))
    if loaded.pipeline is None:
        count = len(loaded.errors)
        words = f"{file} has {count} error{'s' if count != 1 else ''}; nothing was published"
        raise Failure(words, help="correct them and check with `orders pipeline check`", code=Exit.INVALID)
    return loaded.pipeline


async def publish_pipeline(store: "Store", *, pipeline: "Pipeline", text: str, author: str) -> Outcome:
    """Publish a checked pipeline; raise Failure where a stage that holds orders has vanished."""
    from activities.store import pipelines
    from workflows.pipeline.frozen import freeze

    now = datetime.now(UTC)
    frozen = freeze(text, pipeline, years=range(now.year - _YEARS_BACK, now.year + _YEARS_AHEAD))
    async with store.write() as tx:
        before = await pipelines.latest(tx, name=pipeline.id)
        await _refuse_vanished(tx, pipeline=pipeline)
        version = await pipelines.publish(
            tx,
            name=pipeline.id,
            text=text,
            frozen_json=frozen.model_dump_json(),
            reopens=pipeline.reopens,
            fields={name: str(kind) for name, kind in pipeline.fields.items()},
            author=author,
            now=now,
        )
    return Outcome(pipeline.id, version, is_new=before is None or before[0] != version)


async def _refuse_vanished(tx: "Tx", *, pipeline: "Pipeline") -> None:
    from activities.store import orders

    held = await orders.open_by_stage(tx, pipeline=pipeline.id)
    lost = [f"'{stage}' ({count})" for stage, count in held.items() if count and stage and stage not in pipeline.stages]
    if lost:
        words = f"The file has no more a stage that holds open orders: {listed(lost)}"
        raise Failure(words, help="keep the stage, or move its orders to another one first", code=Exit.INVALID)


def _reopens(pipeline: "Pipeline") -> list[str]:
    """List the event types that may bring an order back from a final stage (M56)."""
    return sorted({t.event_type for stage in pipeline.stages.values() for t in stage.triggers if t.back})
