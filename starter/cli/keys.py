"""`orders keys`: API keys of the HTTP API, made, listed and revoked. A secret is shown once and kept nowhere."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from starter.cli.connections import known_settings, opened_store, run
from starter.cli.output import Exit, Failure, confirm, listed, moment, note, say, say_json, say_table

if TYPE_CHECKING:
    from activities.store.keys import KeyRecord

app = typer.Typer(no_args_is_help=True, help="API keys of the HTTP API.")

_Json = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Who uses it, such as `webshop`.")],
    scope: Annotated[
        list[str] | None, typer.Option(help="What it may do; may be given several times.", metavar="SCOPE")
    ] = None,
    days: Annotated[int | None, typer.Option(help="It ends after so many days.", min=1, max=3650)] = None,
    json: _Json = False,
) -> None:
    """Make a key and show its secret, once. Without --scope it reads and writes orders and sends events."""
    scopes = _scopes(scope or ["orders:read", "orders:write", "events:write"])
    record, secret = run(_created(name, scopes=scopes, days=days))
    if json:
        say_json(_as_json(record) | {"secret": secret})
        return
    note(f"Key {record.id} for {record.name}: {listed(record.scopes)}. Keep the secret; it is not shown again:")
    say(secret)


@app.command("list")
def list_keys(json: _Json = False) -> None:
    """List the keys, the newest first."""
    records = run(_all())
    if json:
        say_json([_as_json(record) for record in records])
        return
    rows = [(r.id, r.name, listed(r.scopes), moment(r.created_at), moment(r.last_used_at), _state(r)) for r in records]
    say_table(rows, headings=("ID", "NAME", "SCOPES", "CREATED", "LAST USED", "STATE"))


@app.command()
def revoke(
    id: Annotated[str, typer.Argument(help="The key's id, from `orders keys list`.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Revoke a key; requests with it are refused from now on."""
    confirm(f"Revoke key {id}?", is_yes=yes)
    note(f"Key {id} is revoked" if run(_revoked(id)) else f"Key {id} was not valid any more")


def _scopes(given: list[str]) -> list[str]:
    from starter.gateway.access import Right

    known = [str(right) for right in Right]
    unknown = [scope for scope in given if scope not in known]
    if unknown:
        raise Failure(f"There is no scope '{unknown[0]}'", help=f"scopes: {listed(known)}", code=Exit.USAGE)
    return given


async def _created(name: str, *, scopes: list[str], days: int | None) -> tuple["KeyRecord", str]:
    from activities.store import keys

    now = datetime.now(UTC)
    ends = now + timedelta(days=days) if days else None
    async with opened_store(known_settings()) as store, store.write() as tx:
        return await keys.create(tx, name=name, scopes=scopes, now=now, expires_at=ends)


async def _all() -> list["KeyRecord"]:
    from activities.store import keys

    async with opened_store(known_settings()) as store, store.read() as tx:
        return await keys.all_keys(tx)


async def _revoked(id: str) -> bool:
    from activities.store import keys

    async with opened_store(known_settings()) as store, store.write() as tx:
        return await keys.revoke(tx, id=id, now=datetime.now(UTC))


def _state(record: "KeyRecord") -> str:
    if record.revoked_at:
        return "revoked"
    return "expired" if record.expires_at and record.expires_at <= datetime.now(UTC) else "valid"


def _as_json(record: "KeyRecord") -> dict[str, object]:
    return {
        "id": record.id,
        "name": record.name,
        "scopes": list(record.scopes),
        "created_at": _iso(record.created_at),
        "expires_at": _iso(record.expires_at),
        "last_used_at": _iso(record.last_used_at),
        "revoked_at": _iso(record.revoked_at),
        "state": _state(record),
    }


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
