"""What an order hears from outside: a signal per event type, an update per command; and the queries.

Signals and updates append to the inbox. All are made once per process: the workflow module, which the sandbox loads
anew for every order, only takes them over.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from pydantic import ValidationError
from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

from workflows.automation import Automation
from workflows.contracts import commands
from workflows.contracts.commands import CommandResult, TimelineEntry
from workflows.contracts.events import EVENT_TYPES, OPERATOR_PREFIX, Event, EventType
from workflows.contracts.ids import OrderKey
from workflows.contracts.inbox import event_of_signal
from workflows.contracts.plans import Plan
from workflows.contracts.reasons import EventReason
from workflows.contracts.state import OrderState

_COMMANDS: tuple[tuple[str, type[commands.Command], str], ...] = (
    ("move", commands.Move, 'Move the order to a stage. Example: {"stage": "paid", "by": "olga"}'),
    ("hold", commands.Hold, 'Hold the automation; events are kept until it resumes. Example: {"by": "olga"}'),
    ("resume", commands.Resume, 'Resume. Example: {"deadlines": "keep"} or {"deadlines": "shift"}'),
    ("stop_waiting", commands.StopWaiting, 'Stop all rules that wait. Example: {"by": "olga"}'),
    ("run_now", commands.OneRule, 'Run a waiting rule now. Example: {"rule": "remind-sms", "by": "olga"}'),
    ("skip", commands.OneRule, 'Skip a waiting rule. Example: {"rule": "remind-sms", "by": "olga"}'),
    ("repeat", commands.OneRule, 'Repeat a failed rule. Example: {"rule": "remind-sms", "by": "olga"}'),
)


class Automated(Protocol):
    """What a handler needs of the workflow."""

    automation: Automation


def _take_signal(automation: Automation, name: str, payload: Any) -> None:
    """Append a signal's event to the inbox; nonsense becomes a malformed event instead of an error."""
    automation.take(event_of_signal(name, payload, fallback_id=str(workflow.uuid4()), at=workflow.now()))


def creation(key: OrderKey) -> Event:
    """Return the event of the order's creation, for a workflow that was started without a signal."""
    return Event(id=f"{key}:created", type="order.created", source="orders")


def operator_event(name: str, command: commands.Command) -> Event:
    """Return the event that a command is to the order."""
    update = workflow.current_update_info()
    event_id = command.id or (update.id if update else str(workflow.uuid4()))
    data = command.model_dump(mode="json", exclude={"id"})
    return Event(id=event_id, type=OPERATOR_PREFIX + name, at=workflow.now(), source="operator", data=data)


def _signal(event_type: EventType) -> Callable[..., None]:
    """Make the handler of one event type's signal: it only appends to the inbox, whatever the payload."""

    def handler(self: Automated, event: Any = None) -> None:
        _take_signal(self.automation, event_type.name, event)

    handler.__name__ = _method(event_type)
    handler.__qualname__ = f"Order.{handler.__name__}"
    return workflow.signal(name=event_type.name, description=event_type.description)(handler)


def _method(event_type: EventType) -> str:
    return f"on_{event_type.name.replace('.', '_')}"


def _update(name: str, model: type[commands.Command], description: str) -> Callable[..., Any]:
    """Make the handler and the validator of one command's update. Nonsense is refused before it is in the history."""

    async def handler(self: Automated, command: Any = None) -> CommandResult:
        return await _carry_out(self.automation, name, _command(model, command))

    def check(self: Automated, command: Any = None) -> None:
        _check(self.automation, _command(model, command))

    handler.__name__ = check.__name__ = name
    handler.__qualname__ = check.__qualname__ = f"Order.{name}"
    update = workflow.update(name=name, description=description)(handler)
    update.validator(check)
    signature = inspect.signature(handler)
    for function in (handler, check):
        vars(function)["__signature__"] = signature  # the SDK compares them in every sandbox
    return update


async def _carry_out(automation: Automation, name: str, command: commands.Command) -> CommandResult:
    """Hand a command to the inbox and wait for what became of it."""
    decision = await automation.answer(operator_event(name, command))  # other events are handled before this one
    if decision.reason in (EventReason.REFUSED, EventReason.UNKNOWN_ORDER):
        raise _refusal(decision.words or "no such order")
    return CommandResult(reason=decision.reason, words=decision.words, state=decision.state)


def _check(automation: Automation, command: commands.Command) -> None:
    """Refuse a command that names a rule which the current visit does not have."""
    if not isinstance(command, commands.OneRule):
        return
    visit = automation.visit
    rules = list(visit.runs) if visit else []
    if rules and command.rule not in rules:
        raise _refusal(f"no rule '{command.rule}' in stage '{automation.state.stage}'. Its rules: {', '.join(rules)}")


def _command(model: type[commands.Command], given: Any) -> commands.Command:
    try:
        return model.model_validate(given if given is not None else {})
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in problem["loc"]) or "the argument"
        raise _refusal(f"{place}: {problem['msg']}") from None


def _refusal(words: str) -> ApplicationError:
    return ApplicationError(words, type="Refused", non_retryable=True)


class _Others:
    """The handlers that are one of a kind."""

    automation: Automation

    @workflow.signal(dynamic=True)
    def on_other(self, name: str, args: Sequence[RawValue]) -> None:
        """Take `webhook.CODE` events, and journal unknown names as unknown."""
        converter = workflow.payload_converter()
        try:
            payload = converter.from_payload(args[0].payload) if args else None
        except Exception:
            payload = "unreadable"  # becomes a malformed event, journalled with that reason
        _take_signal(self.automation, name, payload)

    @workflow.query(description="Where the order stands")
    def state(self) -> OrderState:
        return self.automation.state

    @workflow.query(description="The rules of the current visit and their moments")
    def plan(self) -> Plan | None:
        return self.automation.plan()

    @workflow.query(description="What happened last")
    def timeline(self) -> list[TimelineEntry]:
        return list(self.automation.timeline)


#: What the workflow class takes over: each handler by the method's name.
HANDLERS: Mapping[str, Any] = {
    **{_method(event_type): _signal(event_type) for event_type in EVENT_TYPES.values()},
    **{name: _update(name, model, description) for name, model, description in _COMMANDS},
    **{name: handler for name, handler in vars(_Others).items() if callable(handler)},
}
