"""The state machine: whatever happens to one order, in whatever order, the laws hold after every step."""

from collections import deque
from dataclasses import dataclass
from datetime import timedelta
from time import perf_counter
from typing import Any

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.properties.books import CREATED, Books
from tests.properties.desk import Desk
from tests.properties.laws import Laws
from tests.properties.lives import NO_TIME, Fate, Life, Pace, SendEnd, World
from tests.properties.loops import START, Clock
from tests.properties.scenario import Scenario
from tests.properties.shapes import EVENTS, Shape, changed, pipeline_of, pipelines, yaml_of
from workflows.contracts.carry import Carry
from workflows.contracts.events import Event
from workflows.contracts.reasons import RunStatus

SPANS = st.sampled_from([timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=2), timedelta(days=1)])
PAUSES = st.sampled_from([NO_TIME, NO_TIME, NO_TIME, NO_TIME, timedelta(seconds=2), timedelta(minutes=2)])
RULES = st.integers(0, 3)
FATES = st.builds(Fate, end=st.sampled_from([*SendEnd, SendEnd.REJECTED]), starts=PAUSES, takes=PAUSES, tells=PAUSES)
DAYS = st.one_of(st.none(), st.integers(-1, 5))

#: An order in a circle makes as many moves before it is held (M08), and some more.
_ROUNDS = 60


@dataclass
class Speed:
    """Lives and steps done, and the seconds they took: the engine with its laws, without what chooses the steps."""

    lives: int = 0
    steps: int = 0
    seconds: float = 0.0

    def since(self, before: "Speed") -> "Speed":
        """Return what was done since."""
        return Speed(self.lives - before.lives, self.steps - before.steps, self.seconds - before.seconds)

    def told(self, *, around: float) -> str:
        """Say how fast it was, in itself and in the `around` seconds with the search."""
        alone, whole = (self.steps / max(seconds, 0.001) for seconds in (self.seconds, around))
        done = f"{self.lives} lives, {self.steps} steps"
        return f"{done}: {alone:.0f} steps a second of the engine, {whole:.0f} with hypothesis around them"


#: Over all machines of this process.
SPEED = Speed()


class OrderMachine(RuleBasedStateMachine):
    """One order, and everything that can happen to it."""

    world: World
    life: Life

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.late: deque[Event] = deque()
        self.told: list[Event] = []
        self.is_terminated = False
        self.is_sound = False

    @initialize(
        shape=pipelines(),
        pace=st.builds(Pace, recorded=PAUSES, decided=PAUSES, is_lost=st.booleans()),
        fates=st.lists(FATES, min_size=2, max_size=4),
    )
    def create(self, shape: Shape, pace: Pace, fates: list[Fate]) -> None:
        clock = Clock()
        self.shape = shape
        books = Books(pipeline_of(shape), now=START)
        self.world = World(clock, books, Desk(books), Laws(books, clock), pace=pace)
        self.scenario = Scenario(clock, yaml_of(shape))
        self.scenario.pace(pace)
        for place, fate in enumerate(fates):
            self.foretell(place, fate)
        created = Event(id=CREATED, type="order.created", at=clock.now, source="orders")
        books.keep(created, now=clock.now)
        self.told.append(created)
        self.life = Life(self.world, events=(created,))
        self.settle()

    # --- what happens outside ----------------------------------------------------------------------------------------

    @rule(event_type=st.sampled_from(EVENTS), is_late=st.sampled_from([False, False, False, False, True]))
    def happen(self, event_type: str, is_late: bool) -> None:
        self.arrive(event_type, {}, is_late=is_late)

    @rule(days=DAYS, note=st.sampled_from(["", "x"]), is_late=st.sampled_from([False, False, False, False, True]))
    def edit(self, days: int | None, note: str, is_late: bool) -> None:
        date = None if days is None else str((self.world.clock.now + timedelta(days=days)).date())
        self.arrive("order.edited", {"fields": {"delivery_date": date, "note": note}}, is_late=is_late)

    @rule(which=st.integers(0, 20))
    def tell_again(self, which: int) -> None:
        if self.late:
            self.tell(self.late.popleft())
        else:
            self.scenario.note("an event is told again")
            self.tell(self.told[which % len(self.told)])

    @rule(span=SPANS)
    def pass_some_time(self, span: timedelta) -> None:
        self.pass_time(span)

    @rule(span=SPANS)
    def pass_time(self, span: timedelta) -> None:
        until = self.world.clock.now + span
        self.settle()
        while self.world.clock.next_within(until):
            self.settle()
        self.world.clock.now = until
        self.relay()

    @rule(place=RULES, fate=FATES)
    def foretell(self, place: int, fate: Fate) -> None:
        self.scenario.fate(f"r{place + 1}", fate)
        self.world.fates.setdefault(f"r{place + 1}", deque()).append(fate)

    @rule(pace=st.builds(Pace, deciding=PAUSES, decided=PAUSES, recorded=PAUSES, is_lost=st.booleans()))
    def change_pace(self, pace: Pace) -> None:
        if pace == self.world.pace:
            return
        self.scenario.pace(pace)
        self.world.pace = pace

    @rule(data=st.data())
    def publish(self, data: st.DataObject) -> None:
        self.shape = data.draw(changed(self.shape))
        self.scenario.publish(yaml_of(self.shape))
        self.world.books.versions.append(pipeline_of(self.shape))

    # --- operators -------------------------------------------------------------------------------------------------

    @rule(stage=st.integers(1, 3))
    def move(self, stage: int) -> None:
        self.command("move", stage=f"s{stage}")

    @rule(name=st.sampled_from(["resume keep", "resume shift", "hold", "stop_waiting"]))
    def steer(self, name: str) -> None:
        command, _, deadlines = name.partition(" ")
        self.command(command, **({"deadlines": deadlines} if deadlines else {}))

    @rule(name=st.sampled_from(["repeat", "run_now", "skip"]), place=RULES)
    def direct(self, name: str, place: int) -> None:
        stay = self.world.books.stay
        rows = list(stay.rows.values()) if stay else []
        fitting = [row for row in rows if name != "repeat" or row.status in (RunStatus.FAILED, RunStatus.HELD)]
        if fitting and place < 3:
            self.command(name, rule=fitting[place % len(fitting)].rule)
        else:
            self.command(name, rule=f"r{place + 1}")

    # --- what becomes of the workflow --------------------------------------------------------------------------------

    @rule(what=st.sampled_from(["continue as new", "continue as new", "terminate", "terminate", "cancel"]))
    def disturb(self, what: str) -> None:
        if self.is_terminated or self.life.is_over or self.life.was_cancelled:
            return
        self.scenario.note(f"the workflow: {what}")
        if what == "terminate":
            self.life.loop.drop()
            self.is_terminated = True
        elif what == "cancel":
            self.life.serving.cancel()
            self.settle()
        else:
            self.world.renews = True
            self.life.automation.task_ended(None)  # as any task of the workflow that ends
            self.settle()
            self.world.renews = False

    # --- the machinery -----------------------------------------------------------------------------------------------

    def arrive(self, event_type: str, data: dict[str, Any], *, is_late: bool) -> None:
        self.count += 1
        event = Event(id=f"e{self.count}", type=event_type, at=self.world.clock.now, source="tests", data=data)
        self.scenario.event(event_type, data)
        self.world.books.keep(event, now=self.world.clock.now, is_handed=not is_late)
        event = event.model_copy(update={"data": {}})
        self.told.append(event)
        if is_late:
            self.late.append(event)
        else:
            self.tell(event)

    def command(self, name: str, **data: str) -> None:
        self.count += 1
        if "rule" in data and not self.is_terminated and not self.life.is_over:
            visit = self.life.automation.visit
            if visit is not None and data["rule"] not in visit.runs:
                return  # the update's validator refuses it
        known = {row.rule for stay in self.world.books.stays for row in stay.rows.values()}
        if data.get("rule", "") in {"", *known}:
            self.scenario.command(name, data)
        now = self.world.clock.now
        event = Event(id=f"c{self.count}", type=f"operator.{name}", at=now, source="operator", data=data)
        if self.is_terminated or self.life.is_over:
            created = Event(id=CREATED, type="order.created", source="orders")
            self.start(created)
        self.life.command(event)
        self.settle()

    def tell(self, event: Event) -> None:
        if self.is_terminated or self.life.is_over:
            self.start(event)
        else:
            self.life.automation.take(event)
        self.settle()

    def relay(self) -> None:
        """Tell the events again that were handed over and never decided, as the relay does after a time."""
        for _ in range(_ROUNDS):
            lost = self.world.books.lost()
            if not lost or (self.life.deciding and not self.is_terminated):
                break
            for entry in lost:  # what they cause may be lost again
                self.tell(entry.event.model_copy(update={"data": {}}))
        if not self.is_terminated:
            self.is_sound = False
            self.world.laws.nothing_lost(self.life)
            self.is_sound = True

    def start(self, *events: Event, carry: Carry | None = None) -> None:
        self.life.loop.drop()
        self.life = Life(self.world, carry=carry, events=events)
        self.is_terminated = False

    def settle(self) -> None:
        """Let everything run that can, then hold the state against the laws."""
        begun = perf_counter()
        self.is_sound = False
        if not self.is_terminated:
            self.life.loop.run_until_idle()
            while self.life.is_over and self.life.carried is not None:
                self.renew(self.life.carried)
            if self.life.is_over and self.life.was_cancelled and not self.life.automation.is_held:
                self.world.laws.at_rest(self.life)
                self.start(Event(id=CREATED, type="order.created", source="orders"))
                self.life.loop.run_until_idle()
            self.world.laws.at_rest(self.life)
        self.is_sound = True
        SPEED.steps += 1
        SPEED.seconds += perf_counter() - begun

    def renew(self, carry: Carry) -> None:
        """Continue as new: all that survives is the carry, as JSON."""
        laws, before = self.world.laws, self.life.automation
        self.world.renews = False
        laws.at_rest(self.life)
        again = Carry.model_validate_json(carry.model_dump_json())
        laws.round_trip(carry, again)
        next_at, plan = before.next_at(), before.plan()
        self.start(carry=again)
        laws.round_trip(plan, self.life.automation.plan())
        self.life.loop.run_until_idle()
        if not self.life.is_over:
            laws.round_trip(next_at, self.life.automation.next_at())

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.life.loop.drop()
            SPEED.lives += 1
            if not self.is_sound:
                note(self.scenario.save())
