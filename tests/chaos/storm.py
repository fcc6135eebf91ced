"""One run of the crash test: everything is started, orders live, things die, and in the end all is compared."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from activities.runtime.faults import VARIABLE, Step
from activities.store.database import Store, StoreDown
from tests.chaos import auditing
from tests.chaos.auditing import Findings
from tests.chaos.databases import Database, database
from tests.chaos.parts import Part, free_port
from tests.chaos.pipeline import TEXT
from tests.chaos.provider import Behaviour, providing
from tests.chaos.shoppers import Shoppers
from tests.chaos.starting import WORKERS, parts_of, ready, stored
from tests.support.house import PATIENCE

#: By how much a step is deadlier than others: a relay signals many events at once, a decision is made for each.
_DEADLY = {Step.SIGNALLED: 5, Step.SENT: 2, Step.DECIDED: 0.5, Step.RECORDED: 0.5}


@dataclass(frozen=True)
class Weather:
    """How a run goes. `every` is the mean time between two blows, of which there are `most`; `chance` that of dying at
    each passed step. Blows slow a machine down, and a slow machine takes more of them: `most` bounds a run. One death
    of the database in five lasts for the `outage`.
    """

    orders: int = 40
    at_once: int = 20
    store: str = "sqlite"
    seed: int = 1
    every: float = 2.5
    most: int = 1_000_000
    outage: float = 0.0
    chance: float = 0.01
    pause: float = 1.0
    patience: float = 60.0
    without: str = ""
    blows: tuple[str, ...] = ("worker", "worker", "worker", "gateway", "gateway", "temporal", "database", "freeze")


@dataclass
class Outcome:
    """What a run found."""

    weather: Weather
    findings: Findings
    seconds: float
    blows: Counter[str]
    faults: Counter[str]
    answers: Counter[str]
    fates: Counter[str]
    left: dict[str, int] = field(default_factory=dict)


@dataclass
class Site:
    """All that runs."""

    weather: Weather
    folder: Path
    store: Store
    database: Database
    provider: Behaviour
    parts: dict[str, Part]
    shoppers: Shoppers
    address: str
    blows: Counter[str] = field(default_factory=Counter)


async def storm(weather: Weather, *, folder: Path) -> Outcome:
    """Run once."""
    begun = time.monotonic()
    async with _site(weather, folder=folder) as site:
        striking = asyncio.create_task(_strike(site))
        thawing = asyncio.create_task(_thaw(site))
        try:
            await site.shoppers.drive(weather.orders, at_once=weather.at_once)
        finally:
            striking.cancel()
            await asyncio.gather(striking, return_exceptions=True)
        for part in site.parts.values():
            part.go_on()
        left = await _calm(site)
        findings = await auditing.audit(site.store, taken=site.shoppers.taken, accepted=site.provider.log.of)
        await _executions(site, findings=findings)
        for refusal in site.shoppers.refusals:
            findings.add("refused for no reason", refusal)
        for failure in site.shoppers.failures:
            findings.add("failed on our side", failure)
        thawing.cancel()
        faults: Counter[str] = sum((part.faults() for part in site.parts.values()), Counter())
        return Outcome(
            weather=weather,
            findings=findings,
            seconds=time.monotonic() - begun,
            blows=site.blows,
            faults=faults,
            answers=site.shoppers.answers,
            fates=site.provider.seen,
            left=left,
        )


# --- what dies ------------------------------------------------------------------------------------------------------


async def _strike(site: Site) -> None:
    """Kill and freeze parts at random times, as the seed says, until cancelled."""
    chance = random.Random(f"{site.weather.seed}:blows")
    kinds = [blow for blow in site.weather.blows if blow != "database" or site.database.can_die]
    async with asyncio.TaskGroup() as group:
        while site.blows.total() < site.weather.most:
            await asyncio.sleep(chance.uniform(0.2, 2 * site.weather.every - 0.2))
            blow = chance.choice(kinds)
            site.blows[blow] += 1
            match blow:
                case "worker":
                    site.parts[chance.choice(WORKERS)].kill()
                case "gateway" | "temporal":
                    site.parts[blow].kill()
                case "database":
                    seconds = site.weather.outage if chance.random() < 0.2 else chance.uniform(0.0, 2.0)
                    await site.database.kill(seconds=seconds)
                case "freeze":
                    part = site.parts[chance.choice(WORKERS)]
                    group.create_task(part.stop(chance.uniform(3.0, 12.0)))


async def _thaw(site: Site) -> None:
    """Let those go on that stopped themselves at a step, after their lease."""
    async with asyncio.TaskGroup() as group:
        frozen: set[str] = set()

        async def thaw(part: Part) -> None:
            await part.thaw(12.0)
            frozen.discard(part.name)

        while True:
            await asyncio.sleep(0.5)
            for part in site.parts.values():
                if part.name not in frozen:
                    frozen.add(part.name)
                    group.create_task(thaw(part))


async def _calm(site: Site) -> dict[str, int]:
    """Wait until everything is settled, or nothing got settled for the run's patience; return what is left."""
    await site.database.revive()
    left: dict[str, int] = {"orders": site.weather.orders}
    changed_at = time.monotonic()
    while left and time.monotonic() - changed_at < site.weather.patience:
        await asyncio.sleep(0.5)
        try:
            now = await auditing.open_ends(site.store)
        except StoreDown:
            continue  # a connection from before the database's death
        if now != left:
            left, changed_at = now, time.monotonic()
    return left


async def _executions(site: Site, *, findings: Findings) -> None:
    """Look at Temporal: no workflow runs any more, none failed."""
    client = await Client.connect(site.address, data_converter=pydantic_data_converter)
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            while await _count(client, "Running"):  # noqa: ASYNC110  # its list of workflows lags behind
                await asyncio.sleep(0.5)
    for status in ("Running", "Failed", "Terminated", "TimedOut", "Canceled"):
        async for execution in client.list_workflows(f"ExecutionStatus = '{status}'"):
            findings.add(f"workflow {status.lower()}", f"{execution.id} ({await _waits_for(client, execution.id)})")
    findings.counts["workflows completed"] = await _count(client, "Completed")


async def _waits_for(client: Client, id: str) -> str:
    """Say which activities a workflow waits for, and how far they are."""
    pending = (await client.get_workflow_handle(id).describe()).raw_description.pending_activities
    waits = [f"{one.activity_id}, attempt {one.attempt}, due {one.scheduled_time.ToJsonString()}" for one in pending]
    return "; ".join(waits) or "no activity is pending"


async def _count(client: Client, status: str) -> int:
    return (await client.count_workflows(f"ExecutionStatus = '{status}'")).count


# --- what runs ------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _site(weather: Weather, *, folder: Path) -> AsyncIterator[Site]:
    async with AsyncExitStack() as stack:
        base = await stack.enter_async_context(database(weather.store, folder=folder))
        store, secret = await stored(base.url, text=TEXT)
        stack.push_async_callback(store.close)
        await auditing.install(store, is_postgres=weather.store == "postgres")
        url, provider = await stack.enter_async_context(providing(folder / "accepted.jsonl", seed=weather.seed))
        parts = _parts(weather, folder=folder, base=base, provider=url)
        for part in parts.values():
            part.start()
            stack.push_async_callback(part.end)
        address = parts["temporal"].environment["ADDRESS"]
        gateway = parts["gateway"].environment["URL"]
        await ready(gateway)
        shoppers = Shoppers(gateway, secret, seed=weather.seed, pause=weather.pause)
        yield Site(weather, folder, store, base, provider, parts, shoppers, address)


def _parts(weather: Weather, *, folder: Path, base: Database, provider: str) -> dict[str, Part]:
    port = free_port()
    settings = {
        "ORDERS_STORE_URL": base.url,
        "ORDERS_GATEWAY_PORT": str(port),
        "ORDERS_RATE_PER_MINUTE": "1000000",
        "ORDERS_LEASE_SECONDS": "5",
        "CHAOS_PROVIDER": provider,
        "CHAOS_WITHOUT": weather.without,
        "URL": f"http://127.0.0.1:{port}",
    }
    if weather.chance:
        settings[VARIABLE] = _faults(weather)
    return parts_of("tests.chaos.worker", folder=folder, settings=settings, of_workers={}, is_durable=True)


def _faults(weather: Weather) -> str:
    """Let every step be deadly, those that are passed seldom more often."""
    return " ".join(f"{step}={weather.chance * _DEADLY.get(step, 1):.5f}" for step in Step)
