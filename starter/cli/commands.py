"""Operators' commands (M06): move, hold, resume, run-now, skip, repeat, stop-waiting; each an update of the order."""

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from starter.cli.connections import known_settings, opened_store, orders_client, run
from starter.cli.named import BY, JSON, NUMBER, RULE, SHOP, YES, key_of, user
from starter.cli.output import confirm, say, say_record

if TYPE_CHECKING:
    from starter.client import OrdersClient
    from workflows.contracts.commands import CommandResult
    from workflows.contracts.ids import OrderKey


class KeepOrShift(StrEnum):
    """What resuming does to the moments of waiting rules."""

    KEEP = "keep"
    SHIFT = "shift"


def move(
    number: NUMBER,
    stage: Annotated[str, typer.Argument(help="The stage it goes to.", metavar="STAGE")],
    by: BY = "",
    shop: SHOP = "",
    json: JSON = False,
) -> None:
    """Move an order to a stage by hand; the rules of the stage it leaves stop."""
    from workflows.contracts.commands import Move

    command = Move(stage=stage, by=user(by))
    _send(lambda client, key: client.move(key, command=command), number=number, shop=shop, is_json=json)


def hold(number: NUMBER, by: BY = "", shop: SHOP = "", json: JSON = False) -> None:
    """Hold an order's automation; what happens meanwhile is kept until it is resumed."""
    from workflows.contracts.commands import Hold

    command = Hold(by=user(by))
    _send(lambda client, key: client.hold(key, command=command), number=number, shop=shop, is_json=json)


def resume(
    number: NUMBER,
    deadlines: Annotated[
        KeepOrShift, typer.Option(help="Keep the moments of waiting rules, or shift them by the pause.")
    ] = KeepOrShift.KEEP,
    by: BY = "",
    shop: SHOP = "",
    json: JSON = False,
) -> None:
    """Resume an order's automation."""
    from workflows.contracts.commands import Deadlines, Resume

    command = Resume(deadlines=Deadlines(deadlines.value), by=user(by))
    _send(lambda client, key: client.resume(key, command=command), number=number, shop=shop, is_json=json)


def run_now(number: NUMBER, rule: RULE, by: BY = "", shop: SHOP = "", json: JSON = False) -> None:
    """Run a waiting rule now."""
    from workflows.contracts.commands import OneRule

    command = OneRule(rule=rule, by=user(by))
    _send(lambda client, key: client.run_now(key, command=command), number=number, shop=shop, is_json=json)


def skip(number: NUMBER, rule: RULE, by: BY = "", shop: SHOP = "", yes: YES = False, json: JSON = False) -> None:
    """Skip a waiting rule; what follows it goes on."""
    from workflows.contracts.commands import OneRule

    confirm(f"Skip rule {rule} of order {number}?", is_yes=yes)
    command = OneRule(rule=rule, by=user(by))
    _send(lambda client, key: client.skip(key, command=command), number=number, shop=shop, is_json=json)


def repeat(number: NUMBER, rule: RULE, by: BY = "", shop: SHOP = "", json: JSON = False) -> None:
    """Repeat a rule that failed or was not carried out."""
    from workflows.contracts.commands import OneRule

    command = OneRule(rule=rule, by=user(by))
    _send(lambda client, key: client.repeat(key, command=command), number=number, shop=shop, is_json=json)


def stop_waiting(number: NUMBER, by: BY = "", shop: SHOP = "", yes: YES = False, json: JSON = False) -> None:
    """Stop every rule of an order that still waits."""
    from workflows.contracts.commands import StopWaiting

    confirm(f"Stop every waiting rule of order {number}?", is_yes=yes)
    command = StopWaiting(by=user(by))
    _send(lambda client, key: client.stop_waiting(key, command=command), number=number, shop=shop, is_json=json)


_Update = Callable[["OrdersClient", "OrderKey"], "Awaitable[CommandResult]"]


def _send(update: _Update, *, number: str, shop: str, is_json: bool) -> None:
    result = run(_sent(update, number=number, shop=shop))
    if is_json:
        say_record(result)
        return
    state = result.state
    say(result.words or f"Order {number} is in {state.stage or 'no stage'}{', held' if state.held else ''}")


async def _sent(update: _Update, *, number: str, shop: str) -> "CommandResult":
    from activities.store import orders

    settings = known_settings()
    key = key_of(number, shop=shop, settings=settings)
    async with opened_store(settings) as store, store.read() as tx:
        await orders.get(tx, key)
    return await update(await orders_client(settings), key)
