"""`make bench-gateway`: signed webhooks into the product's gateway, beside a bare route that inserts a row.

python -m tests.bench.gateway [--rounds 5] [--seconds 3] [--burst 400] [--stores sqlite postgres] [--with-temporal]
Prints a table with ratios; counts what was journalled and decided, and exits 1 if anything was lost.
"""

import argparse
import asyncio
import json
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from uuid import uuid4

import aiohttp
from sqlalchemy import text
from standardwebhooks.webhooks import Webhook
from temporalio.testing import WorkflowEnvironment

from activities.store import journal, orders
from activities.store.database import Store
from activities.store.journal import Arrival
from activities.store.records import NewOrder
from tests.bench import processes
from tests.bench.figures import OURS, Figures
from tests.bench.sides import OursSide, Side
from tests.support.postgres import postgres_server
from tests.support.temporal import FASTER, TEMPORAL
from workflows.attributes import KEYS
from workflows.contracts.ids import OrderKey

FLOOR = "floor"
SECRET = "whsec_" + "b" * 32
AT_ONCE = 16
ORDERS = 50

_DURABLE = ("fsync", "synchronous_commit", "full_page_writes")
_EVENTS = text("SELECT count(*) FROM events WHERE source = 'shop.shipments'")
_ROWS = text("SELECT count(*) FROM floor_rows")
_UNDECIDED = text("SELECT count(*) FROM deliveries WHERE decided_at IS NULL")
_MADE_DURABLE = "ALTER SYSTEM SET {name} = on"


class Served:
    """A process that answers HTTP: ours, or the floor."""

    def __init__(self, name: str, command: list[str], *, environment: dict[str, str], folder: Path) -> None:
        self.name = name
        self._command = command
        self._environment = os.environ | environment
        self._told = folder / f"{name}-{uuid4()}.log"
        self._process: asyncio.subprocess.Process | None = None
        self.url = ""

    async def launch(self) -> None:
        """Start it, and wait until it says where it listens."""
        with self._told.open("wb") as output:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, stdout=output, stderr=output, env=self._environment
            )
        begun = time.monotonic()
        while not self.url:
            assert time.monotonic() - begun < 60, self._told.read_text()
            await asyncio.sleep(0.02)
            said = self._told.read_text()
            self.url = "http://" + said.partition("http://")[2].split()[0].strip('",}') if "http://" in said else ""

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    def rest(self, is_resting: bool) -> None:
        """Let it rest while the other is measured, or wake it."""
        os.kill(self.pid, signal.SIGSTOP if is_resting else signal.SIGCONT)

    async def stop(self) -> None:
        """End it."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), 20)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()


Request = tuple[str, bytes, dict[str, str]]


class Requests:
    """Signed webhooks that move nothing, spread over some orders; each has an id of its own."""

    def __init__(self) -> None:
        self._numbers = count()
        self._signer = Webhook(SECRET)

    def ours(self) -> Request:
        """Make one for the product."""
        number = next(self._numbers)
        id, now = f"b-{number}", datetime.now(UTC)
        data = {"order": f"B{number % ORDERS}", "shipment": "1", "status": f"at place {number}"}
        body = json.dumps({"type": "shipment.updated", "data": data})
        headers = {
            "webhook-id": id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._signer.sign(msg_id=id, timestamp=now, data=body),
            "content-type": "application/json",
        }
        return "/hooks/shipments", body.encode(), headers

    def floor(self) -> Request:
        """Make one for the floor: the same body, and an id."""
        _, body, headers = self.ours()
        return "/rows", json.dumps({"id": headers["webhook-id"], **json.loads(body)}).encode(), headers


class Measured:
    """What one store's run gives: figures by side, what was answered, what was kept."""

    def __init__(self, stores: tuple[Store, Store], *, sides: dict[str, Served], figures: Figures, label: str) -> None:
        self.store, self.floor_store = stores
        self.sides = sides
        self.figures = figures
        self.label = label
        self.requests = Requests()
        self.answered = dict.fromkeys(sides, 0)
        self.refused = dict.fromkeys(sides, 0)

    async def round(self, name: str, *, seconds: float, burst: int, is_counted: bool) -> None:
        """Send for some seconds, a few at once; then many at once."""
        make = self.requests.ours if name == OURS else self.requests.floor
        made = [make() for _ in range(20_000 if seconds > 1 else 2_000)]
        connector = aiohttp.TCPConnector(limit=burst)
        async with aiohttp.ClientSession(self.sides[name].url, connector=connector) as session:
            waiting, taken, begun = iter(made), [], time.perf_counter()
            await asyncio.gather(
                *(self._send(session, waiting, taken, until=begun + seconds, name=name) for _ in range(AT_ONCE))
            )
            sustained = len(taken) / (time.perf_counter() - begun)
            rush = [iter([make()]) for _ in range(burst)]
            begun, many = time.perf_counter(), []
            await asyncio.gather(*(self._send(session, one, many, until=begun + 60, name=name) for one in rush))
            at_once = burst / (time.perf_counter() - begun)
        if is_counted:
            taken.sort()
            self._note("webhooks per second", sustained, name)
            self._note("p50 ms", 1000 * taken[len(taken) // 2], name)
            self._note("p99 ms", 1000 * taken[int(len(taken) * 0.99)], name)
            self._note(f"burst of {burst}, per second", at_once, name)

    async def _send(
        self, session: aiohttp.ClientSession, waiting: Iterator[Request], taken: list[float], *, until: float, name: str
    ) -> None:
        for path, body, headers in waiting:
            begun = time.perf_counter()
            if begun > until:
                return
            while not await self._taken(session, path, body, headers):
                self.refused[name] += 1
            taken.append(time.perf_counter() - begun)
            self.answered[name] += 1

    @staticmethod
    async def _taken(session: aiohttp.ClientSession, path: str, body: bytes, headers: dict[str, str]) -> bool:
        """Send a webhook; False where the store was busy for too long, and a vendor would repeat it."""
        async with session.post(path, data=body, headers=headers) as response:
            assert response.status in (204, 503), (response.status, await response.text())
            return response.status == 204

    async def kept(self) -> dict[str, int]:
        """Count what each side keeps."""
        async with self.store.read() as ours, self.floor_store.read() as floor:
            return {OURS: (await ours.run(_EVENTS)).scalar_one(), FLOOR: (await floor.run(_ROWS)).scalar_one()}

    async def undecided(self) -> int:
        """Count the deliveries that no workflow has decided yet."""
        async with self.store.read() as tx:
            return int((await tx.run(_UNDECIDED)).scalar_one())

    def memory(self, what: str) -> None:
        """Note the memory of the processes."""
        for name, side in self.sides.items():
            self._note(f"memory MB {what}", processes.memory(side.pid) / 1024, name)

    def _note(self, name: str, value: float, side: str) -> None:
        self.figures.add(f"{self.label}: {name}", value, side=side)


async def main() -> int:
    """Run all of it and print the table; 1 if anything was lost."""
    given = _arguments()
    figures, lost = Figures(), 0
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        for label in given.stores:
            folder = Path(place) / label
            folder.mkdir()
            urls = stack.enter_context(_durable_postgres()) if label == "postgres" else _sqlite(folder)
            product = _Product(folder, address=f"127.0.0.1:{_free_port()}", url=urls[0])
            lost += await _measure(product, floor_url=urls[1], label=label, figures=figures, given=given)
    print(figures.table([FLOOR, OURS]))
    print(f"\nLost: {lost}. One machine for the senders, the servers and the stores; only the ratios say something.")
    return 1 if lost else 0


async def _measure(
    product: "_Product", *, floor_url: str, label: str, figures: Figures, given: argparse.Namespace
) -> int:
    await product.open_store()
    await _place_orders(product.store)
    settings = {**product.environment(), "ORDERS_GATEWAY_PORT": "0", "ORDERS_HOOKS_SHIPMENTS": SECRET}
    modules = {FLOOR: ["tests.bench.gateway_floor", floor_url], OURS: ["starter.gateway"]}
    sides = {
        name: Served(name, [sys.executable, "-m", *module], environment=settings, folder=product.folder)
        for name, module in modules.items()
    }
    floor_store = await Store.open(floor_url)
    measured = Measured((product.store, floor_store), sides=sides, figures=figures, label=label)
    try:
        if given.with_temporal:
            await product.temporal()
        for side in sides.values():
            await side.launch()
        for number in range(given.rounds + 1):
            for name in (FLOOR, OURS) if number % 2 else (OURS, FLOOR):
                seconds = given.seconds if number else 0.5
                for other, side in sides.items():
                    side.rest(other != name)
                await measured.round(name, seconds=seconds, burst=given.burst, is_counted=number > 0)
            if number == 0:
                measured.memory("after the first round")
        measured.memory("after the last round")
        sides[OURS].rest(False)
        if not given.with_temporal:
            await product.temporal()
        lost = sum(measured.answered.values()) - sum((await measured.kept()).values())
        return lost + await _drained(product, measured)
    finally:
        for side in sides.values():
            side.rest(False)
            await side.stop()
        await floor_store.close()
        await product.close()


async def _drained(product: "_Product", measured: Measured) -> int:
    """Let a worker decide what came in meanwhile; give how many events it never decided."""
    backlog = await measured.undecided()
    begun = last = time.perf_counter()
    await product.launch()
    left = backlog
    while left and time.perf_counter() - last < 60:
        await asyncio.sleep(0.2)
        now_left = await measured.undecided()
        if now_left < left:
            left, last = now_left, time.perf_counter()
    measured.figures.add(f"{measured.label}: backlog of events", backlog, side=OURS)
    measured.figures.add(f"{measured.label}: decided per second", (backlog - left) / (last - begun or 1), side=OURS)
    measured.memory("after the backlog")
    return left


async def _place_orders(store: Store) -> None:
    now = datetime.now(UTC)
    for number in range(ORDERS):
        key = OrderKey(shop="shop", number=f"B{number}")
        async with store.write() as tx:
            await orders.create(tx, NewOrder.model_validate({"number": key.number, "total": "49.00"}), now=now)
            arrival = Arrival(source="orders", id=f"{key}:created", type="order.created", at=now, orders=(key,))
            await journal.append(tx, arrival, now=now)


class _Product(OursSide):
    """The product's worker, on any store; Temporal comes when it is told to."""

    def __init__(self, folder: Path, *, address: str, url: str) -> None:
        Side.__init__(self, folder)
        self.address = address
        self._url = url
        self._server: WorkflowEnvironment | None = None

    async def temporal(self) -> None:
        """Start a dev server of its own at the address."""
        self._server = await WorkflowEnvironment.start_local(
            port=int(self.address.rpartition(":")[2]),
            dev_server_existing_path=str(TEMPORAL),
            dev_server_extra_args=FASTER,
            dev_server_log_level="error",
            search_attributes=KEYS,
        )

    async def close(self) -> None:
        await super().close()
        if self._server is not None:
            await self._server.shutdown()

    @property
    def store_url(self) -> str:
        return self._url

    def environment(self) -> dict[str, str]:
        return {"TEMPORAL_ADDRESS": self.address, "ORDERS_STORE_URL": self._url}


def _sqlite(folder: Path) -> tuple[str, str]:
    return f"sqlite+aiosqlite:///{folder / 'orders.db'}", f"sqlite+aiosqlite:///{folder / 'floor.db'}"


@contextmanager
def _durable_postgres() -> Iterator[tuple[str, str]]:
    """Two databases of a PostgreSQL that keeps what it committed, whatever happens to the machine."""
    with postgres_server() as server:
        for name in _DURABLE:
            server._run(_MADE_DURABLE.format(name=name))
        server._run("SELECT pg_reload_conf()")
        yield server.url(), server.url(is_empty=True)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.bench.gateway", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="rounds, of which the medians are printed")
    parser.add_argument("--seconds", type=float, default=3, help="length of a round's sustained part")
    parser.add_argument("--burst", type=int, default=400, help="requests sent at once")
    parser.add_argument("--stores", nargs="+", choices=["sqlite", "postgres"], default=["sqlite", "postgres"])
    parser.add_argument("--with-temporal", action="store_true", help="deliver while webhooks come in, not afterwards")
    return parser.parse_args()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        sys.exit(asyncio.run(main()))
