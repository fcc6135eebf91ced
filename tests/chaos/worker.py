"""The product's worker process, connected to the stand-in provider; `python -m tests.chaos.worker`.

`CHAOS_WITHOUT` names guards to leave out (`visit`, `lookup`): the test must find what they prevent.
"""

import os
import sys
from dataclasses import replace
from typing import Any

from sqlalchemy import false

import worker
from activities import frame
from activities.actions import ACTIONS
from activities.providers.registry import Connecting, Providers
from activities.store import claims, visits
from tests.chaos.remote import Forgetful, RemoteProvider

#: Bound of one attempt, in seconds: a killed worker's sends are taken up again after it.
ATTEMPT = 4

WITHOUT = os.environ.get("CHAOS_WITHOUT", "").split()


def connect(given: Connecting) -> Providers:
    """Connect the stand-in as the provider of texts and mails."""
    kind = Forgetful if "lookup" in WITHOUT else RemoteProvider
    return Providers([kind(given.environment["CHAOS_PROVIDER"])], channels={"sms": "remote", "email": "remote"})


def _leave_out_the_visit() -> None:
    """Take away every place where the store asks whether a run's visit is still the current one."""

    async def nothing(*_: Any, **__: Any) -> None:
        return None

    frame.check = nothing
    claims._too_late = lambda *_, **__: None
    visits._STOP_RUNS = visits._STOP_RUNS.where(false())


if __name__ == "__main__":
    if "visit" in WITHOUT:
        _leave_out_the_visit()
    actions = {name: replace(action, kind=replace(action.kind, seconds=ATTEMPT)) for name, action in ACTIONS.items()}
    code = worker.main(actions=actions, connect=connect)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
