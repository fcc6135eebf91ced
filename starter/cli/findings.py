"""What `orders doctor` looked at, and what it found."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """What was looked at and found. `is_reach` says that it is about reaching Temporal or the store.

    A warning is in order where it is meant; it says what does not work.
    """

    what: str
    is_good: bool
    words: str
    help: str = ""
    is_reach: bool = False
    is_warning: bool = False
