"""Named steps between two commits, at which a crash test lets a process die: off unless `ORDERS_FAULTS` is set.

Only tests set it: `ORDERS_FAULTS="claimed=0.02 sent=0.01:stop"` kills (or stops, as SIGSTOP does) the process itself
with that chance whenever it reaches the step. No step changes what the code does.
"""

import os
import random
import signal
from collections.abc import Mapping
from enum import StrEnum

VARIABLE = "ORDERS_FAULTS"


class Step(StrEnum):
    """What has just been committed or done, and is not known to anybody else yet."""

    JOURNALLED = "journalled"  # the event is in the journal, its sender has no answer
    SIGNALLED = "signalled"  # Temporal has the signal, the delivery is not marked
    DECIDED = "decided"  # the decision is committed, the workflow does not know it
    RECORDED = "recorded"  # record-only rules are committed, the workflow does not know it
    CLAIMED = "claimed"  # the send is claimed, nothing has left
    SENT = "sent"  # the provider accepted, the ledger does not know it
    ACCEPTED = "accepted"  # the ledger knows it, the run has not ended
    ENDED = "ended"  # the run's end is committed, the workflow does not know it


def reach(step: Step) -> None:
    """Pass a step; in a crash test the process may end here."""
    if _CHANCES:
        _draw(step)


def read(text: str) -> Mapping[Step, tuple[float, signal.Signals]]:
    """Read the variable's value; raise ValueError for a step or a chance that does not exist."""
    chances = {}
    for word in text.split():
        step, _, rest = word.partition("=")
        chance, _, what = rest.partition(":")
        chances[Step(step)] = (float(chance), signal.SIGSTOP if what == "stop" else signal.SIGKILL)
    return chances


def _draw(step: Step) -> None:
    chance, number = _CHANCES.get(step, (0.0, signal.SIGKILL))
    if random.random() < chance:
        os.write(2, f"fault: {step}\n".encode())
        os.kill(os.getpid(), number)


_CHANCES = read(os.environ.get(VARIABLE, ""))
