"""The workflow `Order`: signals and commands go to the inbox, `automation` does the rest on Temporal's clock."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RawValue, RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, RetryState, TimeoutError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from pydantic import ValidationError

    from workflows import attributes, details
    from workflows.automation import Automation
    from workflows.contracts import commands
    from workflows.contracts.carry import OrderInput
    from workflows.contracts.commands import CommandResult, TimelineEntry
    from workflows.contracts.decisions import DecideRequest, Decision
    from workflows.contracts.events import EVENT_TYPES, OPERATOR_PREFIX, Event, EventType
    from workflows.contracts.ids import WORKFLOW_TYPE, activity_id
    from workflows.contracts.inbox import event_of_signal
    from workflows.contracts.plans import Plan, PlannedRun
    from workflows.contracts.reasons import EventReason, RunReason, RunStatus
    from workflows.contracts.runs import RunItem, RunOutcome, RunsOutcome, RunsRequest
    from workflows.contracts.state import OrderState

#: Our own records are always there again at some time: decisions and record-only rules are tried for ever.
_RECORDS = RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=10))

#: Whatever leaves the house is tried with growing pauses until the rule's `expires`.
# Waiting for an answer counts as an attempt, too: a worker that dies after many must not cost long pauses.
_SENDS = RetryPolicy(initial_interval=timedelta(seconds=2), maximum_interval=timedelta(minutes=2))


def _signal(event_type: EventType) -> Callable[..., None]:
    """Make the handler of one event type's signal: it only appends to the inbox, whatever the payload."""

    def handler(self: Any, event: Any = None) -> None:
        self.take_signal(event_type.name, event)

    handler.__name__ = f"on_{event_type.name.replace('.', '_')}"
    handler.__qualname__ = f"Order.{handler.__name__}"
    return workflow.signal(name=event_type.name, description=event_type.description)(handler)


_COMMANDS: tuple[tuple[str, type[commands.Command], str], ...] = (
    ("move", commands.Move, 'Move the order to a stage. Example: {"stage": "paid", "by": "olga"}'),
    ("hold", commands.Hold, 'Hold the automation; events are kept until it resumes. Example: {"by": "olga"}'),
    ("resume", commands.Resume, 'Resume. Example: {"deadlines": "keep"} or {"deadlines": "shift"}'),
    ("stop_waiting", commands.StopWaiting, 'Stop all rules that wait. Example: {"by": "olga"}'),
    ("run_now", commands.OneRule, 'Run a waiting rule now. Example: {"rule": "remind-sms", "by": "olga"}'),
    ("skip", commands.OneRule, 'Skip a waiting rule. Example: {"rule": "remind-sms", "by": "olga"}'),
    ("repeat", commands.OneRule, 'Repeat a failed rule. Example: {"rule": "remind-sms", "by": "olga"}'),
)


def _update(name: str, model: type[commands.Command], description: str) -> Callable[..., Any]:
    """Make the handler and the validator of one command's update. Nonsense is refused before it is in the history."""

    async def handler(self: Any, command: Any = None) -> CommandResult:
        result: CommandResult = await self.carry_out_command(name, _command(model, command))
        return result

    def check(self: Any, command: Any = None) -> None:
        self.check_command(_command(model, command))

    handler.__name__ = check.__name__ = name
    handler.__qualname__ = check.__qualname__ = f"Order.{name}"
    update = workflow.update(name=name, description=description)(handler)
    update.validator(check)
    return update


def _command(model: type[commands.Command], given: Any) -> commands.Command:
    try:
        return model.model_validate(given if given is not None else {})
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in problem["loc"]) or "the argument"
        raise _refusal(f"{place}: {problem['msg']}") from None


def _refusal(words: str) -> ApplicationError:
    return ApplicationError(words, type="Refused", non_retryable=True)


@workflow.defn(name=WORKFLOW_TYPE)
class Order:
    """One order. It waits for events, moves between stages, and runs each stage's rules."""

    @workflow.init
    def __init__(self, given: OrderInput) -> None:
        self._given = given
        self._clock = _TemporalClock(given)
        self._automation = Automation(self._clock, key=given.key, carry=given.carry)

    @workflow.run
    async def run(self, given: OrderInput) -> OrderState:
        """Carry the order's automation until its final stage has ended; return the state it ended in."""
        if given.carry is None and not self._automation.has_events:
            self._automation.take(_creation(given))
        try:
            carry = await self._automation.serve()
        except (asyncio.CancelledError, ActivityError) as error:  # ActivityError: a decision was under way
            if not is_cancelled_exception(error):
                raise
            await self._automation.stop(self._operator_event("cancel", commands.StopWaiting(by="temporal")))
            await workflow.wait_condition(workflow.all_handlers_finished)
            if not self._automation.is_held:  # a person resumed it while its sends drained
                workflow.continue_as_new(given.model_copy(update={"carry": None}))
            raise
        await workflow.wait_condition(workflow.all_handlers_finished)
        if carry is not None:
            carried = carry.model_copy(update={"in_turn": self._clock.is_in_turn})
            workflow.continue_as_new(given.model_copy(update={"carry": carried}))
        return self._automation.state

    # --- signals: one per event type, and a dynamic one for webhook codes and unknown names --------------------------

    for _event_type in EVENT_TYPES.values():
        locals()[f"on_{_event_type.name.replace('.', '_')}"] = _signal(_event_type)
    del _event_type

    @workflow.signal(dynamic=True)
    def on_other(self, name: str, args: Sequence[RawValue]) -> None:
        """Take `webhook.CODE` events, and journal unknown names as unknown."""
        converter = workflow.payload_converter()
        try:
            payload = converter.from_payload(args[0].payload) if args else None
        except Exception:
            payload = "unreadable"  # becomes a malformed event, journalled with that reason
        self.take_signal(name, payload)

    def take_signal(self, name: str, payload: Any) -> None:
        """Append a signal's event to the inbox; nonsense becomes a malformed event instead of an error."""
        self._automation.take(event_of_signal(name, payload, fallback_id=str(workflow.uuid4()), at=workflow.now()))

    # --- commands: one update each ------------------------------------------------------------------------------------

    for _name, _model, _description in _COMMANDS:
        locals()[_name] = _update(_name, _model, _description)
    del _name, _model, _description

    def check_command(self, command: commands.Command) -> None:
        """Refuse a command that names a rule which the current visit does not have."""
        if not isinstance(command, commands.OneRule):
            return
        visit = self._automation.visit
        rules = list(visit.runs) if visit else []
        if rules and command.rule not in rules:
            stage = self._automation.state.stage
            raise _refusal(f"no rule '{command.rule}' in stage '{stage}'. Its rules: {', '.join(rules)}")

    async def carry_out_command(self, name: str, command: commands.Command) -> CommandResult:
        """Hand a command to the inbox and wait for what became of it."""
        event = self._operator_event(name, command)
        decision = await self._automation.answer(event)  # other events are handled before this one
        if decision.reason in (EventReason.REFUSED, EventReason.UNKNOWN_ORDER):
            raise _refusal(decision.words or "no such order")
        return CommandResult(reason=decision.reason, words=decision.words, state=decision.state)

    def _operator_event(self, name: str, command: commands.Command) -> Event:
        update = workflow.current_update_info()
        event_id = command.id or (update.id if update else str(workflow.uuid4()))
        data = command.model_dump(mode="json", exclude={"id"})
        return Event(id=event_id, type=OPERATOR_PREFIX + name, at=workflow.now(), source="operator", data=data)

    # --- queries ------------------------------------------------------------------------------------------------------

    @workflow.query(description="Where the order stands")
    def state(self) -> OrderState:
        """Return the order's state."""
        return self._automation.state

    @workflow.query(description="The rules of the current visit and their moments")
    def plan(self) -> Plan | None:
        """Return the current visit's runs as they stand."""
        return self._automation.plan()

    @workflow.query(description="What happened last")
    def timeline(self) -> list[TimelineEntry]:
        """Return the last things that happened."""
        return list(self._automation.timeline)


class _TemporalClock:
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


def _creation(given: OrderInput) -> Event:
    """Return the event of the order's creation, for a workflow that was started without a signal."""
    return Event(id=f"{given.key}:created", type="order.created", source="orders")
