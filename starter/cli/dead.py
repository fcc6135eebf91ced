"""`orders events`: those that Temporal refused until they were given up, and those that wait for a person."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from starter.cli.connections import known_settings, opened_store, run
from starter.cli.delivery import deliver
from starter.cli.named import JSON
from starter.cli.output import Exit, Failure, moment, note, say, say_json, say_table

if TYPE_CHECKING:
    from activities.store.history import DeadRecord
    from activities.store.journal import Delivery
    from activities.store.parked import ParkedRecord
    from activities.store.records import Page

#: Most characters of a raw event on a terminal; a mail may have megabytes.
_MOST_SHOWN = 4_000

app = typer.Typer(no_args_is_help=True, help="Events that were given up, and events that wait for a person.")


@app.command()
def dead(
    most: Annotated[int, typer.Option(help="Most events shown.", min=1, max=200)] = 50,
    cursor: Annotated[str, typer.Option(help="Go on where a list ended.")] = "",
    json: JSON = False,
) -> None:
    """List the deliveries of events that Temporal refused ten times, the oldest first, with what it said last."""
    page = run(_page(cursor, most=most))
    if json:
        say_json(page.model_dump(mode="json"))
        return
    rows = [(str(r.id), r.number, r.type, f"{r.source} {r.event}", moment(r.at), r.error) for r in page.items]
    say_table(rows, headings=("ID", "ORDER", "TYPE", "EVENT", "AT", "ERROR"))
    if page.next_cursor:
        note(f"There are more: --cursor {page.next_cursor}")


@app.command()
def replay(
    id: Annotated[
        int, typer.Argument(help="The delivery's id, from `orders events dead`.", metavar="ID", min=1, max=2**63 - 1)
    ],
    json: JSON = False,
) -> None:
    """Deliver an event again that was given up."""
    delivery, is_delivered = run(_replayed(id))
    number, event = delivery.key.number, delivery.event
    if json:
        say_json({"id": event.id, "source": event.source, "orders": [number], "delivered": is_delivered})
        return
    say(f"{event.type} is {'delivered' if is_delivered else 'to be delivered'} to {number} (event {event.id})")


@app.command()
def parked(
    most: Annotated[int, typer.Option(help="Most events shown.", min=1, max=200)] = 50,
    cursor: Annotated[str, typer.Option(help="Go on where a list ended.")] = "",
    json: JSON = False,
) -> None:
    """List the events that wait for a person: nobody was found for them, or they do not fit their order."""
    page = run(_parked(cursor, most=most))
    if json:
        say_json(page.model_dump(mode="json"))
        return
    rows = [(str(r.id), r.type, f"{r.source} {r.event}", moment(r.at), _explained(r)) for r in page.items]
    say_table(rows, headings=("ID", "TYPE", "EVENT", "AT", "PROBLEM"))
    if page.items:
        note("Look at one: orders events show ID; then: orders events give ID NUMBER, or dismiss ID")
    if page.next_cursor:
        note(f"There are more: --cursor {page.next_cursor}")


_Parked = Annotated[int, typer.Argument(help="From `orders events parked`.", metavar="ID", min=1, max=2**63 - 1)]


@app.command()
def show(id: _Parked, json: JSON = False) -> None:
    """Show an event that waits for a person with all that came: who it was, which order was named."""
    event, raw = run(_shown(id))
    text = raw.decode("utf-8", "replace")
    if json:
        say_json(event.model_dump(mode="json") | {"raw": text})
        return
    rows = [
        ("type", event.type),
        ("from", f"{event.source} {event.event}"),
        ("at", moment(event.at)),
        ("problem", _explained(event)),
        *((name, str(value)) for name, value in event.data.items()),
    ]
    for name, value in rows:
        say(f"{name:<13} {_printable(value)}")
    if text:
        note("What came, as it was sent:")
        say(_printable(text[:_MOST_SHOWN]))
    if len(text) > _MOST_SHOWN:
        note(f"It goes on for {len(text) - _MOST_SHOWN} characters: --json shows all")


@app.command()
def give(
    id: _Parked,
    number: Annotated[str, typer.Argument(help="The order's number.", metavar="NUMBER")],
    json: JSON = False,
) -> None:
    """Give an event that waits for a person to an order: it counts from now on."""
    event, is_delivered = run(_given(id, number=number))
    if json:
        say_json({"id": event.event, "source": event.source, "orders": [number], "delivered": is_delivered})
        return
    say(f"{event.type} is {'delivered' if is_delivered else 'to be delivered'} to {number} (event {event.event})")


@app.command()
def dismiss(id: _Parked, json: JSON = False) -> None:
    """Lay an event aside that waits for a person: it stays in the journal and does nothing."""
    event = run(_dismissed(id))
    if json:
        say_json(event.model_dump(mode="json"))
        return
    say(f"{event.type} is laid aside (event {event.event})")


def _explained(event: "ParkedRecord") -> str:
    from activities.store.journal import UNMATCHED

    return "nobody known to the shop, or nobody with an open order" if event.problem == UNMATCHED else event.problem


def _printable(text: str) -> str:
    """Leave out what would command the terminal: anybody may have written it."""
    return "".join(sign if sign.isprintable() or sign in "\n\t" else "\ufffd" for sign in text.replace("\r\n", "\n"))


async def _shown(id: int) -> "tuple[ParkedRecord, bytes]":
    from activities.store import parked

    async with opened_store(known_settings()) as store, store.read() as tx:
        return await parked.get(tx, id=id)


async def _parked(cursor: str, *, most: int) -> "Page[ParkedRecord]":
    from activities.store import parked

    async with opened_store(known_settings()) as store, store.read() as tx:
        try:
            return await parked.page(tx, now=datetime.now(UTC), cursor=cursor or None, limit=most)
        except ValueError as error:
            raise Failure(f"--cursor: {error}", help="leave it out to begin at the oldest", code=Exit.USAGE) from error


async def _given(id: int, *, number: str) -> "tuple[ParkedRecord, bool]":
    from activities.store import parked
    from workflows.contracts.ids import OrderKey

    settings = known_settings()
    key = OrderKey(shop=settings.shop, number=number)
    async with opened_store(settings) as store:
        async with store.write() as tx:
            event, _ = await parked.give(tx, id=id, key=key, now=datetime.now(UTC))
        return event, await deliver(settings, store=store, orders=(key,), source=event.source, id=event.event)


async def _dismissed(id: int) -> "ParkedRecord":
    from activities.store import parked

    async with opened_store(known_settings()) as store, store.write() as tx:
        return await parked.dismiss(tx, id=id)


async def _page(cursor: str, *, most: int) -> "Page[DeadRecord]":
    from activities.store import relay

    async with opened_store(known_settings()) as store, store.read() as tx:
        try:
            return await relay.dead(tx, cursor=cursor or None, limit=most)
        except ValueError as error:
            raise Failure(f"--cursor: {error}", help="leave it out to begin at the oldest", code=Exit.USAGE) from error


async def _replayed(id: int) -> "tuple[Delivery, bool]":
    from activities.store import relay

    settings = known_settings()
    async with opened_store(settings) as store:
        async with store.write() as tx:
            delivery = await relay.replay(tx, id=id, now=datetime.now(UTC))
        event = delivery.event
        return delivery, await deliver(settings, store=store, orders=(delivery.key,), source=event.source, id=event.id)
