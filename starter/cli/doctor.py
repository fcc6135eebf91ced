"""`orders doctor`: looks at everything the product needs, and says what is wrong and what to do."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from starter.cli.connections import known_settings, run, silence_temporal
from starter.cli.findings import Finding
from starter.cli.named import JSON
from starter.cli.output import Exit, Failure, listed, say, say_json

if TYPE_CHECKING:
    from temporalio.client import Client

    from activities.runtime.settings import Settings
    from activities.store.database import Store

_SECONDS = 10.0
_PACKAGES = ("order-automation", "temporalio", "pydantic", "sqlmodel", "fastapi", "holidays", "tzdata")


def doctor(json: JSON = False) -> None:
    """Look at versions, store, Temporal, pipelines and connected vendors; exit 4 where store or Temporal is down."""
    findings = run(_findings(known_settings()))
    if json:
        say_json([_as_json(finding) for finding in findings])
    else:
        for finding in findings:
            _say(finding)
    bad = [finding for finding in findings if not finding.is_good]
    if bad:
        code = Exit.UNREACHABLE if any(finding.is_reach for finding in bad) else Exit.FAILED
        raise Failure(f"Not in order: {listed(finding.what for finding in bad)}", code=code)


async def _findings(settings: "Settings") -> list[Finding]:
    from starter.cli.unread import of_unread
    from starter.cli.vendors import of_vendors

    near = [_versions(), _zones(), *of_unread(settings), *await _of_store(settings), *await _of_temporal(settings)]
    return [*near, *await of_vendors(settings)]


def _versions() -> Finding:
    from importlib.metadata import PackageNotFoundError, version

    known: list[str] = [f"Python {sys.version.split()[0]}"]
    for name in _PACKAGES:
        try:
            known.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return Finding("versions", True, listed(known))


def _zones() -> Finding:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo("Europe/Warsaw")
    except ZoneInfoNotFoundError:
        return Finding("time zones", False, "there is no time-zone data", help="install the Python package tzdata")
    return Finding("time zones", True, "time-zone data is there")


async def _of_store(settings: "Settings") -> list[Finding]:
    from activities.store.database import Store, StoreDown
    from starter.cli.senders import of_senders
    from starter.cli.site import of_site

    try:
        store = await Store.open(settings.store_url, pool=1)
    except ValueError as error:
        return [Finding("store", False, str(error), help="correct ORDERS_STORE_URL", is_reach=True)]
    try:
        await store.check()
        reached = Finding("store", True, f"reached, schema is current ({_place(settings)})")
        near = [reached, await _pipelines(store), await _held(store), *of_senders(settings, store=store)]
        return [*near, *await of_site(settings, store=store)]
    except StoreDown as error:
        help = "check ORDERS_STORE_URL; `orders db upgrade` makes or upgrades the tables"
        return [Finding("store", False, f"{error.reason} ({_place(settings)})", help=help, is_reach=True)]
    finally:
        await store.close()


async def _pipelines(store: "Store") -> Finding:
    from activities.store import pipelines

    async with store.read() as tx:
        names = await pipelines.names(tx)
    if not names:
        return Finding("pipelines", False, "none is published", help="orders pipeline publish FILE")
    return Finding("pipelines", True, listed(f"{name}@{version}" for name, version in names.items()))


async def _held(store: "Store") -> Finding:
    """Tell of messages whose outcome nobody can tell, of rules and outside of them: each waits for a person."""
    from activities.store import held

    async with store.read() as tx:
        counts = await held.counts(tx)
    if not counts.all:
        return Finding("held messages", True, "none")
    each = f"of rules {counts.sends}, notices {counts.notices}, answers {counts.answers}"
    words = f"{counts.all} may have left, and nobody can tell ({each})"
    help = "look at the provider's log, then: orders order list --attention (repeat or skip); orders messages held"
    return Finding("held messages", True, words, help=help, is_warning=True)


async def _of_temporal(settings: "Settings") -> list[Finding]:
    from activities.runtime.temporal import TemporalDown, connect

    silence_temporal()
    try:
        client = await connect(settings)
    except TemporalDown as error:
        help = "`orders up` starts one; TEMPORAL_ADDRESS names another"
        return [Finding("Temporal", False, str(error), help=help, is_reach=True)]
    at = f"{client.service_client.config.target_host}, namespace {client.namespace}"
    reached = Finding("Temporal", True, f"reached ({at})")
    looks: tuple[Callable[[Client], Awaitable[Finding]], ...] = (_attributes, _workers)
    return [reached, *[await _looked(look, client=client) for look in looks]]


async def _looked(look: "Callable[[Client], Awaitable[Finding]]", *, client: "Client") -> Finding:
    from temporalio.service import RPCError

    try:
        return await asyncio.wait_for(look(client), _SECONDS)
    except (RPCError, TimeoutError) as error:
        help = "check the namespace and the rights of this client"
        return Finding("Temporal", False, f"refused an answer: {error}", help=help, is_reach=True)


async def _attributes(client: "Client") -> Finding:
    from starter.cli.embedded.attributes import missing

    lacking = await missing(client)
    if not lacking:
        return Finding("search attributes", True, "all are registered")
    parts = " ".join(f"--name {name} --type {kind}" for name, kind in lacking.items())
    help = f"temporal operator search-attribute create {parts}"
    return Finding("search attributes", False, f"not registered: {listed(lacking)}", help=help)


async def _workers(client: "Client") -> Finding:
    from starter.cli.embedded.attributes import pollers

    found = await pollers(client)
    if not found:
        return Finding("worker", False, "none serves the task queue `orders`", help="start one with `orders worker`")
    return Finding("worker", True, f"{len(found)} serve the task queue `orders`")


def _place(settings: "Settings") -> str:
    """Return where the store is, without user and password."""
    return settings.store_url.split("://", 1)[0] + "://" + settings.store_url.split("://", 1)[1].rsplit("@", 1)[-1]


def _say(finding: Finding) -> None:
    sign = "!" if finding.is_warning else "✓" if finding.is_good else "✗"
    say(f"{sign} {finding.what:<18} {finding.words}")
    if finding.help and (finding.is_warning or not finding.is_good):
        say(f"  {'':<18} {finding.help}")


def _as_json(finding: Finding) -> dict[str, object]:
    return {
        "what": finding.what,
        "is_good": finding.is_good,
        "is_warning": finding.is_warning,
        "words": finding.words,
        "help": finding.help,
    }
