"""Tells a database that cannot be used now from an error of a statement, by the drivers' codes and types."""

import sqlite3

from sqlalchemy.exc import DBAPIError

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
    "40": "PostgreSQL gave this transaction up for another one",
    "55P03": "PostgreSQL could not lock a record in time",
}


def reason_of(error: BaseException) -> str | None:
    """Say why the database cannot be used, or return None if the statement itself is at fault."""
    if not isinstance(error, DBAPIError):
        return f"The database does not answer ({type(error).__name__})" if isinstance(error, OSError) else None
    driver = error.orig
    if isinstance(driver, sqlite3.Error):
        code = getattr(driver, "sqlite_errorcode", None)
        return None if code is None else _SQLITE.get(code & 0xFF)
    # The asyncpg dialect gives SQLSTATE on its own error; what it wraps is the driver's, imported by PostgreSQL only.
    state = getattr(driver, "sqlstate", None) or getattr(driver.__cause__, "sqlstate", None) if driver else None
    if isinstance(state, str):
        return _POSTGRES.get(state) or _POSTGRES.get(state[:2])
    if error.connection_invalidated or isinstance(getattr(driver, "__cause__", None), OSError):
        return "PostgreSQL closed the connection"
    return None
