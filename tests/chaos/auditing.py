"""Held against each other at the end: what the senders were answered, what the store says, what the provider accepted.

An auditor in the database notes, in the transaction of each claim and of each rule's end, which visit of the order was
current.
"""

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import text

from activities.store.database import Store
from tests.chaos.pipeline import FINAL

_SQLITE = (
    """CREATE TABLE audit (n INTEGER PRIMARY KEY AUTOINCREMENT, send TEXT, order_id TEXT, visit INT, current INT)""",
    *(
        f"""CREATE TRIGGER audit_{what.lower()} AFTER {what} ON ledger
        WHEN NEW.state = 'dispatching' {also} BEGIN
        INSERT INTO audit (send, order_id, visit, current)
        VALUES (NEW.id, NEW.order_id, NEW.visit, (SELECT visit FROM orders WHERE id = NEW.order_id)); END"""
        for what, also in (("INSERT", ""), ("UPDATE", "AND OLD.state <> 'dispatching'"))
    ),
    "CREATE TABLE audit_ends (run TEXT, current INT)",
    """CREATE TRIGGER audit_end AFTER UPDATE ON runs WHEN NEW.status = 'done' AND OLD.status <> 'done' BEGIN
    INSERT INTO audit_ends VALUES (NEW.id, (SELECT visit FROM orders WHERE id = NEW.order_id)); END""",
)

_POSTGRES = (
    "CREATE TABLE audit (n BIGSERIAL PRIMARY KEY, send TEXT, order_id TEXT, visit INT, current INT)",
    """CREATE FUNCTION audit_claim() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.state = 'dispatching' AND (TG_OP = 'INSERT' OR OLD.state <> 'dispatching') THEN
    INSERT INTO audit (send, order_id, visit, current)
    VALUES (NEW.id::text, NEW.order_id, NEW.visit, (SELECT visit FROM orders WHERE id = NEW.order_id)); END IF;
    RETURN NULL; END $$""",
    "CREATE TRIGGER audit_claims AFTER INSERT OR UPDATE ON ledger FOR EACH ROW EXECUTE FUNCTION audit_claim()",
    "CREATE TABLE audit_ends (run UUID, current INT)",
    """CREATE FUNCTION audit_end() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.status = 'done' AND OLD.status <> 'done' THEN
    INSERT INTO audit_ends VALUES (NEW.id, (SELECT visit FROM orders WHERE id = NEW.order_id)); END IF;
    RETURN NULL; END $$""",
    "CREATE TRIGGER audit_ends AFTER UPDATE ON runs FOR EACH ROW EXECUTE FUNCTION audit_end()",
)

_EVENTS = """SELECT e.source, e.id, d.order_id, d.state, d.decided_at, d.error
    FROM events e LEFT JOIN deliveries d ON d.event = e.seq"""

_RUNS = """SELECT r.id, r.order_id, r.visit, r.rule, r.status, r.reason, r.words, r.planned, l.state
    FROM runs r LEFT JOIN ledger l ON l.run = r.id"""

#: Rules on our own records begin and end in one transaction; which visit was current in it.
_ENDS = """SELECT r.order_id, r.visit, r.rule, r.planned, e.current FROM audit_ends e JOIN runs r ON r.id = e.run"""

_ORDERS = "SELECT id, stage, visit, held_at FROM orders"

_VISITS = "SELECT order_id, visit, stage FROM visits ORDER BY order_id, visit"

_OPEN_ORDERS = f"SELECT count(*) FROM orders WHERE stage <> '{FINAL}' OR held_at IS NOT NULL"
_OPEN_RUNS = "SELECT count(*) FROM runs WHERE status IN ('planned', 'running', 'held')"
_OPEN_DELIVERIES = "SELECT count(*) FROM deliveries WHERE decided_at IS NULL"
_OPEN_SENDS = "SELECT count(*) FROM ledger WHERE state IN ('dispatching', 'unknown', 'held')"

#: Kinds that leave the house.
_SENT = ('"sms"', '"email"')


@dataclass
class Findings:
    """What was counted, and every violation in words, by the promise it breaks."""

    counts: Counter[str] = field(default_factory=Counter)
    violations: dict[str, list[str]] = field(default_factory=dict)

    def add(self, promise: str, words: str) -> None:
        """Note a violation."""
        self.violations.setdefault(promise, []).append(words)

    @property
    def total(self) -> int:
        """How many violations there are."""
        return sum(len(found) for found in self.violations.values())


async def install(store: Store, *, is_postgres: bool = False) -> None:
    """Put the auditor into the database."""
    async with store.write() as tx:
        for statement in _POSTGRES if is_postgres else _SQLITE:
            await tx.run(text(statement))


async def open_ends(store: Store) -> dict[str, int]:
    """Count what is not settled yet."""
    async with store.read() as tx:
        found = {
            name: (await tx.rows(text(query)))[0][0]
            for name, query in (
                ("orders", _OPEN_ORDERS),
                ("runs", _OPEN_RUNS),
                ("events", _OPEN_DELIVERIES),
                ("sends", _OPEN_SENDS),
            )
        }
    return {name: count for name, count in found.items() if count}


async def audit(store: Store, *, taken: set[tuple[str, str, str]], accepted: Counter[str]) -> Findings:
    """Compare everything."""
    findings = Findings()
    async with store.read() as tx:
        events = await tx.rows(text(_EVENTS))
        runs = await tx.rows(text(_RUNS))
        orders = await tx.rows(text(_ORDERS))
        visits = await tx.rows(text(_VISITS))
        ends = await tx.rows(text(_ENDS))
        claims = await tx.rows(text("SELECT send, order_id, visit, current FROM audit ORDER BY n"))
    _events(findings, events, taken=taken)
    _orders(findings, orders, visits=visits)
    _runs(findings, runs, accepted=accepted)
    _claims(findings, claims, accepted=accepted)
    _ends(findings, ends)
    findings.counts["events taken"] = len(taken)
    findings.counts["sends accepted"] = accepted.total()
    findings.counts["claims"] = len(claims)
    findings.counts["visits"] = len(visits)
    return findings


def _events(findings: Findings, rows: Sequence[Any], *, taken: set[tuple[str, str, str]]) -> None:
    known = {(row.source, row.id, row.order_id): row for row in rows}
    for one in sorted(taken):
        if one not in known:
            findings.add("event lost", f"{one} was answered 2xx and is not in the journal")
    for one, row in known.items():
        if row.order_id is not None and row.decided_at is None:
            findings.add("event never decided", f"{one} is {row.state} {row.error}")


def _orders(findings: Findings, rows: Sequence[Any], *, visits: Sequence[Any]) -> None:
    path: dict[str, list[tuple[int, str]]] = {}
    for row in visits:
        path.setdefault(row.order_id, []).append((row.visit, row.stage))
    for row in rows:
        steps = path.get(row.id, [])
        if row.stage != FINAL or row.held_at is not None:
            findings.add("order stuck", f"{row.id} is in '{row.stage}'{', held' if row.held_at else ''}")
        if [number for number, _ in steps] != list(range(1, len(steps) + 1)) or steps[-1][1] != row.stage:
            findings.add("no path", f"{row.id}: {steps}")
        if any(before[1] == after[1] for before, after in itertools.pairwise(steps)):
            findings.add("no path", f"{row.id} entered a stage it was in: {steps}")


def _runs(findings: Findings, rows: Sequence[Any], *, accepted: Counter[str]) -> None:
    for row in rows:
        name = f"{row.order_id} visit {row.visit} {row.rule}"
        if row.status in ("planned", "running", "held"):
            findings.add("run never ended", f"{name}: {row.status} ({row.reason})")
        if row.reason == "internal":
            findings.add("failed on our side", f"{name}: {row.words}")
        if not _leaves_house(row.planned):
            continue
        times = accepted[str(UUID(str(row.id)))]
        findings.counts[f"sends {row.status}"] += 1
        if times > 1:
            findings.add("sent twice", f"{name}: {times} times")
        if times and row.status not in ("done", "running", "planned", "held"):
            findings.add("sent, recorded as not sent", f"{name}: {row.status} ({row.reason}), ledger {row.state}")
        if not times and (row.status == "done" or row.state in ("accepted", "delivered")):
            findings.add("recorded as sent, not sent", f"{name}: {row.status}, ledger {row.state}")
        if row.state in ("dispatching", "unknown", "held") or (times and row.state not in ("accepted", "delivered")):
            findings.add("never settled", f"{name}: ledger {row.state}, accepted {times} times")


def _claims(findings: Findings, rows: Sequence[Any], *, accepted: Counter[str]) -> None:
    claimed = set()
    for row in rows:
        claimed.add(str(UUID(row.send)))
        if row.visit != row.current:
            findings.add("claimed after its stage was left", f"{row.order_id} visit {row.visit}, then {row.current}")
    for send in accepted:
        if send not in claimed:
            findings.add("sent without a claim", send)


def _ends(findings: Findings, rows: Sequence[Any]) -> None:
    for row in rows:
        if _leaves_house(row.planned):
            continue  # a message may arrive after its stage was left; its claim may not
        findings.counts["records ended"] += 1
        if row.visit != row.current:
            name = f"{row.order_id} visit {row.visit} {row.rule}"
            findings.add("carried out after its stage was left", f"{name}, then {row.current}")


def _leaves_house(planned: Any) -> bool:
    kind = planned["kind"] if isinstance(planned, dict) else str(planned).partition('"kind":')[2].lstrip()
    return kind in ("sms", "email") or str(kind).startswith(_SENT)
