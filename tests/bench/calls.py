"""Count the Python calls of a replay: in goes a history, out comes how often each function was entered.

A count does not move with the machine. Calls into C do not count, nor does the SDK's own core.
"""

import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import CodeType, FrameType
from typing import Any

from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

#: Makes the replayer of one side, with the threads that its workflows are to run in.
Make = Callable[[ThreadPoolExecutor], Replayer]

#: On a busy machine the event loop turns a few times more; the fewest calls of as many replays are exact to a percent.
_TIMES = 3


async def calls_of_replay(history: WorkflowHistory, *, make: Make) -> Counter[CodeType]:
    """Replay a history and count the calls of the event loop's thread and of the workflow's.

    The first replay of a process imports and caches what later ones find, so it is not counted.
    """
    await _calls(history, make=make)
    return min([await _calls(history, make=make) for _ in range(_TIMES)], key=Counter.total)


async def _calls(history: WorkflowHistory, *, make: Make) -> Counter[CodeType]:
    counted: Counter[CodeType] = Counter()

    def count(frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            counted[frame.f_code] += 1

    with ThreadPoolExecutor(1, initializer=sys.setprofile, initargs=(count,)) as threads:
        replayer = make(threads)
        sys.setprofile(count)
        try:
            await replayer.replay_workflow(history)
        finally:
            sys.setprofile(None)
    return counted
