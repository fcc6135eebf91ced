"""What the store needs of a driver: connections that are each in one transaction at a time."""

from collections.abc import Sequence
from typing import Protocol

from activities.store.ready import Answer, Ready, Statements, Values


class Busy(Exception):
    """No connection, or no turn to write, came free in time; the words are for people."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


class Connection(Protocol):
    """A connection in a transaction."""

    async def execute(self, ready: Ready, rows: Sequence[Values]) -> Answer:
        """Execute a statement, once for each row of values; raise the driver's errors."""
        ...

    async def commit(self) -> None:
        """Commit."""
        ...


class Connections(Protocol):
    """The connections of one process to one database."""

    @property
    def statements(self) -> Statements:
        """The ready forms of statements for this database."""
        ...

    async def begin(self, *, writes: bool) -> Connection:
        """Begin a transaction; raise Busy, and the driver's errors."""
        ...

    async def end(self, connection: Connection) -> None:
        """Take a connection back, rolling back what is not committed; raises nothing."""
        ...

    async def close(self) -> None:
        """Close them all."""
        ...
