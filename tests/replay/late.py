"""Answers of activities that reach their workflow late: what they recorded is in the store meanwhile."""

import asyncio
from typing import Any

from temporalio import activity
from temporalio import client as clients
from temporalio import worker as workers
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput


class Late(clients.Interceptor, workers.Interceptor):
    """Holds the answers of one type of activity back until they are let go."""

    def __init__(self) -> None:
        self.held = ""
        self.go = asyncio.Event()

    def hold(self, activity_type: str) -> None:
        """Hold back from now on."""
        self.held = activity_type
        self.go.clear()

    def let_go(self) -> None:
        """Give out what is held, and hold nothing any more."""
        self.held = ""
        self.go.set()

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Held(next, late=self)


class _Held(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, *, late: Late) -> None:
        super().__init__(next)
        self._late = late

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        answer = await super().execute_activity(input)
        if activity.info().activity_type == self._late.held:
            await self._late.go.wait()
        return answer
