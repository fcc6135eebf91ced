"""Deleted orders and customers: nothing readable is left, on either database; what happened stays as figures."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, text

from activities.store import (
    claims,
    customers,
    employees,
    erasing,
    journal,
    ledger,
    lists,
    notices,
    orders,
    outbox,
    parcels,
    posts,
    runs,
    suppressions,
    tasks,
    timeline,
    visits,
)
from activities.store.database import NotFound, Store, Tx
from activities.store.history import LedgerState, NewEntry, NewNotice, NewTask, OutboxRecord, TaskStatus, TimelineKind
from activities.store.posts import NewPost
from activities.store.records import CustomerRef, NewEmployee
from activities.store.tables import (
    CALLS,
    CHAT_MESSAGES,
    CONVERSATIONS,
    DOCUMENTS,
    LINKS,
    METADATA,
    VISITORS,
    WHISPERS,
)
from activities.store.visits import RunEnd
from tests.store.builders import KEY, NOW, arrival, claim_of, later, planned, put_order, take
from workflows.contracts.ids import OrderKey, run_id
from workflows.contracts.reasons import EventReason, RunReason, RunStatus

#: A word that only the customer's own data holds.
SECRET = "Xanthippe"

SMS, MAIL = planned("sms"), planned("mail")
SEND = run_id(KEY, 1, "sms")


async def full_order(store: Store) -> None:
    """Store an order that holds the secret wherever a text can be."""
    await put_order(
        store,
        runs=(SMS, MAIL, planned("later", due=later(days=2))),
        note=SECRET,
        tags=[SECRET],
        fields={"size": SECRET},
        items=[{"sku": SECRET, "name": SECRET, "quantity": "2", "price": "50"}],
        customer={"id": "anna", "first_name": SECRET, "emails": [{"email": f"{SECRET}@example.com"}]},
        total="100",
    )
    await take(store, arrival("payment.received", data={"amount": "10", "reference": SECRET}, raw=SECRET.encode()))
    await take(store, arrival("shipment.shipped", id="e2", data={"tracking_number": SECRET, "tracking_url": SECRET}))
    await take(store, arrival("call.incoming", id="e3", data={"line": SECRET}))
    async with store.write() as tx:
        await employees.put(tx, NewEmployee(id="olga", notify="email", email="olga@shop.example"), now=NOW)
        await claims.claim(tx, claim=claim_of())
        await visits.lock(tx, KEY)
        end = RunEnd(
            RunStatus.DONE, RunReason.DONE, NOW, words=SECRET, results={"a": SECRET}, compared=(("b", SECRET),)
        )
        runs.finish_later(tx, KEY, visit=1, rule="mail", end=end)
        await timeline.add(tx, KEY, entry=NewEntry(kind=TimelineKind.LOG, text=SECRET, at=NOW, data={"x": SECRET}))
        task = NewTask(id=uuid4(), title=SECRET, description=SECRET, place=SECRET, checklist=[{"text": SECRET}])
        await tasks.add(tx, KEY, task=task, now=NOW)
        told = NewNotice(employee="olga", text=SECRET, ref="r", file={"name": "call.ics", "text": SECRET})
        await notices.add(tx, notices=[told], key=KEY, now=NOW)
        await lists.add(tx, KEY, id=uuid4(), to="all", fields={"a": SECRET}, now=NOW)
        await posts.add(tx, KEY, post=NewPost(ref="p", title=SECRET, text=SECRET), now=NOW)
        for send_id in (SEND, parcels.send_id(reader="olga", ref="r")):
            await outbox.put(tx, record=message(send_id))
        await _papers_and_talks(tx)


def message(send_id: UUID) -> OutboxRecord:
    return OutboxRecord(
        send_id=send_id,
        provider_id=f"outbox-{send_id}",
        channel="email",
        address=SECRET,
        subject=SECRET,
        body=SECRET,
        html=SECRET,
        headers={"x": SECRET},
        details={"x": SECRET},
        at=NOW,
    )


async def _papers_and_talks(tx: Tx) -> None:
    talk, order = uuid4(), str(KEY)
    document = {"id": uuid4(), "order_id": order, "template": "invoice", "number": "1", "name": SECRET}
    document |= {"media_type": "application/pdf", "language": "en", "is_signed": False, "content": SECRET.encode()}
    await tx.run(insert(DOCUMENTS), document | {"token": "t1", "rule": "doc", "created_at": NOW})
    link = {"token": "t2", "order_id": order, "send_id": SEND, "rule": "sms", "url": SECRET, "created_at": NOW}
    await tx.run(insert(LINKS), link)
    call = {"send_id": uuid4(), "order_id": order, "text": SECRET, "language": "en", "voice": "", "rate": 100}
    call |= {"volume": 0, "audio": SECRET, "status": "", "answered_by": "", "created_at": NOW}
    await tx.run(insert(CALLS), call)
    chat = {"id": talk, "shop": "shop", "medium": "whatsapp", "address": SECRET, "customer_id": "anna"}
    chat |= {"language": "en", "is_open": True, "created_at": NOW, "last_at": NOW}
    await tx.run(insert(CONVERSATIONS), chat)
    said = {"conversation": talk, "ref": "1", "author": "x", "text": SECRET, "order_id": order, "at": NOW}
    await tx.run(insert(CHAT_MESSAGES), said | {"is_inbound": True})
    await tx.run(insert(WHISPERS), said)
    visitor = {"id": "v1", "shop": "shop", "customer_id": "anna", "forms": [SECRET], "visits": 1}
    await tx.run(insert(VISITORS), visitor | {"visit_started_at": NOW, "seen_at": NOW})


async def erase(store: Store, key: OrderKey = KEY) -> None:
    async with store.write() as tx:
        await visits.lock(tx, key)
        await erasing.order(tx, key, now=later(days=1))


async def holding(store: Store, secret: str = SECRET) -> list[str]:
    """List the tables and columns in which the secret can be read."""
    found = []
    async with store.read() as tx:
        for table in METADATA.sorted_tables:
            for row in await tx.rows(text(f"SELECT * FROM {table.name}")):
                found += [
                    f"{table.name}.{name}" for name, value in row._asdict().items() if secret.lower() in shown(value)
                ]
    return sorted(set(found))


def shown(value: object) -> str:
    return (value.decode(errors="replace") if isinstance(value, bytes | memoryview) else str(value)).lower()


async def test_nothing_of_a_deleted_order_can_be_read_but_the_customers_card(store: Store) -> None:
    """Covers E15."""
    await full_order(store)
    assert len({place.partition(".")[0] for place in await holding(store)}) > 15
    await erase(store)
    theirs = {"customers.first_name", "customers.email", "conversations.address", "visitors.forms"}
    assert {place for place in await holding(store) if not place.startswith("customer_terms")} == theirs


async def test_history_of_a_deleted_order_stays_without_words(store: Store) -> None:
    """Covers E15."""
    await full_order(store)
    await erase(store)
    async with store.read() as tx:
        order = await orders.get(tx, KEY)
        assert (order.is_deleted, order.customer_id, order.total, order.paid_amount) == (True, None, 100, 10)
        assert [(item.quantity, item.price, item.name) for item in order.items] == [(2, 50, "")]
        assert {event.type for event in (await journal.events_of(tx, KEY)).items} >= {"payment.received"}
        by_rule = {run.rule: run for run in await runs.runs_of(tx, KEY, visit=1)}
        assert [task.status for task in await tasks.of_order(tx, KEY)] == [TaskStatus.CLOSED]
    assert by_rule["mail"].status is RunStatus.DONE
    assert (by_rule["later"].status, by_rule["later"].reason) == (RunStatus.STOPPED, RunReason.AUTOMATION_STOPPED)
    assert by_rule["sms"].status is RunStatus.RUNNING


async def test_lost_send_of_a_deleted_order_still_settles_and_is_not_sent_again(store: Store) -> None:
    """Covers case 58."""
    await full_order(store)
    await erase(store)
    async with store.write() as tx:
        answer = await claims.claim(tx, claim=claim_of(now=later(days=1), over=None))
        assert isinstance(answer, claims.Unsettled)
        assert answer.state is LedgerState.UNKNOWN
        await ledger.settle(tx, send_id=SEND, to=LedgerState.PLANNED, now=later(days=1))
        refused = await claims.claim(tx, claim=claim_of(now=later(days=1)))
        assert isinstance(refused, claims.Refused)
        assert refused.reason is RunReason.AUTOMATION_STOPPED
        row = await ledger.row(tx, send_id=SEND)
    assert row is not None


async def test_events_of_a_deleted_order_are_nobodys(store: Store) -> None:
    await full_order(store)
    await erase(store)
    with pytest.raises(NotFound):
        await take(store, arrival("call.incoming", id="e9"))
    async with store.read() as tx:
        reasons = {event.reason for event in (await journal.events_of(tx, KEY)).items}
    assert reasons == {EventReason.UNKNOWN_ORDER}


async def test_event_that_went_to_a_kept_order_too_is_kept(store: Store) -> None:
    await put_order(store)
    other = await put_order(store, number="1002")
    await take(store, arrival("call.incoming", data={"line": SECRET}, orders=(KEY, other)))
    await erase(store)
    assert await holding(store) == ["events.data"]
    await erase(store, other)
    assert await holding(store) == []


async def test_notice_of_a_deleted_order_does_not_leave_any_more(store: Store) -> None:
    await full_order(store)
    await erase(store)
    async with store.write() as tx:
        (parcel,) = await parcels.claim(tx, now=later(days=1), limit=9, lease=timedelta(minutes=1), graces={})
    assert (parcel.text, parcel.file) == ("", None)


async def test_deleting_twice_changes_nothing(store: Store) -> None:
    await full_order(store)
    await erase(store)
    await erase(store)
    async with store.read() as tx:
        assert (await orders.get(tx, KEY)).is_deleted


async def test_erased_customer_is_gone_with_all_that_was_said(store: Store) -> None:
    await full_order(store)
    await put_order(store, number="1002", customer=None, customer_id="anna", note=SECRET)
    async with store.write() as tx:
        address = f"{SECRET}@example.com"
        await suppressions.suppress(tx, channel="email", address=address, reason="unsubscribed", now=NOW)
        erased = await erasing.customer(tx, id="anna", now=later(days=1))
    assert [key.number for key in erased.orders] == ["1001", "1002"]
    assert await holding(store) == []
    async with store.read() as tx:
        with pytest.raises(NotFound):
            await customers.get(tx, id="anna")
        assert await customers.find(tx, ref=CustomerRef(email=address)) == []
        assert await suppressions.is_suppressed(tx, channel="email", address=address)
        assert [(await orders.get(tx, key)).is_deleted for key in erased.orders] == [True, True]


async def test_company_leaves_its_contacts(store: Store) -> None:
    async with store.write() as tx:
        await customers.create(tx, customer("acme", kind="company", company="ACME"), now=NOW)
        await customers.create(tx, customer("ewa", company_id="acme"), now=NOW)
        assert await erasing.customer(tx, id="acme", now=NOW) == erasing.Erased()
        assert (await customers.get(tx, id="ewa")).company_id is None
        with pytest.raises(NotFound):
            await erasing.customer(tx, id="acme", now=NOW)


def customer(id: str, **fields: object) -> customers.NewCustomer:
    return customers.NewCustomer.model_validate({"id": id, **fields})
