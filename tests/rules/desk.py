"""A shop with a real store and real pipelines, where one rule at a time is carried out by the product's activities."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from textwrap import dedent

from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.actions import ACTIONS, KINDS
from activities.actions.protocol import Premises
from activities.providers.guard import Guard, GuardOptions
from activities.providers.outbox import OutboxProvider
from activities.providers.protocol import Provider
from activities.providers.registry import Providers
from activities.providers.secrets import Secrets
from activities.providers.typst import TypstProvider
from activities.providers.webhook import WebhookProvider
from activities.records import Records
from activities.runtime.replies import Replies
from activities.runtime.tokens import Tokens
from activities.sends import Sends
from activities.shelf import Shelf
from activities.store import customers, employees, journal, notices, orders, outbox, pipelines, runs, visits
from activities.store.database import Store
from activities.store.history import EventRecord, NoticeRecord, OutboxRecord, RunRecord
from activities.store.records import Department, NewCustomer, NewEmployee, NewOrder, OrderRecord
from activities.store.visits import Entry
from tests.rules.receiver import erp_lookup, erp_trust
from workflows.contracts.ids import OrderKey
from workflows.contracts.runs import RunItem, RunsRequest
from workflows.pipeline import planning
from workflows.pipeline.documents import Documents
from workflows.pipeline.frozen import freeze
from workflows.pipeline.loader import load
from workflows.pipeline.problems import as_text

NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

_PIPELINE = """
pipeline: shop
title: Online store
shop: Demo Shop
timezone: Europe/Warsaw
languages: [en, pl]
quiet_hours: {quiet_hours}
fields: {{size: text, weight: number, deposit: money, pickup: date, gift: bool, labels: list}}
vars: {{packers: "role:warehouse"}}
defaults: {defaults}
stages:
  new:
    title: Accepted
    rules:
{rules}
  paid:
    title: Paid
  cancelled:
    title: Cancelled
    kind: failure
messages:
  thanks:
    en: "{{{{ customer.first_name }}}}, thank you for order {{{{ order.number }}}}."
    pl: "{{{{ customer.first_name }}}}, dziękujemy za zamówienie {{{{ order.number }}}}."
  pay-link:
    subject: {{en: "Pay for order {{{{ order.number }}}}", pl: "Opłać zamówienie {{{{ order.number }}}}"}}
    en: "Please **pay**: https://shop.example/pay/{{{{ order.token }}}}"
    pl: "Prosimy o **płatność**: https://shop.example/pay/{{{{ order.token }}}}"
"""


@dataclass
class Desk:
    """The shop. `now` is the present moment of what is done next."""

    store: Store
    now: datetime = NOW
    default_mailbox: str = "shop@example.com"
    environment: dict[str, str] = field(default_factory=lambda: {"ORDERS_SECRET_WEBHOOK": SECRET})
    mailboxes: frozenset[str] = frozenset()
    public_url: str = ""
    tokens: Tokens | None = None
    replies: Replies | None = None
    connected: tuple[Provider, ...] = ()
    quiet_hours: str = "off"
    documents: Documents | None = None

    async def employee(self, id: str, **fields: object) -> None:
        """Hire somebody."""
        async with self.store.write() as tx:
            await employees.put(tx, NewEmployee.model_validate({"id": id, **fields}), now=self.now)

    async def department(self, id: str, *, head: str | None = None) -> None:
        """Found a department."""
        async with self.store.write() as tx:
            await employees.put_department(tx, Department(id=id, head=head))

    async def customer(self, id: str, **fields: object) -> None:
        """Store a customer."""
        async with self.store.write() as tx:
            await customers.create(tx, NewCustomer.model_validate({"id": id, **fields}), now=self.now)

    async def order(self, number: str = "1001", **fields: object) -> OrderKey:
        """Take an order."""
        new = NewOrder.model_validate({"number": number, "token": f"t_{number}_", **fields})
        async with self.store.write() as tx:
            return (await orders.create(tx, new, now=self.now)).key

    async def enter(self, key: OrderKey, *rules: str, defaults: str = "{}") -> int:
        """Publish a pipeline with these rules in its first stage and let the order enter it; return the visit."""
        written = "\n".join("      - " + dedent(rule).strip().replace("\n", "\n        ") for rule in rules)
        text = _PIPELINE.format(rules=written, defaults=defaults, quiet_hours=self.quiet_hours)
        loaded = load(text, file="shop.yaml", kinds=KINDS, documents=self.documents)
        assert loaded.pipeline is not None, as_text(loaded.problems)
        frozen = freeze(text, loaded.pipeline, years=range(2026, 2028))
        async with self.store.write() as tx:
            version = await pipelines.publish(
                tx,
                name="shop",
                text=text,
                frozen_json=frozen.model_dump_json(),
                reopens=[],
                fields={name: str(kind) for name, kind in loaded.pipeline.fields.items()},
                author="test",
                now=self.now,
            )
            standing = await visits.lock(tx, key)
            assert standing is not None
            visit = standing.visit + 1
            view = await orders.view(tx, key, visit=visit)
            plan = planning.plan(loaded.pipeline, stage="new", visit=visit, view=view, now=self.now)
            entry = Entry(
                visit=visit,
                stage="new",
                stage_kind=loaded.pipeline.stages["new"].kind,
                version=version,
                cause_source="test",
                cause_id=f"{key}:{visit}",
                cause_type="order.created",
                is_automatic=True,
                at=self.now,
                runs=tuple(plan.runs),
                card=plan.card,
            )
            await visits.enter(tx, key, entry=entry)
        return visit

    async def run(self, key: OrderKey, rule: str, *, defaults: str = "{}") -> RunRecord:
        """Enter a stage that has just this rule, and carry it out."""
        visit = await self.enter(key, rule, defaults=defaults)
        return await self.carry_out(key, visit=visit)

    async def carry_out(self, key: OrderKey, *, visit: int, rule: str | None = None) -> RunRecord:
        """Carry a rule of the visit out (the first one unless named) and return how the store shows its run."""
        async with self.store.read() as tx:
            rows = await runs.runs_of(tx, key, visit=visit)
        row = next(row for row in rows if rule in (None, row.rule))
        request = RunsRequest(key=key, visit=visit, now=self.now, items=[RunItem(rule=row.rule, kind=row.kind)])
        shelf = Shelf(KINDS)
        if ACTIONS[row.kind].record is not None:
            await Records(self.store, shelf=shelf, actions=ACTIONS).record(request)
        else:
            await self._send(request, shelf=shelf)
        async with self.store.read() as tx:
            found = await runs.run_of(tx, key, visit=visit, rule=row.rule)
        assert found is not None
        return found

    async def _send(self, request: RunsRequest, *, shelf: Shelf) -> None:
        # As `connect` builds them, but erp.example is this machine and its certificate is trusted.
        guard = Guard(GuardOptions(allows_private=True), lookup=erp_lookup, tls=erp_trust())
        webhooks = WebhookProvider(guard, secrets=Secrets(self.environment))
        providers = Providers((*self.connected, OutboxProvider(self.store), TypstProvider(self.store), webhooks))
        premises = Premises(
            public_url=self.public_url,
            tokens=self.tokens,
            replies=self.replies,
            default_mailbox=self.default_mailbox,
            mailboxes=self.mailboxes,
        )
        sends = Sends(self.store, shelf=shelf, actions=ACTIONS, providers=providers, premises=premises)
        environment = ActivityEnvironment()
        try:
            await environment.run(sends.send, request)
        except ApplicationError as error:
            # A failure for good is recorded before it is raised; anything else is the test's.
            if not error.non_retryable:
                raise

    async def read(self, key: OrderKey) -> OrderRecord:
        """Look an order up."""
        async with self.store.read() as tx:
            return await orders.get(tx, key)

    async def outbox(self) -> list[OutboxRecord]:
        """List what would have been sent, by address."""
        async with self.store.read() as tx:
            return sorted((await outbox.page(tx)).items, key=lambda record: record.address)

    async def notices(self, key: OrderKey) -> list[NoticeRecord]:
        """List the notices about an order."""
        async with self.store.read() as tx:
            return await notices.of_order(tx, key)

    async def events(self, key: OrderKey) -> list[EventRecord]:
        """List an order's events, the oldest first."""
        async with self.store.read() as tx:
            return (await journal.events_of(tx, key)).items


def days(count: int) -> timedelta:
    """Return so many days."""
    return timedelta(days=count)
