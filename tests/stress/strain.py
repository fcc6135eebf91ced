"""One run of the stress test: orders live at once under random events and commands; all is compared and replayed."""

import asyncio
import itertools
import random
import time
from collections import Counter
from dataclasses import dataclass, field

from temporalio.client import Client, WorkflowHistory
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from activities.providers.registry import Providers
from activities.runtime.workers import sandbox
from activities.store.database import Store
from starter.client import CommandRefused, OrdersError
from starter.relay import Relay
from tests.chaos import auditing
from tests.chaos.auditing import Findings
from tests.chaos.pipeline import FINAL, TEXT, WANDERING
from tests.stress.scripted import Scripted
from tests.support.house import House, working
from workflows.contracts.carry import OrderInput
from workflows.contracts.commands import Hold, Move, OneRule, Resume
from workflows.contracts.ids import TASK_QUEUE, WORKFLOW_TYPE, workflow_id
from workflows.order import Order

#: Orders continue as new at about so many events.
_LONGEST_HISTORY = 60

_RULES = ("hello", "remind", "both", "soon", "ping", "pong", "receipt", "then-mail", "leave")


@dataclass(frozen=True)
class Strain:
    """How a run goes."""

    orders: int = 12
    at_once: int = 12
    steps: int = 7
    seed: int = 1
    patience: float = 90.0


@dataclass
class Result:
    """What a run found."""

    strain: Strain
    findings: Findings
    fates: Counter[str]
    commands: Counter[str]
    runs: int = 0
    continued: int = 0
    seconds: float = 0.0
    left: dict[str, int] = field(default_factory=dict)


class Lives:
    """The orders of one run, and who does things to them."""

    def __init__(self, strain: Strain, *, store: Store, clients: tuple[Client, Client]) -> None:
        self.strain = strain
        self.provider = Scripted(seed=strain.seed)
        self.house, self._second = House(store, clients[0]), House(store, clients[1])
        self.commands: Counter[str] = Counter()
        self.taken: set[tuple[str, str, str]] = set()
        self.refusals: list[str] = []
        self._numbers = itertools.count(1)

    async def live(self) -> Result:
        """Run everything and compare."""
        begun = time.monotonic()
        providers = Providers([self.provider], channels={"sms": "scripted", "email": "scripted"})
        await self.house.publish(TEXT)
        await auditing.install(self.house.store)
        relaying = asyncio.create_task(Relay(self.house.store, orders=self.house.orders).run())
        slots = asyncio.Semaphore(self.strain.at_once)
        numbers = [str(1000 + place) for place in range(self.strain.orders)]
        try:
            async with (
                working(self.house, providers=providers, cached=100),
                working(self._second, providers=providers, cached=0),
            ):
                await asyncio.gather(*(self._life(slots, number=number) for number in numbers))
                left = await self._calm()
                findings = await auditing.audit(self.house.store, taken=self.taken, accepted=self.provider.accepted)
                histories = await self._histories(numbers, findings=findings)
                await _replay(histories, findings=findings)
                for refusal in self.refusals:
                    findings.add("refused for no reason", refusal)
        finally:
            relaying.cancel()
            await self.house.close()
        return Result(
            strain=self.strain,
            findings=findings,
            fates=self.provider.seen,
            commands=self.commands,
            runs=len(histories),
            continued=sum(_is_continued(history) for history in histories),
            seconds=time.monotonic() - begun,
            left=left,
        )

    # --- a life --------------------------------------------------------------------------------------------------

    async def _life(self, slots: asyncio.Semaphore, *, number: str) -> None:
        dice = random.Random(f"{self.strain.seed}:{number}")
        async with slots:
            key = await self.house.order(number, starts=False)
            await self.house.client.start_workflow(
                WORKFLOW_TYPE,
                OrderInput(key=key, longest_history=_LONGEST_HISTORY),
                id=workflow_id(key),
                task_queue=TASK_QUEUE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            )
            for _ in range(dice.randint(self.strain.steps - 2, self.strain.steps + 2)):
                await asyncio.sleep(dice.uniform(0.0, 1.2))
                together = [self._something(dice, number=number) for _ in range(dice.choice((1, 1, 2)))]
                await asyncio.gather(*together)
            await self._command("resume", number=number)
            await self._event(number, f"webhook.{FINAL}")

    async def _something(self, dice: random.Random, *, number: str) -> None:
        what = dice.random()
        if what < 0.62:
            await self._event(number, f"webhook.to-{dice.choice(WANDERING)}")
        elif what < 0.72:
            await self._event(number, "payment.received", amount="10.00")
        elif what < 0.80:
            await self._command("move", number=number, stage=dice.choice(WANDERING))
        elif what < 0.90:
            await self._command(dice.choice(("run_now", "skip", "repeat")), number=number, rule=dice.choice(_RULES))
        else:
            await self._command("hold", number=number)
            await asyncio.sleep(dice.uniform(0.0, 0.6))
            await self._command("resume", number=number)

    async def _event(self, number: str, type: str, **data: str) -> None:
        event = await self.house.event(number, type, **data)
        self.taken.add(("tests", event, str(self.house.key(number))))

    async def _command(self, name: str, *, number: str, stage: str = "", rule: str = "") -> None:
        """Give a command until it is answered; most random ones are refused, and that costs nothing."""
        orders, key = self.house.orders, self.house.key(number)
        command_id = f"{number}-{next(self._numbers)}"
        for _ in range(20):
            try:
                match name:
                    case "move":
                        await orders.move(key, command=Move(stage=stage, id=command_id))
                    case "hold":
                        await orders.hold(key, command=Hold(id=command_id))
                    case "resume":
                        await orders.resume(key, command=Resume(id=command_id))
                    case "run_now":
                        await orders.run_now(key, command=OneRule(rule=rule, id=command_id))
                    case "skip":
                        await orders.skip(key, command=OneRule(rule=rule, id=command_id))
                    case "repeat":
                        await orders.repeat(key, command=OneRule(rule=rule, id=command_id))
            except CommandRefused as error:
                self.commands[f"{name} refused"] += 1
                if name in ("hold", "resume"):  # nothing can be wrong with them
                    self.refusals.append(f"{name} of order {number}: {error.words}")
                return
            except OrdersError as error:
                self.commands[type(error).__name__] += 1
                continue
            self.commands[name] += 1
            return
        raise AssertionError(f"{name} of order {number} was never answered")

    # --- the end -------------------------------------------------------------------------------------------------

    async def _calm(self) -> dict[str, int]:
        """Wait until everything is settled, or nothing was for the run's patience; return what is left."""
        left: dict[str, int] = {"orders": self.strain.orders}
        changed_at = time.monotonic()
        while left and time.monotonic() - changed_at < self.strain.patience:
            await asyncio.sleep(0.3)
            now = await auditing.open_ends(self.house.store)
            if now != left:
                left, changed_at = now, time.monotonic()
        return left

    async def _histories(self, numbers: list[str], *, findings: Findings) -> list[WorkflowHistory]:
        """Fetch the history of every run of every order's chain; none may be open or have failed."""
        found: list[WorkflowHistory] = []
        for number in numbers:
            name = workflow_id(self.house.key(number))
            await self._ended(name)
            async for execution in self.house.client.list_workflows(f"WorkflowId = '{name}'"):
                status = execution.status.name if execution.status else "?"
                if status not in ("COMPLETED", "CONTINUED_AS_NEW"):
                    findings.add(f"workflow {status.lower()}", name)
                handle = self.house.client.get_workflow_handle(name, run_id=execution.run_id)
                found.append(await handle.fetch_history())
        return found

    async def _ended(self, name: str) -> None:
        end = time.monotonic() + self.strain.patience
        while time.monotonic() < end:
            described = await self.house.client.get_workflow_handle(name).describe()
            running = await self.house.client.count_workflows(f"WorkflowId = '{name}' AND ExecutionStatus = 'Running'")
            if described.status is not None and described.status.name != "RUNNING" and not running.count:
                return
            await asyncio.sleep(0.1)


async def _replay(histories: list[WorkflowHistory], *, findings: Findings) -> None:
    replayer = Replayer(workflows=[Order], data_converter=pydantic_data_converter, workflow_runner=sandbox())
    for history in histories:
        result = await replayer.replay_workflow(history, raise_on_replay_failure=False)
        if result.replay_failure is not None:
            findings.add("does not replay", f"{history.workflow_id}: {result.replay_failure}"[:400])


def _is_continued(history: WorkflowHistory) -> bool:
    return history.events[-1].HasField("workflow_execution_continued_as_new_event_attributes")
