"""One visit of an order on the bench: locked, with its runs' rows, while rules of it are carried out."""

from dataclasses import dataclass, field
from datetime import datetime

from activities.actions.protocol import Premises, RunContext
from activities.shelf import Shelf
from activities.store import orders, runs, visits
from activities.store.database import NotFound, Tx
from activities.store.history import RunRecord
from activities.store.visits import Standing
from workflows.contracts.ids import OrderKey, run_id
from workflows.contracts.plans import PlannedRun
from workflows.pipeline.fields import OrderView
from workflows.pipeline.model import Pipeline, Rule


@dataclass
class Bench:
    """One visit of an order with its rows locked, while runs of it are carried out in one transaction.

    `seen` is what conditions and texts see, once somebody looked; `put_off` are the runs that have to wait again.
    """

    key: OrderKey
    visit: int
    now: datetime
    standing: Standing
    pipeline: Pipeline
    rows: dict[str, RunRecord]
    pace: float = 1.0
    seen: OrderView | None = None
    put_off: set[str] = field(default_factory=set)

    @classmethod
    async def load(cls, tx: Tx, shelf: Shelf, *, key: OrderKey, visit: int, now: datetime, pace: float) -> "Bench":
        """Lock an order and read what its runs need. Raise NotFound for an order or a visit that does not exist."""
        standing = await visits.lock(tx, key)
        if standing is None:
            raise NotFound("order", str(key))
        version = standing.version
        if standing.visit != visit:
            record = await visits.visit_of(tx, key, visit=visit)
            if record is None:
                raise NotFound("visit", f"{key} {visit}")
            version = record.version
        pipeline = await shelf.get(tx, name=standing.pipeline, version=version)
        rows = {row.rule: row for row in await runs.runs_of(tx, key, visit=visit)}
        return cls(key, visit, now, standing, pipeline, rows, pace)

    def context(self, rule: Rule, *, premises: Premises = Premises(), attempt: int = 1) -> RunContext:
        """Return what an action gets."""
        return RunContext(
            key=self.key,
            visit=self.visit,
            stage=self.stage,
            rule=rule,
            pipeline=self.pipeline,
            view=self.view,
            now=self.now,
            run=self.rows[rule.id].id,
            premises=premises,
            attempt=attempt,
        )

    @property
    def stage(self) -> str:
        """The stage of the visit, which may have been left."""
        return next((row.stage for row in self.rows.values()), self.standing.stage)

    @property
    def view(self) -> OrderView:
        """What conditions and texts see; `look` reads it."""
        if self.seen is None:
            raise RuntimeError("nobody has looked at the order")
        return self.seen

    async def look(self, tx: Tx) -> OrderView:
        """Read what conditions and texts see, unless it is known."""
        if self.seen is None:
            results = {row.rule: row.results for row in self.rows.values() if row.results}
            self.seen = await orders.view(tx, self.key, visit=self.visit, results=results)
        return self.seen


def planned_row(key: OrderKey, *, visit: int, stage: str, run: PlannedRun) -> RunRecord:
    """Return the row of a run that was just planned."""
    return RunRecord(
        id=run_id(key, visit, run.rule),
        visit=visit,
        stage=stage,
        rule=run.rule,
        kind=run.kind,
        title=run.title,
        after=run.after,
        due=run.due,
        has_wait=run.has_wait,
        status=run.status,
        reason=run.reason,
        words=run.words,
        started_at=None,
        ended_at=None,
        results={},
        compared=[],
    )
