"""The ways a provider's call can fail; all else is a bug. `activities.runs` turns them into Temporal errors.

ProviderError
 ├─ NotSent        nothing left the house: safe to repeat
 ├─ Unknown        it may have left: settled before anything is sent again
 ├─ Rejected       refused for good: repeating would not help
 └─ Misconfigured  a setting is missing or wrong: a person must act
     └─ NoAccess   the provider lets nobody of ours in (a revoked key): every send waits until a person has acted
"""

from datetime import timedelta


class ProviderError(Exception):
    """Base of the provider's failures; the message holds no person's data."""


class NotSent(ProviderError):
    """Nothing left the house; the run may be tried again, after `retry_after` where the provider says so."""

    def __init__(self, words: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(words)
        self.words = words
        self.retry_after = retry_after


class Unknown(ProviderError):
    """The answer was lost after the request may have left."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


class Rejected(ProviderError):
    """The provider refused for good; `code` is its own, `words` say it to people and what to do."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(f"{words} ({code})")
        self.code = code
        self.words = words


class Misconfigured(ProviderError):
    """A setting is missing or wrong; the message names it."""

    def __init__(self, setting: str, words: str) -> None:
        super().__init__(f"{words}: set {setting}")
        self.setting = setting
        self.words = words


class NoAccess(Misconfigured):
    """The provider lets nobody of ours in: nothing left, and nothing will until a person has acted."""
