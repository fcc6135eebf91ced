"""The workflow `Order`: signals and commands go to the inbox, `automation` does the rest on Temporal's clock.

The sandbox loads this module anew for every order, so it holds only what must be there: the handlers of signals,
updates and queries are made once, in `handlers`.
"""

import asyncio

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from workflows.automation import Automation
from workflows.clock import TemporalClock
from workflows.contracts.carry import OrderInput
from workflows.contracts.commands import StopWaiting
from workflows.contracts.ids import WORKFLOW_TYPE
from workflows.contracts.state import OrderState
from workflows.handlers import HANDLERS, creation, operator_event


@workflow.defn(name=WORKFLOW_TYPE)
class Order:
    """One order. It waits for events, moves between stages, and runs each stage's rules."""

    @workflow.init
    def __init__(self, given: OrderInput) -> None:
        self._clock = TemporalClock(given)
        self.automation = Automation(self._clock, key=given.key, carry=given.carry)

    @workflow.run
    async def run(self, given: OrderInput) -> OrderState:
        """Carry the order's automation until its final stage has ended; return the state it ended in."""
        if given.carry is None and not self.automation.has_events:
            self.automation.take(creation(given.key))
        try:
            carry = await self.automation.serve()
        except (asyncio.CancelledError, ActivityError) as error:  # ActivityError: a decision was under way
            if not is_cancelled_exception(error):
                raise
            await self.automation.stop(operator_event("cancel", StopWaiting(by="temporal")))
            await workflow.wait_condition(workflow.all_handlers_finished)
            if not self.automation.is_held:  # a person resumed it while its sends drained
                workflow.continue_as_new(given.model_copy(update={"carry": None}))
            raise
        await workflow.wait_condition(workflow.all_handlers_finished)
        if carry is not None:
            carried = carry.model_copy(update={"in_turn": self._clock.is_in_turn})
            workflow.continue_as_new(given.model_copy(update={"carry": carried}))
        return self.automation.state

    locals().update(HANDLERS)
