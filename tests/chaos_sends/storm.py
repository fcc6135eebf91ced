"""One exactly-once run: orders come in, vendors fail, workers die, a person settles the rest, and all is compared."""

import asyncio
import itertools
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import aiohttp

from activities.actions import KINDS
from activities.runtime.faults import VARIABLE, Step
from activities.store import keys, pipelines
from activities.store.database import Store
from activities.store.schema import migrate
from starter.cli.embedded.attributes import flags
from tests.chaos.databases import database
from tests.chaos.parts import Part, free_port, own_environment
from tests.chaos_sends import auditing
from tests.chaos_sends.auditing import Findings
from tests.chaos_sends.pipeline import RULES, TEXT
from tests.chaos_sends.shoppers import Shoppers
from tests.chaos_sends.vendors import Vendors, vendors
from tests.support.temporal import FASTER, TEMPORAL
from workflows.pipeline.frozen import freeze
from workflows.pipeline.loader import load

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

WORKERS = ("worker-1", "worker-2")


@dataclass(frozen=True)
class Weather:
    """How a run goes. A worker is killed every `every` seconds on average, at least `least` times; `chance` is that of
    dying at a step around a send. With `asks_fail` Twilio cannot be asked now and then, which makes a run longer. It
    is given up when nothing changes for `patience` seconds.
    """

    sends: int = 60
    at_once: int = 12
    store: str = "sqlite"
    seed: int = 1
    every: float = 3.0
    least: int = 2
    chance: float = 0.004
    asks_fail: bool = False
    patience: float = 90.0
    is_naive: bool = False

    @property
    def orders(self) -> int:
        """How many orders make that many sends."""
        return -(-self.sends // len(RULES))


@dataclass
class Outcome:
    """What a run found."""

    weather: Weather
    findings: Findings
    seconds: float
    kills: int
    deaths: Counter[str]
    faults: Counter[str]
    spoken: Counter[str]

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
        findings = await auditing.audit(
            site.store, orders=weather.orders, accepted=site.vendors.accepted(), by_person=by_person
        )
        return Outcome(
            weather=weather,
            findings=findings,
            seconds=time.monotonic() - begun,
            kills=sum(site.parts[name].kills for name in WORKERS),
            deaths=sum((site.parts[name].faults() for name in WORKERS), Counter()),
            faults=site.vendors.faults(),
            spoken=site.vendors.spoken(),
        )


async def _strike(site: Site, *, weather: Weather, struck: asyncio.Event) -> None:
    """Kill a worker now and then, as the seed says, until cancelled."""
    chance = random.Random(f"{weather.seed}:kills")
    for number in range(1, 1_000_000):
        await asyncio.sleep(chance.uniform(0.5, 1.5) * weather.every)
        site.parts[chance.choice(WORKERS)].kill()
        if number >= weather.least:
            struck.set()


async def _decide(site: Site, *, settled: set[str]) -> None:
    """Be the person who settles what is held: look into the vendor's log, skip what is there, repeat what is not."""
    for turn in itertools.count():
        await asyncio.sleep(1.0)
        waiting = await auditing.held(site.store)
        accepted = site.vendors.accepted()
        settled |= {run.send for run in waiting}
        await asyncio.gather(
            *(
                site.shoppers.command(
                    run.number, "skip" if accepted[run.send] else "repeat", rule=run.rule, id=f"{run.send}-{turn}"
                )
                for run in waiting
            )
        )


async def _calm(site: Site, *, weather: Weather) -> None:
    """Wait until nothing is open, or nothing changed for the run's patience."""
    left, changed_at = -1, time.monotonic()
    while left and time.monotonic() - changed_at < weather.patience:
        await asyncio.sleep(0.5)
        now = await auditing.open_ends(site.store)
        if now != left:
            left, changed_at = now, time.monotonic()


# --- what runs ------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _site(weather: Weather, *, folder: Path) -> AsyncIterator[Site]:
    async with AsyncExitStack() as stack:
        base = await stack.enter_async_context(database(weather.store, folder=folder))
        store, secret = await _stored(base.url)
        stack.push_async_callback(store.close)
        port = free_port()
        gateway = f"http://127.0.0.1:{port}"
        outside = await stack.enter_async_context(
            vendors(seed=weather.seed, asks_fail=weather.asks_fail, public_url=gateway, folder=folder)
        )
        settings = {
            **outside.settings,
            **_TIMES,
            "ORDERS_STORE_URL": base.url,
            "ORDERS_GATEWAY_PORT": str(port),
            "ORDERS_RATE_PER_MINUTE": "1000000",
        }
        parts = _parts(weather, folder=folder, settings=settings)
        for part in parts.values():
            part.start()
            stack.push_async_callback(part.end)
        await _ready(gateway)
        shoppers = Shoppers(gateway, secret, outside, partial(auditing.ended, store))
        yield Site(store, outside, parts, shoppers)


async def _stored(url: str) -> tuple[Store, str]:
    """Make the store: schema, pipeline, key, auditor."""
    await migrate(url)
    store = await Store.open(url)
    now = datetime.now(UTC)
    loaded = load(TEXT, file="storm.yaml", kinds=KINDS)
    assert loaded.pipeline is not None, loaded.problems
    frozen = freeze(TEXT, loaded.pipeline, years=range(now.year, now.year + 2))
    async with store.write() as tx:
        await pipelines.publish(
            tx,
            name="shop",
            text=TEXT,
            frozen_json=frozen.model_dump_json(),
            reopens=loaded.pipeline.reopens,
            fields=dict(loaded.pipeline.fields),
            author="storm",
            now=now,
        )
        _, secret = await keys.create(tx, name="storm", scopes=["admin"], now=now)
    await auditing.install(store)
    return store, secret


def _parts(weather: Weather, *, folder: Path, settings: dict[str, str]) -> dict[str, Part]:
    temporal = free_port()
    ours = own_environment(**settings, TEMPORAL_ADDRESS=f"127.0.0.1:{temporal}")
    workers = {**ours, "CHAOS_NAIVE": "1" if weather.is_naive else ""}
    if weather.chance:
        workers[VARIABLE] = " ".join(f"{step}={weather.chance:.5f}" for step in _STEPS)
    dev_server = [
        *(str(TEMPORAL), "server", "start-dev", "--ip", "127.0.0.1", "--port", str(temporal), "--headless"),
        *("--log-level", "error", *flags(), *FASTER),
    ]
    commands = {
        "temporal": (dev_server, own_environment()),
        "gateway": ([sys.executable, "-m", "starter.gateway"], ours),
        **{name: ([sys.executable, "-m", "tests.chaos_sends.worker"], workers) for name in WORKERS},
    }
    return {
        name: Part(name, command, environment, folder / f"{name}.log")
        for name, (command, environment) in commands.items()
    }


async def _ready(gateway: str) -> None:
    """Wait until the gateway reaches store and Temporal; the workers come meanwhile."""
    async with asyncio.timeout(60), aiohttp.ClientSession() as http:
        while True:
            try:
                async with http.get(f"{gateway}/readyz") as answer:
                    if answer.status == 200 and (await answer.json())["temporal"] == "up":
                        return
            except (aiohttp.ClientError, OSError):
                pass
            await asyncio.sleep(0.2)
