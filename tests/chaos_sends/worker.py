"""The product's worker process with short times; `python -m tests.chaos_sends.worker`.

`CHAOS_WITHOUT` names what is left out: the run must find what that breaks.
"""

import os
import sys
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import worker
from activities.actions import ACTIONS
from activities.courier import Rhythm
from activities.providers import registry
from activities.providers.errors import NotSent, Unknown
from activities.providers.protocol import Accepted, Message, Outcome, Provider, Telling
from activities.providers.registry import Connecting, Providers
from activities.providers.smtp import SmtpProvider
from activities.providers.twilio import TwilioProvider
from activities.store import adopting
from tests.chaos_sends.weather import Without

#: Bound of one attempt, in seconds: a killed worker's sends are taken up again after it.
ATTEMPT = 4

#: What the settings of the providers leave: seconds of the mail server's grace, and between two looks at a call.
_SMTP_GRACE = timedelta(seconds=2)
_PATIENCE = timedelta(seconds=1)

WITHOUT = Without(os.environ.get("CHAOS_WITHOUT", ""))

#: A courier that tries again later each time would make a run of hours.
_SHORTEST, _LONGEST = timedelta(seconds=1), timedelta(seconds=8)

#: The naive policy: how often it sends within an attempt, and when the next attempt is.
_TIMES = 3
_AT_ONCE = timedelta(milliseconds=1)


class Naive:
    """A provider for a policy that knows only sent and not sent: whatever has no good answer is sent again at once."""

    grace = timedelta(0)

    def __init__(self, provider: Provider) -> None:
        self.name = provider.name
        self.channels = provider.channels
        self._provider = provider

    async def send(self, message: Message, *, send_id: UUID) -> Accepted:
        """Send, and again while there is no good answer, as HTTP clients with retries do."""
        for _ in range(_TIMES):
            try:
                return await self._provider.send(message, send_id=send_id)
            except Unknown:
                continue
        raise NotSent("no good answer", retry_after=_AT_ONCE)

    async def lookup(self, message: Message, *, send_id: UUID) -> Accepted | None:
        """Say that it never arrived, without asking."""
        return None


class NaiveTelling(Naive):
    """The same for a provider that tells how an accepted send went."""

    patience = _PATIENCE

    def __init__(self, provider: Telling) -> None:
        super().__init__(provider)  # type: ignore[arg-type]  # every telling provider is a provider
        self._telling = provider

    async def outcome(self, message: Message, *, send_id: UUID) -> Outcome | None:
        """Ask."""
        return await self._telling.outcome(message, send_id=send_id)


def connect(given: Connecting) -> Providers:
    """Connect the product's providers, with short times."""
    TwilioProvider.patience = _PATIENCE
    SmtpProvider.grace = _SMTP_GRACE
    connected = registry.connect(given)
    if WITHOUT is not Without.POLICY:
        return connected
    wanted = (("sms", "twilio"), ("email", "sendgrid"), ("email", "smtp"))
    naive = []
    for channel, name in wanted:
        provider = connected.choose(channel, name=name)
        naive.append(NaiveTelling(provider) if isinstance(provider, Telling) else Naive(provider))
    return Providers(naive, channels=given.channels)


def _leave_out_the_turns() -> None:
    """Let no message wait for another that it could be taken for."""

    async def nobody(*_: Any, **__: Any) -> None:
        return None

    adopting.rivals = nobody


if __name__ == "__main__":
    worker.Rhythm = partial(Rhythm, shortest=_SHORTEST, longest=_LONGEST)
    if WITHOUT is Without.TURNS:
        _leave_out_the_turns()
    actions = {name: replace(action, kind=replace(action.kind, seconds=ATTEMPT)) for name, action in ACTIONS.items()}
    code = worker.main(actions=actions, connect=connect)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
