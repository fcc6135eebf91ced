"""One exactly-once run: orders come in, vendors fail, workers die, a person settles the rest, and all is compared."""

import asyncio
import itertools
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import aiohttp
from temporalio.client import Client

from activities.runtime.faults import VARIABLE, Step
from activities.store import employees
from activities.store.database import Store
from tests.chaos.databases import database
from tests.chaos.parts import Part, free_port
from tests.chaos.starting import WORKERS, parts_of, ready, stored
from tests.chaos_sends import auditing
from tests.chaos_sends.auditing import Findings
from tests.chaos_sends.pipeline import EMPLOYEES, TEXT
from tests.chaos_sends.shoppers import Shoppers
from tests.chaos_sends.vendors import Vendors, vendors
from tests.chaos_sends.weather import Weather
from tests.support.discretion import found_in, found_in_histories, found_in_logs

#: Short times, so that a run is bounded: our patience < the vendors' LATE < our grace.
_TIMES = {
    "ORDERS_LEASE_SECONDS": "5",
    "ORDERS_TWILIO_TIMEOUT": "1.5",
    "ORDERS_TWILIO_GRACE": "5",
    "ORDERS_TWILIO_SILENCE": "2",
    "ORDERS_SENDGRID_TIMEOUT_SECONDS": "2",
    "ORDERS_SENDGRID_GRACE_SECONDS": "5",
    "ORDERS_SMTP_TIMEOUT_SECONDS": "1",
}

#: Between two of these steps something has left, or is recorded: random kills seldom hit them.
_STEPS = (Step.CLAIMED, Step.SENT, Step.ACCEPTED)

#: So many workers are killed for each gateway.
_WORKERS_FIRST = 2


@dataclass
class Outcome:
    """What a run found."""

    weather: Weather
    findings: Findings
    seconds: float
    kills: Counter[str]
    deaths: Counter[str]
    faults: Counter[str]
    spoken: Counter[str]
    indiscreet: list[str]

    @property
    def failed(self) -> float:
        """The share of requests that went wrong."""
        return 1 - self.faults["quick"] / max(1, self.faults.total())


@dataclass(frozen=True)
class Site:
    """All that runs."""

    store: Store
    vendors: Vendors
    parts: dict[str, Part]
    shoppers: Shoppers


async def storm(weather: Weather, *, folder: Path) -> Outcome:
    """Run once."""
    begun = time.monotonic()
    async with _site(weather, folder=folder) as site:
        struck = asyncio.Event()
        by_person: set[str] = set()
        async with asyncio.TaskGroup() as group:
            striking = group.create_task(_strike(site, weather=weather, struck=struck))
            deciding = group.create_task(_decide(site, settled=by_person))
            await site.shoppers.drive(weather.orders, at_once=weather.at_once)
            await struck.wait()
            striking.cancel()
            await _calm(site, weather=weather)
            deciding.cancel()
        findings = await auditing.audit(site.store, orders=weather.orders, log=site.vendors.log(), by_person=by_person)
        gateway = site.parts["gateway"]
        indiscreet = await _indiscreet(site, folder=folder)
        return Outcome(
            weather=weather,
            findings=findings,
            seconds=time.monotonic() - begun,
            kills=Counter({"worker": sum(site.parts[name].kills for name in WORKERS), "gateway": gateway.kills}),
            deaths=sum((site.parts[name].faults() for name in WORKERS), Counter()),
            faults=site.vendors.faults(),
            spoken=site.vendors.spoken(),
            indiscreet=indiscreet,
        )


async def _strike(site: Site, *, weather: Weather, struck: asyncio.Event) -> None:
    """Kill a worker now and then, and the gateway less often, as the seed says, until cancelled."""
    chance = random.Random(f"{weather.seed}:kills")
    for number in itertools.count(1):
        await asyncio.sleep(chance.uniform(0.5, 1.5) * weather.every)
        site.parts[chance.choice(WORKERS)].kill()
        if number % _WORKERS_FIRST == 0:
            await asyncio.sleep(chance.uniform(0.0, 0.5) * weather.every)
            site.parts["gateway"].kill()
        if number >= weather.least:
            struck.set()


async def _decide(site: Site, *, settled: set[str]) -> None:
    """Be the person who settles what is held: look into the vendor's log, skip what is there, repeat what is not."""
    for turn in itertools.count():
        await asyncio.sleep(1.0)
        waiting, messages = await auditing.held(site.store), await site.shoppers.held()
        accepted = site.vendors.log().accepted
        settled |= {run.send for run in waiting} | set(messages)
        await asyncio.gather(
            *(
                site.shoppers.command(
                    run.number, "skip" if accepted[run.send] else "repeat", rule=run.rule, id=f"{run.send}-{turn}"
                )
                for run in waiting
            ),
            *(
                site.shoppers.decide(send, "dismiss" if accepted[send] else "repeat", id=f"{send}-{turn}")
                for send in messages
            ),
        )


async def _calm(site: Site, *, weather: Weather) -> None:
    """Wait until nothing is open, or nothing changed for the run's patience, or the run found what it is for."""
    left, changed_at = -1, time.monotonic()
    while left and time.monotonic() - changed_at < weather.patience:
        await asyncio.sleep(0.5)
        if weather.until and (await _compared(site, weather=weather)).count(weather.until):
            return
        now = await auditing.open_ends(site.store)
        if now != left:
            left, changed_at = now, time.monotonic()


async def _compared(site: Site, *, weather: Weather, by_person: Collection[str] = ()) -> Findings:
    log = site.vendors.log()
    return await auditing.audit(site.store, orders=weather.orders, log=log, by_person=by_person)


async def _indiscreet(site: Site, *, folder: Path) -> list[str]:
    """Say what of the customers' data the histories, the logs of all processes and the gateway's figures hold."""
    client = await Client.connect(site.parts["temporal"].environment["ADDRESS"])
    found = [*await found_in_histories(client), *found_in_logs(folder)]
    async with aiohttp.ClientSession() as http, http.get(f"{site.shoppers.gateway}/metrics") as answer:
        return [*found, *(f"metrics: {one}" for one in found_in(await answer.text()))]


# --- what runs ------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _site(weather: Weather, *, folder: Path) -> AsyncIterator[Site]:
    async with AsyncExitStack() as stack:
        base = await stack.enter_async_context(database(weather.store, folder=folder))
        store, secret = await stored(base.url, text=TEXT)
        stack.push_async_callback(store.close)
        async with store.write() as tx:
            for _, employee in EMPLOYEES.values():
                await employees.put(tx, employee, now=datetime.now(UTC))
        await auditing.install(store, is_postgres=weather.store == "postgres")
        port = free_port()
        gateway = f"http://127.0.0.1:{port}"
        outside = await stack.enter_async_context(vendors(weather, public_url=gateway, folder=folder))
        settings = {
            **outside.settings,
            **_TIMES,
            "ORDERS_STORE_URL": base.url,
            "ORDERS_GATEWAY_PORT": str(port),
            "ORDERS_RATE_PER_MINUTE": "1000000",
            "ORDERS_DEFAULT_MAILBOX": "storm@shop.example",
        }
        parts = _parts(weather, folder=folder, settings=settings)
        for part in parts.values():
            part.start()
            stack.push_async_callback(part.end)
        await ready(gateway)
        shoppers = Shoppers(gateway, secret, outside, partial(auditing.ended, store), partial(auditing.chat_of, store))
        yield Site(store, outside, parts, shoppers)


def _parts(weather: Weather, *, folder: Path, settings: Mapping[str, str]) -> dict[str, Part]:
    of_workers = {"CHAOS_WITHOUT": str(weather.without)}
    if weather.chance:
        of_workers[VARIABLE] = " ".join(f"{step}={weather.chance:.5f}" for step in _STEPS)
    return parts_of(
        "tests.chaos_sends.worker", folder=folder, settings=settings, of_workers=of_workers, is_durable=False
    )
