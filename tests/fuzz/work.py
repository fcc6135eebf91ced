"""How much work and memory a function takes, counted and not timed, so that a busy machine changes nothing."""

import sys
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

MEGABYTE = 1_000_000


class TooMuchWork(BaseException):
    """More calls were made than allowed; no `except Exception` on the way swallows it."""


def bounded(work: Callable[[], Any], *, calls: int) -> Any:
    """Do the work; raise TooMuchWork once it has made more calls of functions, in Python or C, than allowed."""
    made = 0

    def count(frame: FrameType, event: str, _: object) -> None:
        nonlocal made
        made += event in ("call", "c_call")
        if made > calls:
            sys.setprofile(None)
            raise TooMuchWork(f"more than {calls} calls")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        return work()
    finally:
        sys.setprofile(before)


def peak(work: Callable[[], Any], *, may: type[Exception] | tuple[type[Exception], ...] = ()) -> int:
    """Do the work, which may raise what it declares; return the most bytes it held at once."""
    tracemalloc.start()
    try:
        with suppress(*(may if isinstance(may, tuple) else (may,))):
            work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
