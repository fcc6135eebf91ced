"""What the vendors' logs say, held against the store, send by send; and who settled each: answer, callback, listing.

An auditor in the database notes, when a row of the ledger, an answer or a notice gets its provider's id, what it was
told by.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import text

from activities.store import chats
from activities.store.database import Store
from tests.chaos_sends.pipeline import ANSWERS, EMPLOYEES, RULES

_VIA = """CASE WHEN NEW.rank > 0 THEN 'callback' WHEN OLD.state IN ('unknown', 'held') THEN 'listing'
    ELSE 'answer' END"""

#: The tables whose rows leave the house, and the column of the send's id.
_TABLES = {"ledger": "id", "chat_answers": "id", "notices": "send_id"}

_SQLITE = (
    "CREATE TABLE settled (n INTEGER PRIMARY KEY AUTOINCREMENT, send TEXT, via TEXT)",
    *(
        f"""CREATE TRIGGER settled_by_{table} AFTER UPDATE ON {table}
        WHEN OLD.provider_id IS NULL AND NEW.provider_id IS NOT NULL BEGIN
        INSERT INTO settled (send, via) VALUES (NEW.{key}, {_VIA}); END"""
        for table, key in _TABLES.items()
    ),
)

_POSTGRES = (
    "CREATE TABLE settled (n BIGSERIAL PRIMARY KEY, send TEXT, via TEXT)",
    *(
        f"""CREATE FUNCTION note_{table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF OLD.provider_id IS NULL AND NEW.provider_id IS NOT NULL THEN
        INSERT INTO settled (send, via) VALUES (NEW.{key}::text, {_VIA}); END IF;
        RETURN NULL; END $$"""
        for table, key in _TABLES.items()
    ),
    *(
        f"CREATE TRIGGER settled_by_{table} AFTER UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION note_{table}()"
        for table in _TABLES
    ),
)

_RUNS = """SELECT r.id, r.order_id, r.rule, r.status, l.state, l.provider_id
    FROM runs r LEFT JOIN ledger l ON l.run = r.id WHERE r.rule <> 'tell'"""

_ANSWERS = """SELECT a.id AS send, m.ref, a.state, a.provider_id
    FROM chat_answers a JOIN chat_messages m ON m.id = a.message"""

_NOTICES = "SELECT send_id AS send, employee, state, provider_id FROM notices WHERE way <> 'inbox'"

_ENDED = """SELECT count(*) FROM (SELECT order_id FROM runs GROUP BY order_id
    HAVING sum(CASE WHEN status IN ('planned', 'running', 'held') THEN 1 ELSE 0 END) = 0) AS ended"""

_OPEN = """SELECT (SELECT count(*) FROM runs WHERE status IN ('planned', 'running', 'held'))
    + (SELECT count(*) FROM ledger WHERE state IN ('dispatching', 'unknown'))
    + (SELECT count(*) FROM chat_answers WHERE state IN ('planned', 'dispatching', 'unknown', 'held'))
    + (SELECT count(*) FROM notices WHERE state IN ('planned', 'dispatching', 'unknown', 'held'))
    + (SELECT count(*) FROM deliveries WHERE decided_at IS NULL)"""

_HELD = "SELECT id, order_id, rule FROM runs WHERE status = 'held' ORDER BY order_id, rule"

#: What a promise is called when it is broken.
DOUBLED, LOST, OPEN, MISTAKEN = "doubled", "lost", "never settled", "mistaken"

PROMISES = (DOUBLED, LOST, OPEN, MISTAKEN)

#: Who settles what nobody else can tell.
PERSON = "person"


@dataclass(frozen=True)
class Log:
    """What the vendors accepted: how often for each send, and for which send by their own ids, where these are known.

    A message that names no send of ours is under the send `""`.
    """

    accepted: Counter[str]
    sends: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Row:
    """The figures of one channel."""

    sends: int = 0
    accepted: int = 0
    broken: Counter[str] = field(default_factory=Counter)
    via: Counter[str] = field(default_factory=Counter)


@dataclass
class Findings:
    """The figures by channel, and every violation in words."""

    rows: dict[str, Row] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)

    def count(self, promise: str) -> int:
        """Count how often a promise was broken."""
        return sum(row.broken[promise] for row in self.rows.values())

    def add(self, channel: str, promise: str, words: str) -> None:
        """Note a violation."""
        self.rows.setdefault(channel, Row()).broken[promise] += 1
        self.violations.append(f"{promise}: {words}")


@dataclass(frozen=True)
class Ended:
    """How a run ended: its own status, and its row in the ledger with the vendor's id, None where there is none."""

    send: str
    order: str
    rule: str
    status: str
    state: str | None
    provider_id: str | None = None


@dataclass(frozen=True)
class Carried:
    """How what a courier brings ended; `what` is the kind of answer, or the employee who is told."""

    send: str
    what: str
    state: str
    provider_id: str | None = None

    @property
    def channel(self) -> str:
        """What it is counted under."""
        return ANSWERS[self.what].channel if self.what in ANSWERS else EMPLOYEES[self.what][0]


@dataclass(frozen=True)
class HeldRun:
    """A run that only a person can settle."""

    send: str
    number: str
    rule: str


async def install(store: Store, *, is_postgres: bool = False) -> None:
    """Put the auditor into the database."""
    async with store.write() as tx:
        for statement in _POSTGRES if is_postgres else _SQLITE:
            await tx.run(text(statement))


async def ended(store: Store) -> int:
    """Count the orders whose sends have ended."""
    return await _number(store, _ENDED)


async def open_ends(store: Store) -> int:
    """Count what has not ended."""
    return await _number(store, _OPEN)


async def held(store: Store) -> list[HeldRun]:
    """List what waits for a person."""
    async with store.read() as tx:
        rows = await tx.rows(text(_HELD))
    return [HeldRun(_id(row.id), row.order_id.partition(":")[2], row.rule) for row in rows]


async def chat_of(store: Store, medium: str, address: str) -> UUID:
    """Find the chat that the customer of an address has begun."""
    async with store.read() as tx:
        chat = await chats.of_address(tx, medium=medium, address=address)
    assert chat is not None, f"nobody wrote over {medium}"
    return chat.id


async def audit(store: Store, *, orders: int, log: Log, by_person: Collection[str]) -> Findings:
    """Compare everything. `by_person` are the sends that a person settled."""
    async with store.read() as tx:
        runs = await tx.rows(text(_RUNS))
        answers = await tx.rows(text(_ANSWERS))
        notices = await tx.rows(text(_NOTICES))
        settled = await tx.rows(text("SELECT send, via FROM settled ORDER BY n"))
    via = {_id(row.send): str(row.via) for row in settled} | dict.fromkeys(by_person, PERSON)
    found = [Ended(_id(row.id), row.order_id, row.rule, row.status, row.state, row.provider_id) for row in runs]
    carried = [Carried(_id(row.send), _kind(row.ref), row.state, row.provider_id) for row in answers]
    carried += [Carried(_id(row.send), row.employee, row.state, row.provider_id) for row in notices]
    return compare(found, carried=carried, orders=orders, log=log, via=via)


def compare(
    runs: Sequence[Ended], *, carried: Sequence[Carried], orders: int, log: Log, via: Mapping[str, str]
) -> Findings:
    """Hold each run, answer and notice against what the vendors accepted for it; `via` says who settled it."""
    findings = Findings()
    for run in runs:
        _compare_one(findings, run, times=log.accepted[run.send], via=via.get(run.send, "nobody"))
        if log.sends.get(run.provider_id or "", run.send) != run.send:
            findings.add(RULES[run.rule], MISTAKEN, f"{run.order} {run.rule}: its row has the message of another send")
    for one in carried:
        _compare_carried(findings, one, times=log.accepted[one.send], via=via.get(one.send, "nobody"))
        if log.sends.get(one.provider_id or "", one.send) != one.send:
            findings.add(one.channel, MISTAKEN, f"{one.what}: its row has the message of another send")
    known = Counter([*(run.rule for run in runs), *(one.what for one in carried)])
    channels = {**RULES, **{what: Carried("", what, "").channel for what in (*ANSWERS, *EMPLOYEES)}}
    for what, channel in channels.items():
        for _ in range(orders - known[what]):
            findings.add(channel, LOST, f"a send of {what} was never planned")
    for send in sorted(log.accepted.keys() - {one.send for one in (*runs, *carried)}):
        findings.add("no channel", DOUBLED, f"a message was accepted that belongs to no send ({send or 'no id'})")
    return findings


def _compare_carried(findings: Findings, one: Carried, *, times: int, via: str) -> None:
    words = f"{one.what} {one.send}: its row is {one.state}, accepted {times} times"
    row = findings.rows.setdefault(one.channel, Row())
    row.sends += 1
    row.accepted += times
    if times > 1:
        findings.add(one.channel, DOUBLED, words)
    if one.state in ("planned", "dispatching", "unknown", "held"):
        findings.add(one.channel, OPEN, words)
        return
    row.via[via] += 1
    # A person lays aside what a vendor's log shows, and has the rest sent again.
    is_known = one.state in ("accepted", "delivered") or (one.state == "skipped" and via == PERSON)
    if times == 0 or not is_known:
        findings.add(one.channel, LOST, words)


def _compare_one(findings: Findings, run: Ended, *, times: int, via: str) -> None:
    channel = RULES[run.rule]
    words = f"{run.order} {run.rule}: the run is {run.status}, the ledger says {run.state}, accepted {times} times"
    row = findings.rows.setdefault(channel, Row())
    row.sends += 1
    row.accepted += times
    if times > 1:
        findings.add(channel, DOUBLED, words)
    if run.status in ("planned", "running", "held") or run.state in (None, "planned", "dispatching", "unknown"):
        findings.add(channel, OPEN, words)
        return
    row.via[via] += 1
    # A person skips what a vendor's log shows, and repeats the rest.
    is_known = run.status == "skipped" if via == PERSON and run.status != "done" else _is_done(run)
    if times == 0 or not is_known:
        findings.add(channel, LOST, words)


def _is_done(run: Ended) -> bool:
    return run.status == "done" and run.state in ("accepted", "delivered")


async def _number(store: Store, statement: str) -> int:
    async with store.read() as tx:
        rows: Sequence[Any] = await tx.rows(text(statement))
    return int(rows[0][0])


def _kind(ref: str) -> str:
    """Tell what kind of answer was typed under a ref: `employee:look-1001`."""
    return ref.rpartition(":")[2].partition("-")[0]


def _id(written: Any) -> str:
    return str(UUID(str(written)))
