"""`orders messages`: notices and employees' answers of which nobody can tell whether they left; a person decides."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from starter.cli.connections import known_settings, opened_store, run
from starter.cli.named import BY, JSON, user
from starter.cli.output import Exit, Failure, moment, note, say, say_json, say_record, say_table

if TYPE_CHECKING:
    from activities.store.database import Tx
    from activities.store.held import HeldRecord
    from activities.store.records import Page

app = typer.Typer(
    no_args_is_help=True, help="Notices to employees, and their answers into chats, whose outcome nobody can tell."
)

_Held = Annotated[UUID, typer.Argument(help="From `orders messages held`.", metavar="ID")]


@app.command()
def held(
    most: Annotated[int, typer.Option(help="Most messages shown.", min=1, max=200)] = 50,
    cursor: Annotated[str, typer.Option(help="Go on where a list ended.")] = "",
    json: JSON = False,
) -> None:
    """List messages that may have left, the longest held first. Those of rules: orders order list --attention."""
    page = run(_page(cursor, most=most))
    if json:
        say_json(page.model_dump(mode="json"))
        return
    rows = [
        (str(r.id), r.kind.value, r.way, r.to, r.number or "", r.provider, moment(r.claimed_at)) for r in page.items
    ]
    say_table(rows, headings=("ID", "WHAT", "WAY", "TO", "ORDER", "PROVIDER", "SENT"))
    if page.items:
        note("Look at the provider's log; then: orders messages repeat ID, or dismiss ID")
    if page.next_cursor:
        note(f"There are more: --cursor {page.next_cursor}")


@app.command()
def repeat(id: _Held, by: BY = "", json: JSON = False) -> None:
    """Send a held message again: you have looked, and it did not arrive."""
    from activities.store import held as store_held

    author = user(by)
    _done(
        lambda tx: store_held.repeat(tx, id=id, by=author, now=datetime.now(UTC)), words="is sent again", is_json=json
    )


@app.command()
def dismiss(id: _Held, by: BY = "", json: JSON = False) -> None:
    """Lay a held message aside: it arrived, or is of no use any more."""
    from activities.store import held as store_held

    author = user(by)
    _done(
        lambda tx: store_held.dismiss(tx, id=id, by=author, now=datetime.now(UTC)), words="is laid aside", is_json=json
    )


def _done(change: "Callable[[Tx], Awaitable[HeldRecord]]", *, words: str, is_json: bool) -> None:
    record = run(_changed(change))
    if is_json:
        say_record(record)
        return
    say(f"The {record.kind} to {record.to} {words} ({record.state})")


async def _changed(change: "Callable[[Tx], Awaitable[HeldRecord]]") -> "HeldRecord":
    async with opened_store(known_settings()) as store, store.write() as tx:
        return await change(tx)


async def _page(cursor: str, *, most: int) -> "Page[HeldRecord]":
    from activities.store import held as store_held

    async with opened_store(known_settings()) as store, store.read() as tx:
        try:
            return await store_held.page(tx, cursor=cursor or None, limit=most)
        except ValueError as error:
            raise Failure(
                f"--cursor: {error}", help="leave it out to begin at the longest held", code=Exit.USAGE
            ) from error
