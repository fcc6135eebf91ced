"""A customer who did everything is erased: every column of every table is searched for what they could be known by."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest_asyncio
from sqlalchemy import text
from temporalio.client import Client

from activities.courier import Courier, Rhythm
from activities.papers import documents_beside
from activities.providers.registry import Connecting, connect
from activities.store import chats, visitors
from activities.store.database import Store
from activities.store.tables import METADATA
from tests.gateway.calling import Caller
from tests.gateway.chatting import Guest, answered
from tests.gateway.filling import SURVEY, visitor_token
from tests.life.pipelines import stages
from tests.life.test_every_trigger import (
    BACK,
    FORMS,
    KNOWN,
    LINE,
    MAILBOX,
    NUMBER,
    PHONE,
    World,
    accounts,
    gateway,
)
from tests.sources import test_inbound_mail as mails
from tests.sources import test_payments_and_parcels as parcels
from tests.sources import test_sendgrid as sendgrid
from tests.sources import test_twilio as twilio
from tests.store.conftest import postgres, sqlite_template, sqlite_url, url
from tests.support.house import House
from workflows.contracts.reasons import RunStatus

__all__ = ["accounts", "gateway", "postgres", "sqlite_template", "sqlite_url", "url"]

FIRST, LAST, STREET, WORD = "Xanthippe", "Quillfeather", "Nightingale Lane", "Zugvogel"
MESSENGER = "4455667788990011"

XANTHIPPE = {
    "id": "customer-of-ours",
    "first_name": FIRST,
    "last_name": LAST,
    "phones": [{"number": PHONE, "type": "mobile"}],
    "emails": [{"email": MAILBOX}],
    "visitors": [KNOWN],
    "language": "en",
    "country": "PL",
    "time_zone": "Europe/Warsaw",
    "fields": {"street": STREET},
}

PIOTR_PHONE, PIOTR_MAILBOX = "+48609876543", "piotr@others.example"
PIOTR = {
    "id": "piotr",
    "first_name": "Piotr",
    "last_name": "Otherman",
    "phones": [{"number": PIOTR_PHONE}],
    "emails": [{"email": PIOTR_MAILBOX}],
    "country": "PL",
}

#: What must be nowhere afterwards, in small letters; a plain hash of a number is as good as the number.
SECRETS = {
    "name": "xanthippe",
    "family name": "quillfeather",
    "number": "601234567",
    "mail address": MAILBOX,
    "street": "nightingale",
    "words": "zugvogel",
    "visitor": KNOWN,
    "visitor who filled in a form": BACK,
    "Messenger's id": MESSENGER,
    "hash of the number": sha256(PHONE.encode()).hexdigest(),
    "hash of the address": sha256(MAILBOX.encode()).hexdigest(),
}

#: What of the others must stay as it is.
OTHERS = ("otherman", "by-him", "609876543", PIOTR_MAILBOX, ":1002", "of a stranger")

SHOP = stages(
    """\
  new:
    title: New
    rules:
      - id: mail
        email: "Hello {{ customer.first_name }}, [pay](https://shop.example/pay?who={{ customer.last_name }})"
        subject: "{{ customer.last_name }}"
        transactional: true
      - {id: bill, document: invoice, signature: true}
      - {id: text, sms: "Dear {{ customer.first_name }}", transactional: true}
      - {id: ring, robocall: "Dear {{ customer.first_name }}", transactional: true}
      - {id: note, comment: "{{ customer.first_name }} lives at {{ customer.fields.street }}"}
      - {id: todo, task: "Call {{ customer.first_name }}", description: "{{ customer.phone }}", to: responsible}
      - {id: talk, plan_call: "Ring {{ customer.first_name }}", at: 2d}
      - {id: tell, notify: "{{ customer.first_name }} is here", to: responsible}
      - {id: post, feed: "{{ customer.first_name }} bought something"}
      - {id: listed, list_item: buyers, fields: {who: "{{ customer.email }}"}}
  reached:
    kind: success
    triggers: [{webhook: write}]
    rules:
      - {id: chat, chat: "Dear {{ customer.first_name }}", transactional: true}
      - {id: hint, chat: "Careful with {{ customer.last_name }}", whisper: true}
""",
    head=FORMS,
)


@pytest_asyncio.fixture
async def house(url: str, temporal_client: Client) -> AsyncIterator[House]:
    """A house on either database."""
    store = await Store.open(url)
    house = House(store, temporal_client)
    yield house
    await house.close()
    await store.close()


@asynccontextmanager
async def carrying(house: House) -> AsyncIterator[None]:
    """Run the courier of the workers."""
    providers = connect(Connecting(house.store, client=house.client, allows_private=True))
    courier = asyncio.create_task(
        Courier(house.store, providers=providers, rhythm=Rhythm(poll=timedelta(milliseconds=50))).run()
    )
    try:
        yield
    finally:
        courier.cancel()
        with suppress(asyncio.CancelledError):
            await courier


class Person(World):
    """All that somebody does, before and after the shop knows them."""

    def __init__(
        self, house: House, gateway: Caller, *, phone: str, mailbox: str, mark: str, tag: str, order: str
    ) -> None:
        super().__init__(house, gateway)
        self._phone, self._mailbox, self._mark, self._tag, self._order = phone, mailbox, mark, tag, order

    async def before_they_are_known(self) -> None:
        """Call, write and pay, of which nobody knows whose it is."""
        mark, tag = self._mark, self._tag
        await self._call("/hooks/twilio/call", CallSid=f"CA-{tag}-1")
        await self._call("/hooks/twilio/message", From=f"whatsapp:{self._phone}", Body=mark, MessageSid=f"SM-{tag}-1")
        await self._call("/hooks/twilio/message", Body=mark, MessageSid=f"SM-{tag}-2")
        await self._mail_of(self._mailbox, text=mark, id=f"{tag}-1")
        await self._mail_of(self._mailbox, text=mark, id=f"{tag}-2", header="Auto-Submitted: auto-replied\n")
        await self._mail_of("nobody@elsewhere.example", text=self._encoded(), id=f"{tag}-3", is_encoded=True)
        intent = {"id": f"pi_{tag}", "amount_received": 100, "currency": "eur", "receipt_email": self._mailbox}
        event = parcels.stripe_event(f"evt-{tag}", "payment_intent.succeeded", intent)
        await self._vendor(parcels.stripe_call(event))
        body = {"customer": {"phone": self._phone}, "type": "call.missed", "id": f"api-{tag}", "data": {"said": mark}}
        answer = await self._gateway.post("/v1/events", body)
        assert answer.status == 202, answer
        dismissed = (await self._gateway.get("/v1/events/parked")).body["items"][-1]["id"]
        assert (await self._gateway.post(f"/v1/events/parked/{dismissed}/dismiss")).status == 200

    async def afterwards(self) -> None:
        """Call, write, pay and look at pages as a customer."""
        mark, tag = self._mark, self._tag
        await self._call("/hooks/twilio/call-status", CallSid=f"CA-{tag}-2", CallStatus="no-answer")
        await self._call("/hooks/twilio/message", From=f"whatsapp:{self._phone}", Body=mark, MessageSid=f"SM-{tag}-3")
        await self._call("/hooks/twilio/message", Body=mark, MessageSid=f"SM-{tag}-4")
        await self._mail_of(self._mailbox, text=mark, id=f"{tag}-4")
        await self._mail_of(self._mailbox, text=mark, id=f"{tag}-5", header="Precedence: bulk\n")
        await self._vendor(parcels.stripe_call(parcels.paid(units=1000, id=f"pi_of_{tag}", order=self._order)))
        too_much = parcels.paid(units=900_000, id=f"pi_big_{tag}", order=self._order)
        await self._vendor(parcels.stripe_call(too_much))
        await self._vendor(parcels.parcel("InTransit", id=f"a-{tag}", order=self._order, tracking=f"JJD0099{tag}"))

    async def _call(self, path: str, **form: str) -> None:
        await self._twilio_of({"From": self._phone, "To": LINE, **form}, path)

    async def _twilio_of(self, form: dict[str, str], path: str) -> None:
        await self._vendor(twilio.signed(path, **form))

    def _encoded(self) -> str:
        said = (
            f"Please ring me: {self._phone[:3]} {self._phone[3:6]}-{self._phone[6:9]}-{self._phone[9:]}. {self._mark}"
        )
        return base64.encodebytes(said.encode()).decode()

    async def _mail_of(self, sender: str, *, text: str, id: str, header: str = "", is_encoded: bool = False) -> None:
        raw = mails.MAIL.replace("Anna <Anna@Customer.example>", sender).replace("Zażółć gęślą jaźń\n", text)
        raw = raw.replace("m1@customer.example", f"{id}@mails.example")
        if is_encoded:
            raw = raw.replace("MIME-Version", "Content-Transfer-Encoding: base64\nMIME-Version")
        envelope = json.dumps({"from": sender, "to": ["shop@example.com"]})
        assert await mails.post(self._gateway, (header + raw).encode(), envelope=envelope) == 200


async def dump(store: Store) -> set[str]:
    """Every row of every table, with what its columns hold, in small letters."""
    found = set()
    async with store.read() as tx:
        for table in METADATA.sorted_tables:
            for row in await tx.rows(text(f"SELECT * FROM {table.name}")):
                found |= {f"{table.name} {_shown(row._asdict())}"}
    return found


def _shown(row: dict[str, object]) -> str:
    return " ".join(f"{name}={_readable(value)}" for name, value in row.items()).lower()


def _readable(value: object) -> str:
    """What a column says, also where a mail's text is encoded."""
    if not isinstance(value, bytes | memoryview):
        return str(value)
    raw = bytes(value)
    return raw.decode(errors="replace") + " ".join(_decoded(line) for line in raw.split() if len(line) > 40)


def _decoded(line: bytes) -> str:
    with suppress(ValueError):
        return base64.b64decode(line).decode(errors="replace")
    return ""


def places(rows: set[str], *, secret: str) -> set[str]:
    """The tables in which it can be read."""
    return {row.partition(" ")[0] for row in rows if secret in row}


async def until_quiet(house: House) -> None:
    """Wait until nothing is on its way."""

    async def is_quiet() -> bool:
        async with house.store.read() as tx:
            row = await tx.first(
                text(
                    "SELECT (SELECT count(*) FROM deliveries WHERE decided_at IS NULL)"
                    " + (SELECT count(*) FROM chat_answers WHERE state IN ('planned', 'dispatching', 'unknown'))"
                    " + (SELECT count(*) FROM notices WHERE state IN ('planned', 'dispatching', 'unknown'))"
                    " + (SELECT count(*) FROM runs WHERE status = 'running')"
                )
            )
        return row is not None and row[0] == 0

    await house.until(is_quiet)


async def talks_over_the_web(gateway: Caller) -> None:
    """Chat in three ways: vouched for by the shop, in the tracked browser without that, and over Messenger."""
    token = (await gateway.post(f"/v1/customers/{XANTHIPPE['id']}/chat-token")).body["token"]
    async with Guest.at(gateway.url, customer=token) as known:
        assert (await known.say(f"{WORD} at last")).status == 201
    async with Guest.at(gateway.url, visitor=visitor_token(KNOWN)) as unknown:
        assert (await unknown.say(f"{WORD} again")).status == 201


async def answers(gateway: Caller) -> None:
    """Let an employee answer in every chat, and whisper."""
    for chat in (await gateway.get("/v1/chats")).body["items"]:
        first, last = ("Piotr", "Otherman") if chat["customer_id"] == "piotr" else (FIRST, LAST)
        await answered(gateway, chat["id"], f"{first}, we look", ref=f"a-{chat['id']}")
        whisper = {"ref": f"w-{chat['id']}", "text": f"{last} is angry", "author": "olga"}
        answer = await gateway.post(f"/v1/chats/{chat['id']}/whispers", whisper)
        assert answer.status == 201, answer


async def test_an_erased_customer_is_in_no_column_of_any_table_and_the_others_are_as_they_were(
    shop: House, gateway: Caller
) -> None:
    """Covers E15, T02-T20; issue 4."""
    await shop.publish(SHOP, documents=documents_beside("deploy/pipelines/shop.yaml"))
    await shop.employee("olga", first_name="Olga", notify="email", email="olga@shop.example")
    her = Person(shop, gateway, phone=PHONE, mailbox=MAILBOX, mark=WORD, tag="by-her", order=NUMBER)
    him = Person(shop, gateway, phone=PIOTR_PHONE, mailbox=PIOTR_MAILBOX, mark="Otherman", tag="by-him", order="1002")
    async with carrying(shop):
        for person in (her, him):
            await person.before_they_are_known()
        stranger = {
            "customer": {"phone": "+48222333444"},
            "type": "call.missed",
            "id": "s",
            "data": {"said": "of a stranger"},
        }
        assert (await gateway.post("/v1/events", stranger)).status == 202
        order = {"responsible": "olga", "note": f"{STREET} {WORD}", "fields": {}, "tags": [WORD]}
        await shop.order(NUMBER, customer=XANTHIPPE, **order)
        await shop.order("1002", customer=PIOTR, responsible="olga")
        for number in (NUMBER, "1002"):
            await shop.until_run(number, "mail", RunStatus.DONE)
            await shop.until_run(number, "bill", RunStatus.DONE)
        async with shop.store.write() as tx:
            await visitors.link(
                tx, id=BACK, shop=shop.shop, customer=XANTHIPPE["id"], form="survey", now=datetime.now(UTC)
            )
        for person in (her, him):
            await person.afterwards()
        await her._fills_in("survey", {**SURVEY, "email": MAILBOX, "words": WORD}, id="a" * 32)
        await her._looks_at("/checkout/1", visitor=KNOWN)
        await talks_over_the_web(gateway)
        await her._twilio_of(
            {"From": f"messenger:{MESSENGER}", "To": LINE, "Body": WORD, "MessageSid": "SM-m"}, "/hooks/twilio/message"
        )
        async with shop.store.write() as tx:
            chat = await chats.of_address(tx, medium="messenger", address=MESSENGER)
            assert chat is not None
            await chats.link(tx, conversation=chat.id, customer=XANTHIPPE["id"])
        await answers(gateway)
        opened = [
            one for one in await shop.outbox() if one.channel == "email" and one.address in (MAILBOX, PIOTR_MAILBOX)
        ]
        entries = [
            sendgrid.entry(
                "open", send_id=one.send_id, sg_message_id=one.provider_id, email=one.address, useragent=sendgrid.PERSON
            )
            for one in opened
        ]
        await her._vendor(sendgrid.batch(*entries, {"event": "open", "email": MAILBOX}))
        await shop.event(NUMBER, "webhook.write")
        await shop.until_run(NUMBER, "chat", RunStatus.DONE, visit=2)
        await until_quiet(shop)

        before = await dump(shop.store)
        for name, secret in SECRETS.items():
            assert places(before, secret=secret), f"the {name} was nowhere to begin with"
        print({name: sorted(places(before, secret=secret)) for name, secret in SECRETS.items()})
        answer = await gateway.call("DELETE", f"/v1/customers/{XANTHIPPE['id']}")
        assert (answer.status, answer.body) == (200, {"orders": [NUMBER]})
        await until_quiet(shop)
        after = await dump(shop.store)

    left = {name: [row for row in after if secret in row] for name, secret in SECRETS.items()}
    assert {name: rows for name, rows in left.items() if rows} == {}
    async with shop.store.read() as tx:
        sizes = await tx.rows(text("SELECT order_id, length(content) AS size FROM documents ORDER BY order_id"))
    assert [(row.order_id, row.size > 0) for row in sizes] == [
        (f"{shop.shop}:1001", False),
        (f"{shop.shop}:1002", True),
    ]
    theirs = {row for row in before if any(mark in row for mark in OTHERS)}
    assert len(theirs) > 40
    assert theirs - after == set()
