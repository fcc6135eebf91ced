"""What goes wrong with requests, and how often: drawn from a seed, or told one by one."""

import random
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Fate(StrEnum):
    """What becomes of a request. Those with `after` in their name have accepted it."""

    QUICK = "quick"
    BUSY = "busy"  # 429 with Retry-After
    LIMITED = "limited"  # 429 with X-RateLimit-Reset, the moment at which it ends
    BROKEN_BEFORE = "broken-before"  # 500 or 503
    BROKEN_AFTER = "broken-after"
    PAGE_BEFORE = "page-before"  # 502, a page of the proxy
    HANG_BEFORE = "hang-before"  # no answer until the other side gives up
    HANG_AFTER = "hang-after"
    LATE = "late"  # no answer, and it is accepted later
    RESET_BEFORE = "reset-before"  # the connection breaks
    RESET_AFTER = "reset-after"
    CUT_AFTER = "cut-after"  # 202, and less of a body than was announced
    REDIRECT_BEFORE = "redirect-before"

    @property
    def is_accepted(self) -> bool:
        """Say whether the request is accepted before it is answered."""
        return self is Fate.QUICK or self.value.endswith("after")


#: About half of the requests go wrong.
HALF = {
    Fate.QUICK: 50,
    Fate.BUSY: 8,
    Fate.LIMITED: 2,
    Fate.BROKEN_BEFORE: 6,
    Fate.BROKEN_AFTER: 6,
    Fate.PAGE_BEFORE: 3,
    Fate.HANG_BEFORE: 3,
    Fate.HANG_AFTER: 6,
    Fate.LATE: 4,
    Fate.RESET_BEFORE: 4,
    Fate.RESET_AFTER: 6,
    Fate.CUT_AFTER: 2,
}


@dataclass
class Faults:
    """Draws fates. `following` are those of the next requests; then the weights decide."""

    seed: int = 0
    weights: Mapping[Fate, int] = field(default_factory=dict)
    following: deque[Fate] = field(default_factory=deque)
    seen: Counter[Fate] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def reseed(self, seed: int) -> None:
        """Draw from another seed from now on."""
        self._random = random.Random(seed)

    def next(self, *fates: Fate) -> None:
        """Say what becomes of the next requests."""
        self.following.extend(fates)

    def of_request(self) -> Fate:
        """Draw the fate of a request."""
        fate = self._drawn()
        self.seen[fate] += 1
        return fate

    def broken(self) -> int:
        """Draw the status of an answer that says SendGrid is broken."""
        return self._random.choice((500, 503))

    def _drawn(self) -> Fate:
        if self.following:
            return self.following.popleft()
        return self._random.choices(list(self.weights), list(self.weights.values()))[0] if self.weights else Fate.QUICK
