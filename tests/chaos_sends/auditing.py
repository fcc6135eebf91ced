"""What the vendors' logs say, held against the store, send by send; and who settled each: answer, callback, listing.

An auditor in the database notes, when a row of the ledger gets its provider's id, what it was told by.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import text

from activities.store.database import Store
from tests.chaos_sends.pipeline import RULES

_VIA = """CASE WHEN NEW.rank > 0 THEN 'callback' WHEN OLD.state IN ('unknown', 'held') THEN 'listing'
    ELSE 'answer' END"""

_SQLITE = (
    "CREATE TABLE settled (n INTEGER PRIMARY KEY AUTOINCREMENT, send TEXT, via TEXT)",
    f"""CREATE TRIGGER settled_by AFTER UPDATE ON ledger
    WHEN OLD.provider_id IS NULL AND NEW.provider_id IS NOT NULL BEGIN
    INSERT INTO settled (send, via) VALUES (NEW.id, {_VIA}); END""",
)

_POSTGRES = (
    "CREATE TABLE settled (n BIGSERIAL PRIMARY KEY, send TEXT, via TEXT)",
    f"""CREATE FUNCTION note_settled() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF OLD.provider_id IS NULL AND NEW.provider_id IS NOT NULL THEN
    INSERT INTO settled (send, via) VALUES (NEW.id::text, {_VIA}); END IF;
    RETURN NULL; END $$""",
    "CREATE TRIGGER settled_by AFTER UPDATE ON ledger FOR EACH ROW EXECUTE FUNCTION note_settled()",
)

_RUNS = """SELECT r.id, r.order_id, r.rule, r.status, l.state, l.provider_id
    FROM runs r LEFT JOIN ledger l ON l.run = r.id"""

_ENDED = """SELECT count(*) FROM (SELECT order_id FROM runs GROUP BY order_id
    HAVING sum(CASE WHEN status IN ('planned', 'running', 'held') THEN 1 ELSE 0 END) = 0) AS ended"""

_OPEN = """SELECT (SELECT count(*) FROM runs WHERE status IN ('planned', 'running', 'held'))
    + (SELECT count(*) FROM ledger WHERE state IN ('dispatching', 'unknown'))
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


async def audit(store: Store, *, orders: int, log: Log, by_person: Collection[str]) -> Findings:
    """Compare everything. `by_person` are the sends that a person settled."""
    async with store.read() as tx:
        runs = await tx.rows(text(_RUNS))
        settled = await tx.rows(text("SELECT send, via FROM settled ORDER BY n"))
    via = {_id(row.send): str(row.via) for row in settled} | dict.fromkeys(by_person, PERSON)
    found = [Ended(_id(row.id), row.order_id, row.rule, row.status, row.state, row.provider_id) for row in runs]
    return compare(found, orders=orders, log=log, via=via)


def compare(runs: Sequence[Ended], *, orders: int, log: Log, via: Mapping[str, str]) -> Findings:
    """Hold each run against what the vendors accepted for it; `via` says who settled it."""
    findings = Findings()
    for run in runs:
        _compare_one(findings, run, times=log.accepted[run.send], via=via.get(run.send, "nobody"))
        if log.sends.get(run.provider_id or "", run.send) != run.send:
            findings.add(RULES[run.rule], MISTAKEN, f"{run.order} {run.rule}: its row has the message of another send")
    known = Counter(run.rule for run in runs)
    for rule, channel in RULES.items():
        for _ in range(orders - known[rule]):
            findings.add(channel, LOST, f"a run of rule {rule} was never planned")
    for send in sorted(log.accepted.keys() - {run.send for run in runs}):
        findings.add("no channel", DOUBLED, f"a message was accepted that belongs to no send ({send or 'no id'})")
    return findings


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


def _id(written: Any) -> str:
    return str(UUID(str(written)))
