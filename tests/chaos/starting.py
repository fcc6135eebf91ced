"""How every crash run begins: a folder, a store with its pipeline, Temporal, the product's processes.

Out goes what runs: the parts by name, each with a log of its own in the run's folder.
"""

import asyncio
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import aiohttp

from activities.actions import KINDS
from activities.store import keys, pipelines
from activities.store.database import Store
from activities.store.schema import migrate
from starter.cli.embedded.attributes import flags
from tests.chaos.parts import Part, free_port, own_environment
from tests.support.house import PATIENCE
from tests.support.temporal import FASTER, TEMPORAL
from workflows.pipeline.frozen import freeze
from workflows.pipeline.loader import load

WORKERS = ("worker-1", "worker-2")


@contextmanager
def folder_of(keep: Path | None, *, run: str) -> Iterator[Path]:
    """Give a run's folder: one that is kept, or one that passes with it."""
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="orders-chaos-") as passing:
            yield Path(passing)
        return
    folder = keep / run
    folder.mkdir(parents=True)
    yield folder


async def stored(url: str, *, text: str) -> tuple[Store, str]:
    """Make the store with its schema, this pipeline and a key; give it with the key's secret."""
    await migrate(url)
    store = await Store.open(url)
    now = datetime.now(UTC)
    loaded = load(text, file="storm.yaml", kinds=KINDS)
    assert loaded.pipeline is not None, loaded.problems
    frozen = freeze(text, loaded.pipeline, years=range(now.year, now.year + 2))
    async with store.write() as tx:
        await pipelines.publish(
            tx,
            name="shop",
            text=text,
            frozen_json=frozen.model_dump_json(),
            reopens=loaded.pipeline.reopens,
            fields=dict(loaded.pipeline.fields),
            author="storm",
            now=now,
        )
        _, secret = await keys.create(tx, name="storm", scopes=["admin"], now=now)
    return store, secret


def parts_of(
    worker: str, *, folder: Path, settings: Mapping[str, str], of_workers: Mapping[str, str], is_durable: bool
) -> dict[str, Part]:
    """Give Temporal, the gateway and two workers (the module `worker`), none of them started yet.

    `settings` are all of theirs, `of_workers` the workers' alone. What is durable of Temporal survives its death.
    """
    port = free_port()
    address = f"127.0.0.1:{port}"
    ours = own_environment(**settings, TEMPORAL_ADDRESS=address)
    dev_server = [
        *(str(TEMPORAL), "server", "start-dev", "--ip", "127.0.0.1", "--port", str(port), "--headless"),
        *(("--db-filename", str(folder / "temporal.db")) if is_durable else ()),
        *("--log-level", "error", *flags(), *FASTER),
    ]
    commands = {
        "temporal": (dev_server, own_environment(ADDRESS=address)),
        "gateway": ([sys.executable, "-m", "starter.gateway"], ours),
        **{name: ([sys.executable, "-m", worker], {**ours, **of_workers}) for name in WORKERS},
    }
    return {
        name: Part(name, command, environment, folder / f"{name}.log")
        for name, (command, environment) in commands.items()
    }


async def ready(gateway: str) -> None:
    """Wait until the gateway reaches store and Temporal; the workers come meanwhile."""
    async with asyncio.timeout(PATIENCE), aiohttp.ClientSession() as http:
        while True:
            try:
                async with http.get(f"{gateway}/readyz") as answer:
                    if answer.status == 200 and (await answer.json())["temporal"] == "up":
                        return
            except (aiohttp.ClientError, OSError):
                pass
            await asyncio.sleep(0.2)
