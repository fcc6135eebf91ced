"""Tells a database that cannot be used now from an error of a statement, by the drivers' codes and types."""

import sqlite3

from sqlalchemy.exc import DBAPIError

from activities.store.drivers.protocol import Busy
from activities.store.errors import BadStatement, Conflict, StoreDown, StoreError

_SQLITE = {
    sqlite3.SQLITE_CANTOPEN: "The database file cannot be opened: check that its directory exists and may be written",
    sqlite3.SQLITE_READONLY: "The database file is read-only: check its permissions",
    sqlite3.SQLITE_PERM: "The database file may not be used: check its permissions",
    sqlite3.SQLITE_FULL: "The disk of the database is full: free some space",
    sqlite3.SQLITE_BUSY: "The database is locked by another process",
    sqlite3.SQLITE_LOCKED: "The database is locked by another process",
    sqlite3.SQLITE_IOERR: "The disk of the database fails: check it",
    sqlite3.SQLITE_CORRUPT: "The database file is damaged: restore it from a backup",
    sqlite3.SQLITE_NOTADB: "The database file is not a database: check the setting of its path",
}

# SQLSTATE classes and codes, PostgreSQL documentation, appendix A.
_POSTGRES = {
    "08": "PostgreSQL closed the connection",
    "28": "PostgreSQL refused the user or the password: check the store's URL",
    "3D": "PostgreSQL has no such database: check the store's URL",
    "53": "PostgreSQL is out of connections, memory or disk space",
    "57": "PostgreSQL is shutting down or stopped the statement",
    "58": "PostgreSQL's disk fails",
    "25006": "PostgreSQL is read-only now",
    "0A000": "PostgreSQL's schema was changed meanwhile",  # a prepared statement's result is another one now
    "40": "PostgreSQL gave this transaction up for another one",
    "55P03": "PostgreSQL could not lock a record in time",
}


_CONTRADICTION = "The change contradicts a stored record: it exists already, or what it names does not"

#: What asyncpg says of a connection that is gone, also where its pool has noticed it meanwhile: it has no codes.
_CLOSED = ("closed", "closing", "released back to the pool")

#: asyncpg's error where its own state machine does not know on, as where a server goes down in the middle of an answer.
#: By name, as asyncpg is not loaded where the store is on SQLite. Misuse by a program is another, InterfaceError.
_LOST_TRACK = "InternalClientError"

#: SQLSTATE class of refused constraints.
_INTEGRITY = "23"


def told(error: Exception) -> Exception:
    """Turn a driver's error into the store's; give back any other as it is.

    Nothing of the driver's words is kept where they may hold values: PostgreSQL's details name them.
    """
    if isinstance(error, StoreError):
        return error
    if isinstance(error, Busy):
        return StoreDown(error.words)
    if isinstance(error, sqlite3.Error):
        return _told_by_sqlite(error)
    state = getattr(error, "sqlstate", None)
    if isinstance(state, str):
        if state.startswith(_INTEGRITY):
            return Conflict(_CONTRADICTION)
        reason = _POSTGRES.get(state) or _POSTGRES.get(state[:2])
        return StoreDown(reason) if reason else BadStatement(f"{type(error).__name__} ({state})")
    if isinstance(error, OSError):
        return StoreDown(f"The database does not answer ({type(error).__name__})")
    if any(base.__name__ == _LOST_TRACK for base in type(error).__mro__):
        return StoreDown(f"PostgreSQL's connection broke ({type(error).__name__})")
    if type(error).__module__.startswith("asyncpg"):
        is_closed = any(word in str(error) for word in _CLOSED)
        return StoreDown("PostgreSQL closed the connection") if is_closed else BadStatement(_name_of(error))
    return error


def told_by_engine(error: DBAPIError) -> Exception:
    """Turn an error of SQLAlchemy's engine, which only migrations use, into the store's."""
    driver = error.orig
    cause = getattr(driver, "__cause__", None) or driver
    return told(cause) if isinstance(cause, Exception) else error


def _told_by_sqlite(error: sqlite3.Error) -> Exception:
    if isinstance(error, sqlite3.IntegrityError):
        return Conflict(_CONTRADICTION)
    code = getattr(error, "sqlite_errorcode", None)
    reason = None if code is None else _SQLITE.get(code & 0xFF)
    return StoreDown(reason) if reason else BadStatement(f"{type(error).__name__}: {error}")


def _name_of(error: Exception) -> str:
    return f"{type(error).__module__}.{type(error).__name__}"
