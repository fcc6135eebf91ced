"""One order moves on by every trigger of the catalogue, told over HTTP as each vendor tells it. Covers T01 to T22."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from sqlalchemy import update

from activities.actions import KINDS
from activities.papers import documents_beside
from activities.runtime.settings import Settings
from activities.shelf import Shelf
from activities.store import documents, hook_codes, keys, visitors, visits
from activities.store.standing import VISITS
from starter.gateway.app import create_app
from starter.gateway.parts import Parts
from starter.gateway.serving import listening
from starter.relay import Relay
from tests.gateway.calling import Caller
from tests.gateway.chatting import Guest
from tests.gateway.filling import PERSON, SURVEY, TOKENS, fill_in, visitor_token
from tests.gateway.test_delivery import delivering
from tests.life.pipelines import stages
from tests.sources import test_inbound_mail as mails
from tests.sources import test_payments_and_parcels as parcels
from tests.sources import test_sendgrid as sendgrid
from tests.sources import test_twilio as twilio
from tests.sources.calls import VendorCall, send
from tests.sources.conftest import PUBLIC
from tests.support.house import ANNA, House
from workflows.contracts.reasons import RunStatus

NUMBER = "1001"
PHONE, MAILBOX = "+48601234567", "anna.kowalska@mail.example"
LINE, LINK = "+48220000000", "https://shop.example/pay/1001"

#: A visitor whom the shop's own system knows to be Anna, and one who filled in the survey three days ago.
KNOWN, BACK = "v-" + "1" * 32, "v-" + "2" * 32

TRIGGERS = {
    "t01": "{responsible: changed}",
    "t02": "{email: received, subject_contains: order}",
    "t03": "{email: sent, include_automation: true}",
    "t04": "{email: viewed, rule: mail}",
    "t05": "{email: link_clicked, url: 'https://shop.example/pay/*'}",
    "t06": f"{{call: incoming, line: '{LINE}'}}",
    "t07": "{call: missed}",
    "t08": "{form: submitted, name: survey}",
    "t09": "{callback: requested, name: call-me}",
    "t10": "{payment: paid}",
    "t11": "{shipment: approved}",
    "t12": "{shipment: tracking_added}",
    "t13": "{shipment: shipped}",
    "t14": "{shipment: updated, status: out_for_delivery}",
    "t15": "{order: cancelled, reason_contains: mind}",
    "t16": "{webhook: packed}",
    "t17": "{visit: started, page: '/checkout*'}",
    "t18": "{visit: returned, name: survey}",
    "t19": "{chat: first_message, channel: web}",
    "t20": "{chat: message, channel: sms}",
    "t21": "{document: created, template: invoice}",
    "t22": "{document: viewed, template: invoice}",
}

RULES = {
    "t02": f"{{id: mail, email: 'Hello, [pay]({LINK})', subject: Your order, transactional: true}}",
    "t20": "{id: bill, document: invoice, signature: true}",
}

FORMS = """\
forms:
  survey:
    title: Your opinion
    fields:
      email: {type: email, label: E-mail}
      words: {type: textarea, label: Words, required: true}
      rules: {type: checkbox, label: I know the rules, required: true}
  call-me:
    title: Call me back
    callback: true
    fields:
      phone: {type: phone, label: Phone, required: true}
"""


def pipeline() -> str:
    """A stage for each trigger, in their order; no trigger leads back."""
    lines = ["  new:\n    title: New\n"]
    for stage, trigger in TRIGGERS.items():
        rules = f"    rules: [{RULES[stage]}]\n" if stage in RULES else ""
        lines.append(f"  {stage}:\n    triggers: [{trigger}]\n{rules}")
    return stages("".join(lines) + "    kind: success\n", head=FORMS)


def event_of(trigger: str) -> str:
    """Return the type of event a trigger listens to."""
    family, _, happening = trigger.strip("{}").partition(",")[0].partition(": ")
    return f"{family}.{happening}"


@pytest.fixture
def accounts() -> dict[str, str]:
    """Accounts at every vendor."""
    return {
        "ORDERS_TWILIO_ACCOUNT_SID": "AC" + "1" * 32,
        "ORDERS_TWILIO_AUTH_TOKEN": twilio.TOKEN,
        "ORDERS_SENDGRID_API_KEY": "SG.key",
        "ORDERS_SENDGRID_EVENTS_KEY": sendgrid.public(sendgrid.MINE),
        "ORDERS_INBOUND_CODE": mails.CODE,
        "ORDERS_STRIPE_WEBHOOK_SECRET": parcels.STRIPE,
        "ORDERS_HOOKS_SHIPMENTS": parcels.STANDARD,
        "ORDERS_HOOKS_ORDERS": parcels.STANDARD,
        "ORDERS_HOOKS_AFTERSHIP": parcels.PARCELS,
    }


@pytest_asyncio.fixture
async def gateway(shop: House, accounts: dict[str, str]) -> AsyncIterator[Caller]:
    """The house's gateway, connected to every vendor."""
    relay = Relay(shop.store, orders=shop.orders)
    parts = Parts(
        store=shop.store,
        orders=shop.orders,
        relay=relay,
        settings=Settings(shop=shop.shop, public_url=PUBLIC),
        shelf=Shelf(KINDS),
        environment=accounts,
        tokens=TOKENS,
    )
    async with shop.store.write() as tx:
        _, secret = await keys.create(tx, name="tests", scopes=["admin"], now=datetime.now(UTC))
    async with (
        delivering(relay),
        listening(create_app(parts), host="127.0.0.1", port=0) as url,
        Caller(url, secret=secret) as caller,
    ):
        yield caller


class World:
    """Everybody outside: each function lets one thing happen, as its vendor or the customer's browser tells it."""

    def __init__(self, shop: House, gateway: Caller) -> None:
        self._shop = shop
        self._gateway = gateway

    @property
    def happenings(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """What leads the order into each stage; t03 and t21 follow from rules."""
        return {
            "t01": lambda: self._own("orders", "responsible.changed", employee="olga"),
            "t02": self._writes,
            "t04": lambda: self._mail("open"),
            "t05": lambda: self._mail("click", url=LINK),
            "t06": lambda: self._twilio("/hooks/twilio/call", CallSid="CA1"),
            "t07": lambda: self._twilio("/hooks/twilio/call-status", CallSid="CA1", CallStatus="no-answer"),
            "t08": lambda: self._fills_in("survey", {**SURVEY, "email": MAILBOX}, id="a" * 32),
            "t09": lambda: self._fills_in("call-me", {"phone": PHONE}, id="b" * 32),
            "t10": lambda: self._vendor(parcels.stripe_call(parcels.paid(units=10_000, order=NUMBER))),
            "t11": lambda: self._own("shipments", "shipment.approved"),
            "t12": lambda: self._vendor(parcels.parcel("InTransit", id="a1", order=NUMBER)),
            "t13": lambda: self._own("shipments", "shipment.shipped"),
            "t14": lambda: self._vendor(parcels.parcel("OutForDelivery", id="a2", order=NUMBER)),
            "t15": lambda: self._own("orders", "order.cancelled", reason="changed my mind"),
            "t16": self._packed,
            "t17": lambda: self._looks_at("/checkout/1", visitor=KNOWN),
            "t18": lambda: self._looks_at("/", visitor=BACK),
            "t19": self._chats,
            "t20": lambda: self._twilio("/hooks/twilio/message", Body="Where is it?", MessageSid="SM1"),
            "t22": self._opens_document,
        }

    async def _vendor(self, call: VendorCall) -> None:
        status, text = await send(self._gateway, call)
        assert status in (200, 204), (call.path, status, text)

    async def _own(self, sender: str, type: str, **data: str) -> None:
        body = {"type": type, "timestamp": datetime.now(UTC).isoformat(), "data": {"order": NUMBER, **data}}
        await self._vendor(parcels.standard_call(f"/hooks/{sender}", body, id=type))

    async def _twilio(self, path: str, **form: str) -> None:
        await self._vendor(twilio.signed(path, From=PHONE, To=LINE, **form))

    async def _writes(self) -> None:
        raw = mails.MAIL.replace("Anna@Customer.example", MAILBOX).encode()
        envelope = json.dumps({"from": MAILBOX, "to": ["shop@example.com"]})
        assert await mails.post(self._gateway, raw, envelope=envelope) == 200

    async def _mail(self, name: str, **more: str) -> None:
        (mail,) = [one for one in await self._shop.outbox() if one.channel == "email"]
        told = {"sg_message_id": mail.provider_id, "useragent": PERSON, **more}
        entry = sendgrid.entry(name, send_id=mail.send_id, **told)
        await self._vendor(sendgrid.batch(entry))

    async def _fills_in(self, form: str, inputs: dict[str, str], *, id: str) -> None:
        assert (await fill_in(self._gateway, form, inputs, id=id)).status == 303

    async def _packed(self) -> None:
        async with self._shop.store.write() as tx:
            _, code = await hook_codes.create(tx, trigger="packed", now=datetime.now(UTC), overlap=timedelta(0))
        answer = await self._gateway.post(f"/hooks/trigger/{code}?target=ORDER_{NUMBER}", {"boxes": 1})
        assert answer.status == 202, answer

    async def _looks_at(self, page: str, *, visitor: str) -> None:
        body = json.dumps({"token": visitor_token(visitor), "page": page})
        headers = {"Content-Type": "text/plain", "Origin": PUBLIC, "User-Agent": PERSON}
        answer = await self._gateway.call("POST", "/t/visit", data=body, headers=headers)
        assert answer.status == 200, answer

    async def _chats(self) -> None:
        token = (await self._gateway.post("/v1/customers/anna/chat-token")).body["token"]
        async with Guest.at(self._gateway.url, customer=token) as anna:
            assert (await anna.say("Is anybody there?")).status == 201

    async def _opens_document(self) -> None:
        async with self._shop.store.read() as tx:
            document = await documents.newest(tx, self._shop.key(NUMBER), name="bill")
        assert document is not None
        seen = {"User-Agent": PERSON, "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}
        async with Caller(self._gateway.url, secret=None) as browser:
            answer = await browser.post(f"/d/{document.token}/viewed", headers=seen)
        assert answer.status in (200, 204), answer


async def hour_goes_by(shop: House) -> None:
    """Let what happened so far be more than an hour ago: twenty moves within one hold the automation (M08)."""
    then = datetime.now(UTC) - timedelta(hours=2)
    async with shop.store.write() as tx:
        await tx.run(update(VISITS).values(entered_at=then))


async def test_one_order_moves_on_by_every_trigger(shop: House, gateway: Caller) -> None:
    """Covers T01 to T22."""
    await shop.publish(pipeline(), documents=documents_beside("deploy/pipelines/shop.yaml"))
    await shop.employee("olga", first_name="Olga")
    await shop.order(NUMBER, customer={**ANNA, "id": "anna", "visitors": [KNOWN]})
    await shop.until_stage(NUMBER, "new")
    then = datetime.now(UTC) - timedelta(days=3)
    async with shop.store.write() as tx:
        await visitors.link(tx, id=BACK, shop=shop.shop, customer="anna", form="survey", now=then)
    happenings = World(shop, gateway).happenings
    for stage in TRIGGERS:
        if stage == "t11":
            await hour_goes_by(shop)
        if stage in happenings:
            await happenings[stage]()
        await shop.until_stage(NUMBER, stage)
        if stage == "t03":
            await shop.until_run(NUMBER, "mail", RunStatus.DONE, visit=3)

    async with shop.store.read() as tx:
        path = [(visit.stage, visit.cause_type) for visit in await visits.visits_of(tx, shop.key(NUMBER))]
    assert path == [("new", "order.created"), *((stage, event_of(trigger)) for stage, trigger in TRIGGERS.items())]
