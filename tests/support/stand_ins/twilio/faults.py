"""What goes wrong, and how often: the fates of requests and of callbacks, drawn from a seed or told one by one."""

import random
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Fate(StrEnum):
    """What becomes of a request that creates something. Those with `after` in their name have accepted it."""

    QUICK = "quick"
    BUSY = "busy"  # 429 with Retry-After and code 20429
    BROKEN_BEFORE = "broken-before"  # 500, 502 (a page) or 503
    BROKEN_AFTER = "broken-after"
    HANG_BEFORE = "hang-before"  # no answer until the other side gives up
    HANG_AFTER = "hang-after"
    LATE = "late"  # no answer, and it is accepted later
    RESET_BEFORE = "reset-before"  # the connection breaks
    RESET_AFTER = "reset-after"
    CUT_AFTER = "cut-after"  # 201, and half of the answer
    EMPTY_AFTER = "empty-after"  # 201, and nothing
    PAGE_AFTER = "page-after"  # 201, and a page in place of JSON
    OVERTAKEN_AFTER = "overtaken-after"  # answered well, but only after every callback

    @property
    def is_accepted(self) -> bool:
        """Say whether the request is accepted before it is answered."""
        return self is Fate.QUICK or self.value.endswith("after")


#: About half of the requests go wrong.
HALF = {
    Fate.QUICK: 50,
    Fate.BUSY: 10,
    Fate.BROKEN_BEFORE: 6,
    Fate.BROKEN_AFTER: 6,
    Fate.HANG_BEFORE: 3,
    Fate.HANG_AFTER: 6,
    Fate.LATE: 4,
    Fate.RESET_BEFORE: 4,
    Fate.RESET_AFTER: 5,
    Fate.CUT_AFTER: 2,
    Fate.EMPTY_AFTER: 2,
    Fate.PAGE_AFTER: 2,
}

#: What may become of a request that only asks.
_OF_QUESTIONS = (Fate.QUICK, Fate.BUSY, Fate.BROKEN_BEFORE, Fate.RESET_BEFORE, Fate.HANG_BEFORE)


@dataclass(frozen=True)
class CallbackFaults:
    """Which share of the callbacks is lost, sent twice, or sent in the wrong order."""

    lost: float = 0.0
    doubled: float = 0.0
    shuffled: float = 0.0


@dataclass
class Faults:
    """Draws fates. `following` are those of the next requests; then the weights decide."""

    seed: int = 0
    weights: Mapping[Fate, int] = field(default_factory=dict)
    questions: Mapping[Fate, int] = field(default_factory=dict)
    callbacks: CallbackFaults = CallbackFaults()
    following: deque[Fate] = field(default_factory=deque)
    following_questions: deque[Fate] = field(default_factory=deque)
    seen: Counter[Fate] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        unknown = set(self.questions) - set(_OF_QUESTIONS)
        if unknown:
            raise ValueError(f"a question cannot be {', '.join(sorted(unknown))}")

    def reseed(self, seed: int) -> None:
        """Draw from another seed from now on."""
        self._random = random.Random(seed)

    def next(self, *fates: Fate) -> None:
        """Say what becomes of the next requests that create something."""
        self.following.extend(fates)

    def next_question(self, *fates: Fate) -> None:
        """Say what becomes of the next requests that ask."""
        self.following_questions.extend(fates)

    def of_request(self) -> Fate:
        """Draw the fate of a request that creates something."""
        fate = self._drawn(self.following, self.weights)
        self.seen[fate] += 1
        return fate

    def of_question(self) -> Fate:
        """Draw the fate of a request that asks."""
        return self._drawn(self.following_questions, self.questions)

    def broken(self) -> int:
        """Draw the status of an answer that says Twilio is broken."""
        return self._random.choice((500, 502, 503))

    def is_lost(self) -> bool:
        """Draw whether a callback is lost."""
        return self._random.random() < self.callbacks.lost

    def is_doubled(self) -> bool:
        """Draw whether a callback is sent twice."""
        return self._random.random() < self.callbacks.doubled

    def is_overtaken(self) -> bool:
        """Draw whether a callback comes only after the last one of its message or call."""
        return self._random.random() < self.callbacks.shuffled

    def _drawn(self, told: deque[Fate], weights: Mapping[Fate, int]) -> Fate:
        if told:
            return told.popleft()
        return self._random.choices(list(weights), list(weights.values()))[0] if weights else Fate.QUICK
