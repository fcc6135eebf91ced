"""Operators' commands (M06): updates of the order's workflow, which journals each as an event. They need Temporal."""

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeAlias

from fastapi import APIRouter, Body, Depends, Request
from pydantic import ConfigDict

from activities.store import orders
from starter.gateway import examples
from starter.gateway.access import Right, needs
from starter.gateway.openapi import Answers, body, changes
from starter.gateway.parts import Gateway, Key, Parts
from starter.gateway.strict import StrictRoute
from workflows.contracts.commands import CommandResult, Hold, Move, OneRule, Resume, StopWaiting
from workflows.contracts.ids import OrderKey

router = APIRouter(
    prefix="/v1/orders/{number}/commands",
    tags=["commands"],
    route_class=StrictRoute,
    dependencies=[Depends(needs(Right.COMMANDS_WRITE))],
)

_ANSWERS: Answers = changes(examples.COMMAND_RESULT, refusals=(404, 409, 504))
_RULE = {"rule": "remind-sms", "by": "olga"}
_BY = {"by": "olga"}


_Command: TypeAlias = Move | Hold | Resume | StopWaiting | OneRule


class MoveBody(Move):
    """Move the order to a stage by hand. `by` is who does it, the key's name if not given."""

    model_config = ConfigDict(extra="forbid")


class HoldBody(Hold):
    """Hold the order's automation. `by` is who does it, the key's name if not given."""

    model_config = ConfigDict(extra="forbid")


class ResumeBody(Resume):
    """Resume the automation; `deadlines` are kept, or shifted by the pause."""

    model_config = ConfigDict(extra="forbid")


class StopWaitingBody(StopWaiting):
    """Stop every rule that still waits."""

    model_config = ConfigDict(extra="forbid")


class OneRuleBody(OneRule):
    """Name a rule of the current visit by its id."""

    model_config = ConfigDict(extra="forbid")


@router.post("/move", responses=_ANSWERS)
async def move(
    request: Request,
    gateway: Gateway,
    key: Key,
    command: Annotated[MoveBody, Body(openapi_examples=body({"stage": "paid", "by": "olga"}, summary="To a stage"))],
) -> CommandResult:
    """Move the order to a stage by hand, whatever its triggers say."""
    return await _carried_out(gateway.orders.move, command=command, key=key, request=request)


@router.post("/hold", responses=_ANSWERS)
async def hold(
    request: Request,
    gateway: Gateway,
    key: Key,
    command: Annotated[HoldBody, Body(openapi_examples=body(_BY, summary="Hold"))] = HoldBody(),
) -> CommandResult:
    """Hold the order's automation: nothing runs, events are kept."""
    return await _carried_out(gateway.orders.hold, command=command, key=key, request=request)


@router.post("/resume", responses=_ANSWERS)
async def resume(
    request: Request,
    gateway: Gateway,
    key: Key,
    command: Annotated[
        ResumeBody, Body(openapi_examples=body({"deadlines": "shift", **_BY}, summary="With later deadlines"))
    ] = ResumeBody(),
) -> CommandResult:
    """Resume the order's automation; the events that came meanwhile are taken in their order."""
    return await _carried_out(gateway.orders.resume, command=command, key=key, request=request)


@router.post("/stop-waiting", responses=_ANSWERS)
async def stop_waiting(
    request: Request,
    gateway: Gateway,
    key: Key,
    command: Annotated[StopWaitingBody, Body(openapi_examples=body(_BY, summary="Stop"))] = StopWaitingBody(),
) -> CommandResult:
    """Stop every rule of the order that still waits."""
    return await _carried_out(gateway.orders.stop_waiting, command=command, key=key, request=request)


@router.post("/run-now", responses=_ANSWERS)
async def run_now(
    request: Request,
    gateway: Gateway,
    key: Key,
    command: Annotated[OneRuleBody, Body(openapi_examples=body(_RULE, summary="Run now"))],
) -> CommandResult:
    """Run a waiting rule now."""
    return await _carried_out(gateway.orders.run_now, command=command, key=key, request=request)


@router.post("/skip", responses=_ANSWERS)
async def skip(
    request: Request,
    gateway: Gateway,
    key: Key,
    command: Annotated[OneRuleBody, Body(openapi_examples=body(_RULE, summary="Skip"))],
) -> CommandResult:
    """Skip a waiting rule; the rules after it go on."""
    return await _carried_out(gateway.orders.skip, command=command, key=key, request=request)


@router.post("/repeat", responses=_ANSWERS)
async def repeat(
    request: Request,
    gateway: Gateway,
    key: Key,
    command: Annotated[OneRuleBody, Body(openapi_examples=body(_RULE, summary="Repeat"))],
) -> CommandResult:
    """Repeat a rule that failed, was skipped or stopped."""
    return await _carried_out(gateway.orders.repeat, command=command, key=key, request=request)


async def _carried_out(
    update: Callable[..., Awaitable[CommandResult]], *, command: _Command, key: OrderKey, request: Request
) -> CommandResult:
    """Check that the order exists, complete the command by who gives it and its id, and send it."""
    parts: Parts = request.app.state.parts
    async with parts.store.read() as tx:
        await orders.get(tx, key)
    missing: dict[str, str] = {}
    if "by" not in command.model_fields_set:
        missing["by"] = request.state.key.name
    repeated = request.headers.get("idempotency-key", "").strip()[:200]
    if command.id is None and repeated:
        missing["id"] = repeated
    return await update(key, command=command.model_copy(update=missing))
