"""The visit engine's clock under Temporal: timers, the decision, rules as activities, and what people see."""

import asyncio
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, RetryState, TimeoutError, is_cancelled_exception

from workflows import attributes, details
from workflows.automation import Automation
from workflows.contracts.carry import OrderInput
from workflows.contracts.decisions import DecideRequest, Decision
from workflows.contracts.ids import activity_id
from workflows.contracts.plans import PlannedRun
from workflows.contracts.reasons import RunReason, RunStatus
from workflows.contracts.runs import RunItem, RunOutcome, RunsOutcome, RunsRequest

#: Our own records are always there again at some time: decisions and record-only rules are tried for ever.
_RECORDS = RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=10))

#: Whatever leaves the house is tried with growing pauses until the rule's `expires`.
# Waiting for an answer counts as an attempt, too: a worker that dies after many must not cost long pauses.
_SENDS = RetryPolicy(initial_interval=timedelta(seconds=2), maximum_interval=timedelta(minutes=2))


class TemporalClock:
    """The visit engine's clock under Temporal.

    Local activities of an order go one after the other (`is_in_turn`). Where two are under way for longer than a
    workflow task lasts, a replay may resolve them in another order than the first execution did, which fails it. It
    costs nothing: each of them locks the order in the store.
    """

    def __init__(self, given: OrderInput) -> None:
        self.is_in_turn = given.carry is not None and given.carry.in_turn
        self._turn = asyncio.Lock()
        self._longest_history = given.longest_history
        self._shown = attributes.at_start(workflow.info().typed_search_attributes)

    def now(self) -> datetime:
        return workflow.now()

    async def sleep_until(self, moment: datetime, *, words: str) -> None:
        await workflow.sleep(moment - workflow.now(), summary=words[:150])

    async def decide(self, request: DecideRequest) -> Decision:
        async with self._in_turn():
            decision: Decision = await workflow.execute_local_activity(
                "decide",
                request,
                result_type=Decision,
                start_to_close_timeout=timedelta(seconds=20),
                retry_policy=_RECORDS,
            )
        self.is_in_turn = decision.at is not None  # what an older version decided says no moment
        return decision

    def _in_turn(self) -> AbstractAsyncContextManager[object]:
        return self._turn if self.is_in_turn else nullcontext()

    async def record(self, request: RunsRequest) -> RunsOutcome:
        only = request.items[0] if len(request.items) == 1 else None
        async with self._in_turn():
            answer: RunsOutcome = await workflow.execute_local_activity(
                only.kind if only and only.verdict is None else "rules",
                request,
                result_type=RunsOutcome,
                start_to_close_timeout=timedelta(seconds=20),
                retry_policy=_RECORDS,
                summary=", ".join(item.rule for item in request.items)[:150],
            )
        return answer

    async def send(self, request: RunsRequest, *, run: PlannedRun) -> RunOutcome:
        expires: timedelta | None = timedelta(seconds=run.expires)
        while True:
            try:
                outcome: RunsOutcome = await workflow.execute_activity(
                    run.kind,
                    request,
                    result_type=RunsOutcome,
                    task_queue=run.queue or workflow.info().task_queue,
                    activity_id=activity_id(request.visit, run.rule),
                    start_to_close_timeout=timedelta(seconds=run.seconds),
                    schedule_to_close_timeout=expires,
                    retry_policy=_SENDS,
                    cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
                    summary=run.title or run.kind,
                )
                return outcome.outcomes[0]
            except ActivityError as error:
                told = _outcome_of(error)
                if told is not None:
                    return told
                request = request.model_copy(update={"items": [_verdict(error, run=run)]})
            told = await self._conclude(request)
            if told.status is not RunStatus.RUNNING:
                return told
            # A claimed message is not settled yet: the same activity finds out what became of it, and sends nothing.
            expires = None

    async def _conclude(self, request: RunsRequest) -> RunOutcome:
        """Record the end of a rule whose activity could not do so itself."""
        while True:
            try:
                answer = await self.record(request.model_copy(update={"now": workflow.now()}))
                return answer.outcomes[0]
            except (asyncio.CancelledError, ActivityError) as error:
                # The stage is left this very moment, which cancels once: the end is to be recorded all the same.
                if not is_cancelled_exception(error):
                    raise

    def knows(self, change: str) -> bool:
        return workflow.patched(change)

    def should_renew(self) -> bool:
        info = workflow.info()
        return info.get_current_history_length() > self._longest_history or info.is_continue_as_new_suggested()

    def publish(self, automation: Automation) -> None:
        values = attributes.values(automation.state, next_at=automation.next_at())
        changed = attributes.updates(self._shown, values)
        if changed:
            workflow.upsert_search_attributes(changed)
            self._shown = values
        workflow.set_current_details(details.page(automation))


def _verdict(error: ActivityError, *, run: PlannedRun) -> RunItem:
    """Return what is to be recorded of a rule whose activity ended without an outcome."""
    # A failure that comes after the cancel is not tried again, and does not look like a cancel.
    if is_cancelled_exception(error) or error.retry_state is RetryState.CANCEL_REQUESTED:
        return RunItem(rule=run.rule, kind=run.kind, verdict=RunStatus.STOPPED, reason=RunReason.STAGE_LEFT)
    is_late = isinstance(error.cause, TimeoutError) or error.retry_state is RetryState.TIMEOUT
    return RunItem(
        rule=run.rule,
        kind=run.kind,
        verdict=RunStatus.FAILED,
        reason=RunReason.EXPIRED if is_late else RunReason.INTERNAL,
        words="it could not be done in time" if is_late else "it failed on our side; the worker's log says why",
    )


def _outcome_of(error: ActivityError) -> RunOutcome | None:
    """Return the outcome that a permanently failed rule sent along with its error."""
    cause = error.cause
    if not isinstance(cause, ApplicationError) or not cause.details:
        return None
    return RunOutcome.model_validate(cause.details[0])
