"""The store's errors; messages hold no person's data.

StoreError
 ├─ StoreDown     the database cannot be used now: nothing was committed, try again later
 ├─ NotFound      a record that was named does not exist
 ├─ Conflict      the change contradicts what is stored
 ├─ Unreadable    this release cannot read a published version of a pipeline
 └─ BadStatement  the database refused a statement of this program: a bug
"""


class StoreError(Exception):
    """Base of the store's errors."""


class StoreDown(StoreError):
    """The database cannot be used now (unreachable, locked, full, read-only, not migrated)."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotFound(StoreError):
    """A record that was named does not exist. `what` is its kind (`order`), `id` what it was called by."""

    def __init__(self, what: str, id: str) -> None:
        super().__init__(f"There is no {what} '{id}'")
        self.what = what
        self.id = id


class Conflict(StoreError):
    """The change contradicts what is stored; the words say what and what to do."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


class Unreadable(StoreError):
    """This release cannot read a published version: it is stricter, or knows its rules no more. `problems` say why."""

    def __init__(self, pipeline: str, *, version: int, problems: str) -> None:
        super().__init__(f"Version {version} of pipeline '{pipeline}' cannot be read by this release:\n{problems}")
        self.pipeline = pipeline
        self.version = version
        self.problems = problems


class BadStatement(StoreError):
    """The database refused a statement of this program: a bug. The words hold none of its values."""
