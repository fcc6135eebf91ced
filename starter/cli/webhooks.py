"""`orders pipeline webhooks`: the addresses that fire webhook triggers: listed, made, exchanged, ended."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from starter.cli.connections import known_settings, opened_store, run
from starter.cli.named import JSON
from starter.cli.output import Exit, Failure, moment, note, say, say_json, say_table

if TYPE_CHECKING:
    from activities.store.hook_codes import HookCode


def webhooks(
    new: Annotated[str, typer.Option(help="Make a code for this webhook; its old ones end.", metavar="NAME")] = "",
    signed: Annotated[bool, typer.Option("--signed", help="With --new: calls must be signed, too.")] = False,
    overlap: Annotated[
        int, typer.Option(help="With --new: hours for which the codes before it go on to count.", min=0, max=8760)
    ] = 24,
    end: Annotated[str, typer.Option(help="End every code of this webhook now.", metavar="NAME")] = "",
    json: JSON = False,
) -> None:
    """List the webhook triggers of the published pipelines with their codes, or make a code.

    The address is shown once, when its code is made: only a hash of it is kept.
    """
    if new and end:
        raise Failure("--new and --end contradict each other", help="give one of them", code=Exit.USAGE)
    if new:
        _show_new(new, overlap=timedelta(hours=overlap), is_signed=signed, as_json=json)
    elif end:
        note(f"{run(_ended(end))} codes of '{end}' have ended")
    else:
        _show_all(as_json=json)


def _show_new(name: str, *, overlap: timedelta, is_signed: bool, as_json: bool) -> None:
    address, record = run(_created(name, overlap=overlap, is_signed=is_signed))
    if as_json:
        say_json({"trigger": name, "address": address, "secret": record.secret or None})
        return
    note("Keep the address; it is not shown again. Put the order's number behind ORDER_:")
    say(f"{address}?target=ORDER_")
    if record.secret:
        note("Calls are signed as Standard Webhooks with this secret:")
        say(record.secret)


def _show_all(*, as_json: bool) -> None:
    triggers, codes = run(_all())
    if as_json:
        say_json([_as_json(name, codes=codes) for name in triggers])
        return
    now = datetime.now(UTC)
    rows = []
    for name in triggers:
        own = [code for code in codes if code.trigger == name]
        for code in own:
            state = "ended" if code.expires_at and code.expires_at <= now else "valid"
            signed = "signed" if code.secret else ""
            rows.append(
                (name, moment(code.created_at), moment(code.expires_at), moment(code.last_used_at), state, signed)
            )
        if not own:
            rows.append((name, "", "", "", "no code: --new " + name, ""))
    say_table(rows, headings=("WEBHOOK", "MADE", "ENDS", "LAST USED", "STATE", ""))


def _as_json(name: str, *, codes: "list[HookCode]") -> dict[str, object]:
    own = [
        {
            "created_at": code.created_at.isoformat(),
            "expires_at": code.expires_at.isoformat() if code.expires_at else None,
            "last_used_at": code.last_used_at.isoformat() if code.last_used_at else None,
            "is_signed": bool(code.secret),
        }
        for code in codes
        if code.trigger == name
    ]
    return {"trigger": name, "codes": own}


async def _created(name: str, *, overlap: timedelta, is_signed: bool) -> "tuple[str, HookCode]":
    from activities.store import hook_codes

    settings = known_settings()
    triggers, _ = await _all()
    if name not in triggers:
        known = ", ".join(triggers) or "none"
        raise Failure(
            f"No published pipeline has the trigger `webhook: {name}`; there are: {known}",
            help="publish the pipeline first",
            code=Exit.USAGE,
        )
    async with opened_store(settings) as store, store.write() as tx:
        record, code = await hook_codes.create(
            tx, trigger=name, now=datetime.now(UTC), overlap=overlap, is_signed=is_signed
        )
    base = settings.public_url.rstrip("/") or f"http://{settings.gateway_host}:{settings.gateway_port}"
    return f"{base}/hooks/trigger/{code}", record


async def _ended(name: str) -> int:
    from activities.store import hook_codes

    async with opened_store(known_settings()) as store, store.write() as tx:
        return await hook_codes.end(tx, trigger=name, at=datetime.now(UTC))


async def _all() -> "tuple[list[str], list[HookCode]]":
    from activities.actions import KINDS
    from activities.shelf import Shelf
    from activities.store import hook_codes, pipelines
    from workflows.contracts.events import WEBHOOK_PREFIX

    shelf = Shelf(KINDS)
    found: set[str] = set()
    async with opened_store(known_settings()) as store, store.read() as tx:
        for name, version in (await pipelines.names(tx)).items():
            pipeline = await shelf.get(tx, name=name, version=version)
            events = (trigger.event_type for stage in pipeline.stages.values() for trigger in stage.triggers)
            found |= {event.removeprefix(WEBHOOK_PREFIX) for event in events if event.startswith(WEBHOOK_PREFIX)}
        return sorted(found), await hook_codes.all_codes(tx)
