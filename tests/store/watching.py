"""A store whose statements are seen: its driver's connections with an ear on what they execute."""

from collections.abc import Callable, Sequence

from activities.store.database import Store
from activities.store.drivers.protocol import Connection, Connections
from activities.store.ready import Answer, Ready, Values

Ear = Callable[[str], None]


class _WatchedConnection:
    def __init__(self, connection: Connection, *, ear: Ear) -> None:
        self.connection = connection
        self._ear = ear

    async def execute(self, ready: Ready, rows: Sequence[Values]) -> Answer:
        self._ear(ready.form(rows[0]).sql)
        return await self.connection.execute(ready, rows)

    async def commit(self) -> None:
        await self.connection.commit()


class _Watched:
    def __init__(self, connections: Connections, *, ear: Ear) -> None:
        self._connections = connections
        self._ear = ear
        self.statements = connections.statements

    async def begin(self, *, writes: bool) -> _WatchedConnection:
        return _WatchedConnection(await self._connections.begin(writes=writes), ear=self._ear)

    async def end(self, connection: Connection) -> None:
        assert isinstance(connection, _WatchedConnection)
        await self._connections.end(connection.connection)

    async def close(self) -> None:
        await self._connections.close()


def watched(store: Store, ear: Ear) -> Store:
    """The same store; every statement it executes is told to `ear`, as the database gets it."""
    return Store(_Watched(store._connections, ear=ear))
