"""`make bench`: the product against the floor, alternating in one run; prints medians and ratios, asserts nothing.

python -m tests.bench.run [--orders 60] [--rounds 3] [--parked 1000] [--restart 2000]
"""

import argparse
import asyncio
import os
import statistics
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from temporalio.testing import WorkflowEnvironment

from tests.bench.sides import RULES, FloorSide, OursSide, Side
from tests.support.temporal import FASTER, TEMPORAL
from workflows.attributes import KEYS

STAGES = 4
AT_ONCE = 20
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Figures:
    """What one side did, a value per round."""

    values: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, value: float) -> None:
        self.values.setdefault(name, []).append(value)

    def median(self, name: str) -> float:
        return statistics.median(self.values[name])


async def life(side: Side, number: str) -> None:
    """One order's whole life: the next event comes when the stage's rules have done their work."""
    await side.start(number)
    for stage in range(STAGES):
        if stage:
            await side.go(number, stage=stage)
        await side.until(number, effects=RULES * (stage + 1))
    await side.handle(number).result()


class Bench:
    """Both sides on one Temporal server, in turn."""

    def __init__(self, sides: list[Side], *, server: int) -> None:
        self.sides = sides
        self.figures = {side.name: Figures() for side in sides}
        self._server = server
        self._numbers = 0

    def numbers(self, count: int) -> list[str]:
        self._numbers += count
        return [f"{self._numbers - n:06d}" for n in range(count)]

    async def throughput(self, *, orders: int, rounds: int) -> None:
        """Whole lives, some at once: orders per second, CPU per order of worker and server."""
        for _ in range(rounds):
            for side in self.sides:
                gate = asyncio.Semaphore(AT_ONCE)

                async def one(number: str, side: Side = side, gate: asyncio.Semaphore = gate) -> None:
                    async with gate:
                        await life(side, number)

                worker, server, begun = self._cpu(side), _cpu(self._server), asyncio.get_running_loop().time()
                await asyncio.gather(*(one(number) for number in self.numbers(orders)))
                elapsed = asyncio.get_running_loop().time() - begun
                figures = self.figures[side.name]
                figures.add("orders per second", orders / elapsed)
                figures.add("worker CPU ms per order", 1000 * (self._cpu(side) - worker) / orders)
                figures.add("server CPU ms per order", 1000 * (_cpu(self._server) - server) / orders)

    async def history(self) -> None:
        """Counts, which do not move: events and workflow tasks of one order."""
        for side in self.sides:
            [number] = self.numbers(1)
            await life(side, number)
            events = (await side.handle(number).fetch_history()).events
            figures = self.figures[side.name]
            figures.add("history events per order", len(events))
            tasks = [event for event in events if event.HasField("workflow_task_completed_event_attributes")]
            figures.add("workflow tasks per order", len(tasks))

    async def latency(self, *, orders: int, rounds: int) -> None:
        """One order at a time: from the signal to the stage's first effect."""
        for _ in range(rounds):
            for side in self.sides:
                taken: list[float] = []
                for number in self.numbers(orders):
                    await side.start(number)
                    await side.until(number, effects=RULES)
                    begun = asyncio.get_running_loop().time()
                    await side.go(number, stage=1)
                    await side.until(number, effects=RULES + 1)
                    taken.append(1000 * (asyncio.get_running_loop().time() - begun))
                figures = self.figures[side.name]
                figures.add("first effect p50 ms", statistics.median(taken))
                figures.add("first effect p99 ms", sorted(taken)[int(len(taken) * 0.99) - 1])

    async def parked(self, *, orders: int) -> None:
        """Orders that wait: the worker's memory for each."""
        for side in self.sides:
            before = self._memory(side)
            numbers = self.numbers(orders)
            await _all(numbers, side.start)
            await side.until(numbers[0], effects=RULES)
            await side.until(numbers[-1], effects=RULES)
            await asyncio.sleep(1)
            self.figures[side.name].add("memory kB per parked order", (self._memory(side) - before) / orders)

    async def restart(self, *, orders: int) -> None:
        """A worker is killed with orders parked; the next one takes an event of each."""
        for side in self.sides:
            numbers = self.numbers(orders)
            await _all(numbers, side.start)
            await _all(numbers, lambda number, side=side: side.until(number, effects=RULES))
            await side.kill()
            figures = self.figures[side.name]
            figures.add("start-up s", await side.launch())
            begun = asyncio.get_running_loop().time()
            await _all(numbers, lambda number, side=side: side.go(number, stage=1))
            async with asyncio.timeout(600):
                wanted = set(numbers)
                while wanted:
                    effects = side.effects()
                    wanted = {number for number in wanted if effects.get(number, 0) < RULES * 2}
                    await asyncio.sleep(0.1)
            figures.add(f"recovery of {orders} parked orders s", asyncio.get_running_loop().time() - begun)

    def table(self) -> str:
        """Return the medians and ratios as a Markdown table."""
        floor, ours = self.figures["floor"], self.figures["ours"]
        lines = ["| | floor | ours | ours / floor |", "| --- | --- | --- | --- |"]
        for name in floor.values:
            one, other = floor.median(name), ours.median(name)
            lines.append(f"| {name} | {one:.1f} | {other:.1f} | {other / one:.2f} |")
        cpu = [
            figures.median("worker CPU ms per order") + figures.median("server CPU ms per order")
            for figures in (floor, ours)
        ]
        lines.append(f"| worker + server CPU ms per order | {cpu[0]:.1f} | {cpu[1]:.1f} | {cpu[1] / cpu[0]:.2f} |")
        return "\n".join(lines)

    def _cpu(self, side: Side) -> float:
        assert side.worker is not None
        return _cpu(side.worker.pid)

    def _memory(self, side: Side) -> float:
        assert side.worker is not None
        status = Path(f"/proc/{side.worker.pid}/status").read_text()
        return float(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])


def _cpu(pid: int) -> float:
    """Return the seconds of processor time a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


async def _all(numbers: list[str], act: Callable[[str], object]) -> None:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(number: str) -> None:
        async with gate:
            await act(number)  # type: ignore[misc]

    await asyncio.gather(*(one(number) for number in numbers))


def _server_of(address: str) -> int:
    """Find the dev server's process by the port it was told to listen on."""
    port = address.rpartition(":")[2]
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"start-dev" in command and port.encode() in command:
                return int(entry.name)
    raise RuntimeError(f"no dev server listens on {address}")


async def main() -> None:
    """Run all of it and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=60, help="orders per round of whole lives")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--parked", type=int, default=1_000)
    parser.add_argument("--restart", type=int, default=2_000)
    given = parser.parse_args()
    environment = await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(TEMPORAL),
        dev_server_extra_args=FASTER,
        dev_server_log_level="error",
        search_attributes=KEYS,
    )
    address = environment.client.service_client.config.target_host
    with tempfile.TemporaryDirectory() as folder:
        sides: list[Side] = [FloorSide(Path(folder), address=address), OursSide(Path(folder), address=address)]
        for side in sides:
            await side.prepare()
            await side.launch()
        bench = Bench(sides, server=_server_of(address))
        await bench.history()
        await bench.throughput(orders=given.orders, rounds=given.rounds)
        await bench.latency(orders=30, rounds=given.rounds)
        if given.parked:
            await bench.parked(orders=given.parked)
        if given.restart:
            await bench.restart(orders=given.restart)
        print(bench.table())
        for side in sides:
            await side.kill()
    await environment.shutdown()


if __name__ == "__main__":
    asyncio.run(main())
