"""A worker process brings notices and answers; killed at either side of a send, its successor settles what it left."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from temporalio.client import Client

from activities.store import answers, chats, employees, journal, notices, outbox, parked, visitors
from activities.store.chats import ConversationRecord
from activities.store.database import Store
from activities.store.history import LedgerState, NewNotice, NoticeRecord, OutboxRecord
from activities.store.journal import Arrival
from activities.store.records import NewEmployee
from tests.support.house import PATIENCE, store_at
from tests.support.temporal import temporal_client, temporal_server

__all__ = ["temporal_client", "temporal_server"]

ROOT = Path(__file__).parents[2]
ICS = {"name": "call.ics", "media_type": "text/calendar", "text": "BEGIN:VCALENDAR"}


async def tell(store: Store) -> None:
    now = datetime.now(UTC)
    async with store.write() as tx:
        await employees.put(tx, NewEmployee(id="olga", notify="email", email="olga@shop.example"), now=now)
        told = NewNotice(employee="olga", text="Call her back", ref="r-1", file=ICS)
        await notices.add(tx, notices=[told], key=None, now=now)


@asynccontextmanager
async def worker(folder: Path, client: Client, *, faults: str = "", days: int = 90) -> AsyncIterator[Process]:
    """Run a worker process on the store of the folder."""
    environment = os.environ | {
        "ORDERS_STORE_URL": f"sqlite+aiosqlite:///{folder / 'orders.db'}",
        "ORDERS_DEFAULT_MAILBOX": "shop@shop.example",
        "ORDERS_LEASE_SECONDS": "5",
        "ORDERS_FAULTS": faults,
        "ORDERS_VISITOR_DAYS": str(days),
        "ORDERS_STRAY_DAYS": str(days),
        "TEMPORAL_ADDRESS": client.service_client.config.target_host,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "worker", "--queue", "orders", cwd=ROOT, env=environment
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.wait()


async def accepted(store: Store) -> NoticeRecord:
    """Wait until the notice was taken."""
    async with asyncio.timeout(PATIENCE):
        while True:
            async with store.read() as tx:
                (notice,) = (await notices.of_employee(tx, employee="olga")).items
            if notice.state is LedgerState.ACCEPTED:
                return notice
            await asyncio.sleep(0.1)


async def sent(store: Store) -> list[OutboxRecord]:
    async with store.read() as tx:
        return list((await outbox.page(tx)).items)


async def test_worker_process_brings_what_is_due_and_stops_well(tmp_path: Path, temporal_client: Client) -> None:
    """Covers E12, E21."""
    async with store_at(tmp_path) as store:
        await tell(store)
        async with worker(tmp_path, temporal_client) as process:
            await accepted(store)
        assert process.returncode == 0
        (message,) = await sent(store)
    assert (message.channel, message.address, message.sender) == ("email", "olga@shop.example", "shop@shop.example")
    assert [file["name"] for file in message.attachments] == ["call.ics"]


@pytest.mark.parametrize("step", ["claimed", "sent"])
async def test_notice_of_a_killed_worker_leaves_once(tmp_path: Path, temporal_client: Client, step: str) -> None:
    """Covers M61."""
    async with store_at(tmp_path) as store:
        await tell(store)
        async with worker(tmp_path, temporal_client, faults=f"{step}=1.0") as killed:
            assert await killed.wait() == -signal.SIGKILL
        assert len(await sent(store)) == (1 if step == "sent" else 0)
        async with worker(tmp_path, temporal_client):
            await accepted(store)
        assert len(await sent(store)) == 1


async def type_answer(store: Store) -> ConversationRecord:
    """A customer writes in WhatsApp, and an employee answers."""
    now = datetime.now(UTC)
    async with store.write() as tx:
        received = await chats.receive(
            tx, medium="whatsapp", address="+48501234567", text="Hello", ref="SM1", at=now, shop="shop"
        )
        chat = received.conversation
        line = await chats.add_outbound(tx, conversation=chat.id, text="Good day", ref="r-1", author="olga", at=now)
        await answers.plan(tx, chat=chat, message=line.id, ref="r-1", now=now)
    return chat


async def answered(store: Store, chat: ConversationRecord) -> None:
    """Wait until the answer was taken."""
    async with asyncio.timeout(PATIENCE):
        while True:
            async with store.read() as tx:
                line = await chats.find(tx, conversation=chat.id, ref="r-1")
            if line is not None and line.state is LedgerState.ACCEPTED:
                return
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("step", ["claimed", "sent"])
async def test_answer_of_a_killed_worker_leaves_once(tmp_path: Path, temporal_client: Client, step: str) -> None:
    """Covers M61, C4: the worker dies between the claim and the record of the answer."""
    async with store_at(tmp_path) as store:
        chat = await type_answer(store)
        async with worker(tmp_path, temporal_client, faults=f"{step}=1.0") as killed:
            assert await killed.wait() == -signal.SIGKILL
        assert len(await sent(store)) == (1 if step == "sent" else 0)
        async with worker(tmp_path, temporal_client):
            await answered(store, chat)
        (message,) = await sent(store)
    assert (message.channel, message.address, message.body) == ("chat", "+48501234567", "Good day")
    assert message.details["medium"] == "whatsapp"


async def test_worker_process_forgets_strangers_and_what_they_left(tmp_path: Path, temporal_client: Client) -> None:
    """Covers T17: `ORDERS_VISITOR_DAYS` and `ORDERS_STRAY_DAYS` are read."""
    now = datetime.now(UTC)
    async with store_at(tmp_path) as store:
        async with store.write() as tx:
            for id, days in (("v-1", 4), ("v-2", 2)):
                then = now - timedelta(days=days)
                await visitors.see(tx, id=id, shop="shop", now=then)
                await journal.park(tx, Arrival("chat", id, "chat.message", then, raw=b"x"), problem="new", now=then)
        async with worker(tmp_path, temporal_client, days=3), asyncio.timeout(PATIENCE):
            while True:
                if not await _is_known(store, "v-1") and len(await _waiting(store)) == 1:
                    break
                await asyncio.sleep(0.1)
        assert await _is_known(store, "v-2")
        assert await _waiting(store) == ["v-2"]


async def _is_known(store: Store, visitor: str) -> bool:
    async with store.read() as tx:
        return await visitors.find(tx, id=visitor) is not None


async def _waiting(store: Store) -> list[str]:
    async with store.read() as tx:
        return [one.event for one in (await parked.page(tx, now=datetime.now(UTC))).items]
