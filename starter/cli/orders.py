"""`orders order`: list and show orders, read from the store. Its other commands stand in files of their own."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from starter.cli import commands, events, placing, why
from starter.cli.connections import known_settings, opened_store, run
from starter.cli.named import JSON, NUMBER, SHOP, key_of
from starter.cli.output import Exit, Failure, moment, note, say, say_json, say_record, say_table

if TYPE_CHECKING:
    from activities.store.history import RunRecord, TimelineRecord
    from activities.store.records import OrderRecord, Page

app = typer.Typer(no_args_is_help=True, help="Orders: create, look at, tell what happened, act on.")


class Kind(StrEnum):
    """What a stage means for the order's life."""

    OPEN = "open"
    SUCCESS = "success"
    FAILURE = "failure"


@app.command("list")
def list_orders(
    stage: Annotated[str, typer.Option(help="Only those in this stage.")] = "",
    kind: Annotated[Kind | None, typer.Option(help="Only those in stages of this kind.")] = None,
    attention: Annotated[bool, typer.Option("--attention", help="Only those that need a person.")] = False,
    find: Annotated[str, typer.Option(help="Beginning of a number or name, or a whole phone or mail address.")] = "",
    most: Annotated[int, typer.Option(help="Most orders shown.", min=1, max=200)] = 50,
    cursor: Annotated[str, typer.Option(help="Go on where a list ended.")] = "",
    shop: SHOP = "",
    json: JSON = False,
) -> None:
    """List orders, the newest first."""
    wanted: dict[str, object] = {
        "stage": stage or None,
        "stage_kind": kind,
        "attention": attention or None,
        "q": find or None,
    }
    page = run(_page(wanted, shop=shop, cursor=cursor, most=most))
    if json:
        say_json(page.model_dump(mode="json"))
        return
    say_table([_row(order) for order in page.items], headings=("NUMBER", "STAGE", "SINCE", "TOTAL", "FACTS", "NOTE"))
    if page.next_cursor:
        note(f"There are more: --cursor {page.next_cursor}")


@app.command()
def show(number: NUMBER, shop: SHOP = "", json: JSON = False) -> None:
    """Show an order: where it stands, what its rules do, what happened."""
    order, waiting, lines = run(_found(number, shop=shop))
    if json:
        say_record(order)
        return
    for name, value in _facts(order):
        say(f"{name:<14}{value}")
    if waiting:
        say("\nRules of this stage")
        say_table(
            [(r.rule, r.kind, r.status, moment(r.due) or moment(r.ended_at), r.words) for r in waiting],
            headings=("RULE", "KIND", "STATUS", "WHEN", "WHY"),
        )
    if lines:
        say("\nTimeline, the newest first")
        say_table([(moment(t.at), t.kind, t.author, t.text) for t in lines], headings=("AT", "WHAT", "BY", "TEXT"))


async def _page(wanted: dict[str, object], *, shop: str, cursor: str, most: int) -> "Page[OrderRecord]":
    from activities.store import orders
    from activities.store.records import OrderFilter

    settings = known_settings()
    filter = OrderFilter.model_validate(wanted | {"shop": shop or settings.shop})
    async with opened_store(settings) as store, store.read() as tx:
        try:
            return await orders.page(tx, filter=filter, cursor=cursor or None, limit=most)
        except ValueError as error:
            raise Failure(f"--cursor: {error}", help="leave it out to begin at the newest", code=Exit.USAGE) from error


async def _found(number: str, *, shop: str) -> "tuple[OrderRecord, list[RunRecord], list[TimelineRecord]]":
    from activities.store import orders, runs, timeline

    settings = known_settings()
    key = key_of(number, shop=shop, settings=settings)
    async with opened_store(settings) as store, store.read() as tx:
        order = await orders.get(tx, key)
        return order, await runs.runs_of(tx, key, visit=order.visit), (await timeline.page(tx, key, limit=20)).items


def _row(order: "OrderRecord") -> tuple[str, ...]:
    total = f"{order.total} {order.currency}"
    return (order.number, order.stage, moment(order.entered_at), total, _flags(order), order.attention)


def _flags(order: "OrderRecord") -> str:
    flags = {
        "paid": order.paid,
        "shipped": order.shipped,
        "delivered": order.delivered,
        "cancelled": order.cancelled,
        "held": order.held_at is not None,
    }
    return " ".join(name for name, is_so in flags.items() if is_so)


def _facts(order: "OrderRecord") -> list[tuple[str, str]]:
    stage = f"{order.stage} since {moment(order.entered_at)}, visit {order.visit}" if order.stage else "none yet"
    facts = [
        ("order", f"{order.number} (shop {order.shop})"),
        ("stage", stage),
        ("pipeline", f"{order.pipeline}@{order.version}"),
        ("total", f"{order.total} {order.currency}, paid {order.paid_amount}"),
        ("facts", _flags(order)),
        ("responsible", order.responsible or ""),
        ("customer", order.customer_id or ""),
        ("delivery", order.delivery_date.isoformat() if order.delivery_date else ""),
        ("tracking", order.tracking_number),
        ("attention", order.attention),
        ("created", moment(order.created_at)),
    ]
    return [(name, value) for name, value in facts if value]


app.command("create")(placing.create)
app.command("event")(events.event)
app.command("why")(why.why)
app.command("move")(commands.move)
app.command("hold")(commands.hold)
app.command("resume")(commands.resume)
app.command("run-now")(commands.run_now)
app.command("skip")(commands.skip)
app.command("repeat")(commands.repeat)
app.command("stop-waiting")(commands.stop_waiting)
