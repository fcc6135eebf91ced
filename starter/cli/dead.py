"""`orders events`: those that Temporal refused until they were given up; listed, and delivered again."""

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
    from activities.store.records import Page

app = typer.Typer(no_args_is_help=True, help="Events that were given up.")


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
