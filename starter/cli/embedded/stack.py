"""Starts everything in its order, watches it, and stops it: what `orders up` is made of."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import aiohttp
from temporalio.client import Client

from activities.runtime import temporal
from activities.runtime.settings import Settings
from activities.store.database import Store
from activities.store.schema import migrate
from starter.cli.embedded import attributes, ports, server
from starter.cli.embedded.children import Child, Program
from starter.cli.embedded.folder import Folder, Running
from starter.cli.embedded.staff import seed
from starter.cli.embedded.stand_ins import StandIn, start_stand_ins
from starter.cli.output import Exit, Failure, note
from starter.cli.parts import part_environment
from starter.cli.publish import checked, publish_pipeline
from starter.cli.reading import read_file
from workflows.pipeline.model import Pipeline

_SECONDS = 180.0

T = TypeVar("T")


@dataclass(frozen=True)
class Wanted:
    """What `orders up` was asked for; ports None take the usual ones."""

    folder: Path
    pipeline: Path
    pace: float = 1.0
    has_demo: bool = True
    has_stand_ins: bool = False
    port: int | None = None
    temporal_port: int | None = None
    ui_port: int | None = None


@dataclass
class Stack:
    """Everything that runs, and the pipeline it publishes. `ui` is empty where the server is somebody else's.

    `connections` are the settings that connect our parts to the stand-ins.
    """

    wanted: Wanted
    folder: Folder
    text: str
    pipeline: Pipeline
    gateway: str = ""
    temporal: str = ""
    ui: str = ""
    children: list[Child] = field(default_factory=list)
    stand_ins: list[StandIn] = field(default_factory=list)
    connections: dict[str, str] = field(default_factory=dict)

    @property
    def running(self) -> Running:
        """Where the parts are found."""
        # Commands sign links and tell vendors where to call back as the parts do.
        links = {name: os.environ[name] for name in ("ORDERS_PUBLIC_URL", "ORDERS_TOKEN_KEYS")}
        store_url = os.environ["ORDERS_STORE_URL"]
        return Running(os.getpid(), self.temporal, self.gateway, store_url, {**self.connections, **links})

    async def first_end(self) -> Child:
        """Wait until one of the children ends."""
        ends = {asyncio.create_task(child.wait()): child for child in self.children}
        try:
            done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in ends:
                task.cancel()
        return ends[done.pop()]

    async def stop(self) -> None:
        """Stop the worker and the gateway side by side, then the server they speak to."""
        own = [child for child in self.children if child.name != _SERVER]
        await asyncio.gather(*(child.stop() for child in own))
        await asyncio.gather(*(child.stop() for child in self.children))

    async def kill(self) -> None:
        """Kill whatever is left."""
        await asyncio.gather(*(child.kill() for child in self.children))


_SERVER = "Temporal server"


@asynccontextmanager
async def started(wanted: Wanted) -> AsyncIterator[Stack]:
    """Start everything; the value is given when all of it is healthy. At the end of the block everything is stopped."""
    folder = Folder(wanted.folder)
    folder.prepare()
    try:
        text = read_file(str(wanted.pipeline), unreadable=Exit.INVALID)
        pipeline = checked(text, file=str(wanted.pipeline))
        stack = Stack(wanted, folder, text=text, pipeline=pipeline)
        try:
            async with ports.turn():
                await _start(stack)
            folder.write_note(stack.running)
            yield stack
        finally:
            await _stopped(stack)
    finally:
        folder.release()


async def _stopped(stack: Stack) -> None:
    """Stop everything, whatever interrupts it."""
    try:
        await stack.stop()
    finally:
        await stack.kill()


async def _start(stack: Stack) -> None:
    _set_environment(stack, port=_port(ports.GATEWAY, wanted=stack.wanted.port))
    if stack.wanted.has_stand_ins:
        found = await start_stand_ins(stack.folder, public_url=stack.gateway)
        stack.stand_ins = found.running
        stack.children += [stand_in.child for stand_in in found.running]
        os.environ.update(found.settings)
        stack.connections = found.settings
    server_start = asyncio.create_task(_server(stack))
    try:
        await _timed(_store(stack), name="Store")
        gateway = await _part(stack, name="Gateway", log="gateway", module="starter.gateway")
        client = await server_start
        worker = await _part(stack, name="Worker", log="worker", module="worker")
        await asyncio.gather(
            _timed(_polling(client, child=worker), name="Worker"),
            _timed(_ready(stack, child=gateway), name="Gateway"),
        )
    finally:
        server_start.cancel()
        await asyncio.gather(server_start, return_exceptions=True)


def _set_environment(stack: Stack, *, port: int) -> None:
    """Set what this process and its children read; what the user has set stays where it does not contradict."""
    stack.gateway = f"http://{ports.HOST}:{port}"
    os.environ.update({"ORDERS_GATEWAY_HOST": ports.HOST, "ORDERS_GATEWAY_PORT": str(port)})
    os.environ["ORDERS_PACE"] = str(stack.wanted.pace)
    os.environ.setdefault("ORDERS_PUBLIC_URL", stack.gateway)
    os.environ.setdefault("ORDERS_TOKEN_KEYS", stack.folder.token_key())
    os.environ.setdefault("ORDERS_STORE_URL", stack.folder.store_url)
    os.environ.setdefault("ORDERS_LOG_FORMAT", "text")


async def _server(stack: Stack) -> Client:
    """Connect to the server that TEMPORAL_ADDRESS names, or start one; register the search attributes."""
    given = os.environ.get("TEMPORAL_ADDRESS")
    if given:
        client = await _timed(temporal.connect(Settings()), name=f"Temporal server at {given}")
        stack.temporal = given
    else:
        client = await _timed(_own_server(stack), name=_SERVER)
    await attributes.register(client)
    return client


async def _own_server(stack: Stack) -> Client:
    port = _port(ports.TEMPORAL, wanted=stack.wanted.temporal_port)
    ui_port = _port(ports.TEMPORAL_UI, wanted=stack.wanted.ui_port)
    stack.temporal, stack.ui = f"{ports.HOST}:{port}", f"http://{ports.HOST}:{ui_port}"
    _forget_other_servers()
    os.environ.update({"TEMPORAL_ADDRESS": stack.temporal, "TEMPORAL_NAMESPACE": "default"})
    command = server.command(server.program(), database=stack.folder.temporal_database, port=port, ui_port=ui_port)
    log = stack.folder.logs / "temporal.log"
    child = await Child.start(Program(_SERVER, command, os.environ, log))
    stack.children.append(child)
    try:
        return await server.serving(stack.temporal, has_ended=lambda: child.has_ended)
    except Failure as failure:
        raise _with_log(failure, child=child) from failure


def _forget_other_servers() -> None:
    """Take out what Temporal's own settings say of other servers (TLS, keys, profiles): ours is a plain one."""
    for name in [name for name in os.environ if name.startswith("TEMPORAL_") and name != "TEMPORAL_CLI"]:
        del os.environ[name]
    os.environ["TEMPORAL_CONFIG_FILE"] = os.devnull


async def _store(stack: Stack) -> None:
    url = os.environ["ORDERS_STORE_URL"]
    await migrate(url)
    store = await Store.open(url, pool=2)
    try:
        outcome = await publish_pipeline(store, pipeline=stack.pipeline, text=stack.text, author="orders up")
        if stack.wanted.has_demo:
            await seed(store)
        await _demo_key(stack, store=store)
    finally:
        await store.close()
    if not outcome.is_new:
        note(f"  Pipeline {outcome.pipeline}@{outcome.version} is unchanged")


async def _demo_key(stack: Stack, *, store: Store) -> None:
    """Keep a key with every right but the administrator's in the folder; make it where there is no valid one."""
    from datetime import UTC, datetime

    from activities.store import keys
    from starter.gateway.access import Right

    now = datetime.now(UTC)
    async with store.write() as tx:
        if await keys.verify(tx, secret=stack.folder.key(), now=now) is not None:
            return
        rights = [str(right) for right in Right if right is not Right.ADMIN]
        _, secret = await keys.create(tx, name="orders up", scopes=rights, now=now)
        stack.folder.keep_key(secret)


async def _part(stack: Stack, *, name: str, log: str, module: str) -> Child:
    command = [sys.executable, "-m", module]
    child = await Child.start(Program(name, command, part_environment(), stack.folder.logs / f"{log}.log"))
    stack.children.append(child)
    return child


async def _polling(client: Client, *, child: Child) -> None:
    """Wait until the worker asks the server for work; it names itself by its process id."""

    async def is_polling() -> bool:
        return any(identity.startswith(f"{child.pid}@") for identity in await attributes.pollers(client))

    await _until(is_polling, child=child)


async def _ready(stack: Stack, *, child: Child) -> None:
    """Wait until the gateway reaches store and Temporal."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:

        async def is_ready() -> bool:
            try:
                async with session.get(f"{stack.gateway}/readyz") as response:
                    return response.status == 200 and (await response.json())["temporal"] == "up"
            except (aiohttp.ClientError, TimeoutError):
                return False

        await _until(is_ready, child=child)


async def _until(is_so: Callable[[], Awaitable[bool]], *, child: Child) -> None:
    try:
        async with asyncio.timeout(_SECONDS):
            while not await is_so():
                if child.has_ended:
                    raise ended(child)
                await asyncio.sleep(0.1)
    except TimeoutError as error:
        failure = Failure(f"{child.name} was not ready within {_SECONDS:.0f} s", code=Exit.FAILED)
        raise _with_log(failure, child=child) from error


def ended(child: Child) -> Failure:
    """Return the failure of a child that ended by itself, with the last lines of its log."""
    return _with_log(Failure(f"{child.name} ended by itself"), child=child)


def _with_log(failure: Failure, *, child: Child) -> Failure:
    return Failure(
        f"{failure.words}. Its last lines:\n{child.last_words()}", help=f"see {child.log}", code=failure.code
    )


async def _timed(work: Awaitable[T], *, name: str) -> T:
    begun = time.monotonic()
    result = await work
    note(f"✓ {name:<22} {time.monotonic() - begun:.1f} s")
    return result


def _port(usual: ports.Usual, *, wanted: int | None) -> int:
    chosen = ports.choose(usual, wanted=wanted)
    if chosen.words:
        note(f"  {chosen.words}")
    return chosen.number
