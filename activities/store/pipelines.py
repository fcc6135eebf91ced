"""Published pipelines: every version, its text and what was frozen into it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, func, insert, select

from activities.store.database import NotFound, Tx
from activities.store.tables import PIPELINES


@dataclass(frozen=True)
class Published:
    """A version of a pipeline. `fields` are the custom order fields it declares, by name and type."""

    name: str
    version: int
    text: str
    frozen_json: str
    reopens: tuple[str, ...]
    fields: dict[str, str]
    author: str
    created_at: datetime


_OF_NAME = PIPELINES.c.name == bindparam("pipeline")

_LATEST = select(PIPELINES).where(_OF_NAME).order_by(PIPELINES.c.version.desc()).limit(1)

_LATEST_VERSION = select(func.max(PIPELINES.c.version)).where(_OF_NAME)

_GET = select(PIPELINES).where(_OF_NAME, PIPELINES.c.version == bindparam("of_version"))

_NAMES = (
    select(PIPELINES.c.name, func.max(PIPELINES.c.version).label("latest"))
    .group_by(PIPELINES.c.name)
    .order_by(PIPELINES.c.name)
)

_VERSIONS = (
    select(PIPELINES.c.version, PIPELINES.c.author, PIPELINES.c.created_at)
    .where(_OF_NAME)
    .order_by(PIPELINES.c.version.desc())
)

_ADD = insert(PIPELINES)


async def publish(
    tx: Tx,
    *,
    name: str,
    text: str,
    frozen_json: str,
    reopens: Sequence[str],
    fields: Mapping[str, str],
    author: str,
    now: datetime,
) -> int:
    """Publish a pipeline and give its version; the same text and templates as the latest version give that one.

    `reopens` are the event types that may bring an order back from a final stage (M56). Raise Conflict where another
    process publishes it at the same moment.
    """
    before = await tx.first(_LATEST, {"pipeline": name})
    if before is not None and before.text == text and _documents(before.frozen_json) == _documents(frozen_json):
        return int(before.version)
    version = 1 if before is None else int(before.version) + 1
    await tx.run(
        _ADD,
        {
            "name": name,
            "version": version,
            "text": text,
            "frozen_json": frozen_json,
            "reopens": list(reopens),
            "fields": dict(fields),
            "author": author,
            "created_at": now,
        },
    )
    return version


async def latest(tx: Tx, *, name: str) -> tuple[int, str] | None:
    """Give the latest version and its frozen JSON; None if there is none."""
    row = await tx.first(_LATEST, {"pipeline": name})
    return None if row is None else (row.version, row.frozen_json)


async def latest_version(tx: Tx, *, name: str) -> int | None:
    """Give the number of the latest version; None if there is none."""
    row = await tx.first(_LATEST_VERSION, {"pipeline": name})
    return None if row is None else row[0]


async def get(tx: Tx, *, name: str, version: int) -> Published:
    """Read a version; raise NotFound if there is none."""
    row = await tx.first(_GET, {"pipeline": name, "of_version": version})
    if row is None:
        raise NotFound("pipeline", f"{name}@{version}")
    return _published(row)


async def names(tx: Tx) -> dict[str, int]:
    """List the published pipelines with their latest versions."""
    return {row.name: row.latest for row in await tx.rows(_NAMES)}


async def versions(tx: Tx, *, name: str) -> list[tuple[int, str, datetime]]:
    """List a pipeline's versions, the newest first: version, author, time."""
    return [(row.version, row.author, row.created_at) for row in await tx.rows(_VERSIONS, {"pipeline": name})]


def _documents(frozen_json: str) -> object:
    # Holidays and zones may differ for the same file: they are of the day it is frozen on.
    return json.loads(frozen_json).get("documents") or {}


def _published(row: Row[Any]) -> Published:
    return Published(
        name=row.name,
        version=row.version,
        text=row.text,
        frozen_json=row.frozen_json,
        reopens=tuple(row.reopens),
        fields=row.fields,
        author=row.author,
        created_at=row.created_at,
    )
