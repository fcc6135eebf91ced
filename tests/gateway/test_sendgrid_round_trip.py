"""A mail there and back: our rule, SendGrid's stand-in, its signed events, our gateway, the ledger. Cases 1, 2."""

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace

import pytest
import pytest_asyncio
from temporalio.exceptions import ApplicationError

from activities.providers.sendgrid import SendGridProvider
from activities.store import customers, ledger
from activities.store.database import Store
from activities.store.history import LedgerRecord, LedgerState
from starter.gateway.parts import Parts
from tests.gateway.calling import Caller
from tests.gateway.conftest import Serve
from tests.providers.mails import KEY, account
from tests.rules.desk import Desk
from tests.support.stand_ins.sendgrid import EventFaults, Events, Fate, Habits, SendGridStandIn, signing_key
from workflows.contracts.ids import OrderKey
from workflows.contracts.reasons import RunStatus

ANNA = {"first_name": "Anna", "emails": [{"email": "anna@example.com"}]}


@pytest_asyncio.fixture
async def sendgrid(serve: Serve, parts: Parts) -> AsyncIterator[SendGridStandIn]:
    """SendGrid, which tells a gateway with its public key what becomes of mails."""
    key = signing_key()
    environment = {"ORDERS_SENDGRID_API_KEY": KEY, "ORDERS_SENDGRID_EVENTS_KEY": Events("", key=key).public_key}
    caller: Caller = await serve(replace(parts, environment=environment))
    async with SendGridStandIn(events=Events(f"{caller.url}/hooks/sendgrid/events", key=key)) as running:
        yield running


@pytest.fixture
def desk(store: Store, sendgrid: SendGridStandIn) -> Desk:
    provider = SendGridProvider(account(sendgrid.url, grace_seconds=0), store=store)
    return Desk(store, connected=(provider,))


async def sent(desk: Desk) -> tuple[OrderKey, int]:
    """Let a rule write to the customer; an answer that is lost is only that."""
    key = await desk.order(customer=ANNA)
    visit = await desk.enter(key, "id: mail\nemail: pay-link\nprovider: sendgrid")
    with suppress(ApplicationError):
        await desk.carry_out(key, visit=visit)
    return key, visit


async def told(sendgrid: SendGridStandIn) -> list[int]:
    assert sendgrid.events is not None
    return [call.status for call in await sendgrid.events.post()]


async def row(desk: Desk, key: OrderKey) -> LedgerRecord:
    async with desk.store.read() as tx:
        (found,) = await ledger.rows_of(tx, key)
    return found


async def test_events_settle_a_mail_whose_answer_was_lost(desk: Desk, sendgrid: SendGridStandIn) -> None:
    sendgrid.faults.next(Fate.HANG_AFTER)
    key, visit = await sent(desk)
    assert (await row(desk, key)).state is LedgerState.UNKNOWN
    assert await told(sendgrid) == [204]
    assert (await row(desk, key)).state is LedgerState.DELIVERED
    run = await desk.carry_out(key, visit=visit)
    assert run.status is RunStatus.DONE
    assert (sendgrid.requests, (await row(desk, key)).provider_id) == (1, sendgrid.accepted[0].id)


async def test_events_name_the_mail_as_its_answer_did(desk: Desk, sendgrid: SendGridStandIn) -> None:
    key, _ = await sent(desk)
    assert (await row(desk, key)).provider_id == sendgrid.accepted[0].id
    assert await told(sendgrid) == [204]
    assert (await row(desk, key)).state is LedgerState.DELIVERED


async def test_doubled_events_in_disorder_end_the_same(desk: Desk, sendgrid: SendGridStandIn) -> None:
    """Cases 31, 32."""
    assert sendgrid.events is not None
    sendgrid.events.faults = EventFaults(doubled=1.0, is_shuffled=True)
    key, _ = await sent(desk)
    assert await told(sendgrid) == [204]
    assert (await row(desk, key)).state is LedgerState.DELIVERED


async def test_address_that_bounced_gets_no_more_mails(desk: Desk, sendgrid: SendGridStandIn) -> None:
    assert sendgrid.events is not None
    sendgrid.events.habits = Habits(bounces=frozenset({"anna@example.com"}))
    key, _ = await sent(desk)
    assert await told(sendgrid) == [204]
    assert (await row(desk, key)).state is LedgerState.FAILED
    async with desk.store.read() as tx:
        assert await customers.is_suppressed(tx, channel="email", address="anna@example.com")
