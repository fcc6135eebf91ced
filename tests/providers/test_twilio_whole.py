"""The whole way of a text and a call: rule, provider, Twilio's stand-in, and the product's own gateway behind it."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError

from activities.actions import KINDS
from activities.actions.robocall import CallOutcome
from activities.courier import Courier
from activities.providers.registry import Providers
from activities.runtime.settings import Settings
from activities.shelf import Shelf
from activities.store import employees, notices
from activities.store.history import LedgerState, NewNotice
from activities.store.records import NewEmployee, Way
from starter.client import OrdersClient
from starter.gateway.app import create_app
from starter.gateway.parts import Parts
from starter.gateway.serving import listening
from starter.relay import Relay
from tests.chaos.parts import free_port
from tests.providers.phone import Phone
from tests.support.stand_ins.twilio import ACCOUNT, CallbackFaults, Fate
from workflows.contracts.ids import OrderKey
from workflows.contracts.reasons import RunReason, RunStatus

ANNA = "+48501000111"

SORRY = "<Response><Say>Please call us.</Say></Response>"

CALL = "robocall: 'Order {{ order.number }} of {{ customer.first_name }} is ready.'"


@pytest.fixture(autouse=True)
async def gateway(phone: Phone) -> AsyncIterator[None]:
    """Run the product's gateway where Twilio calls back. Temporal is down, which concerns none of it."""
    port = free_port()
    client = await Client.connect("127.0.0.1:9", data_converter=pydantic_data_converter, lazy=True)
    orders = OrdersClient(client)
    phone.hooks = f"http://127.0.0.1:{port}"
    phone.settings["timeout"] = "10"
    parts = Parts(
        store=phone.store,
        orders=orders,
        relay=Relay(phone.store, orders=orders),
        settings=Settings(public_url=phone.hooks, gateway_port=port),
        shelf=Shelf(KINDS),
        environment={
            "ORDERS_TWILIO_ACCOUNT_SID": ACCOUNT,
            "ORDERS_TWILIO_AUTH_TOKEN": phone.stand_in.options.auth_token,
        },
    )
    async with listening(create_app(parts), host="127.0.0.1", port=port):
        yield
        await phone.stand_in.accept_late()


async def called(phone: Phone, key: OrderKey, visit: int) -> object:
    """Let the rule's call be made, and ask how it went once it has ended."""
    with pytest.raises(ApplicationError, match="not known yet"):
        await phone.attempt(key, visit, rule="robocall", kind="robocall")
    await phone.stand_in.settled()
    run = await phone.attempt(key, visit, rule="robocall", kind="robocall")
    assert run.status is RunStatus.DONE
    return run.results["outcome"]


async def test_text_is_delivered(phone: Phone) -> None:
    key, visit = await phone.order("sms: thanks")
    await phone.attempt(key, visit)
    await phone.stand_in.settled()
    row = await phone.row(key, visit)
    assert (row.state, row.provider_status) == (LedgerState.DELIVERED, "delivered")
    assert {told.status for told in phone.stand_in.callbacks.told} == {204}


@pytest.mark.parametrize("fate", [Fate.QUICK, Fate.RESET_AFTER], ids=["answered", "lost answer"])
async def test_notice_to_an_employee_is_delivered(phone: Phone, fate: Fate) -> None:
    """Covers E12, M61: a receipt settles a lost answer."""
    phone.stand_in.faults.next(fate)
    now = phone.clock()
    async with phone.store.write() as tx:
        await employees.put(tx, NewEmployee(id="olga", notify=Way.SMS, phone="+48501000222"), now=now)
        await notices.add(tx, notices=[NewNotice(employee="olga", text="Pack it", ref="r")], key=None, now=now)
    providers = Providers([phone.provider()], channels={"sms": "twilio"})
    await Courier(phone.store, providers=providers, clock=phone.clock).round()
    await phone.stand_in.settled()
    async with phone.store.read() as tx:
        (notice,) = (await notices.of_employee(tx, employee="olga")).items
    assert (notice.state, len(phone.stand_in.accepted)) == (LedgerState.DELIVERED, 1)


async def test_bad_line_of_callbacks_ends_the_same(phone: Phone) -> None:
    """Covers cases 1, 11, 32."""
    phone.stand_in.faults.callbacks = CallbackFaults(doubled=1, shuffled=1)
    phone.stand_in.faults.next(Fate.OVERTAKEN_AFTER)
    key, visit = await phone.order("sms: thanks")
    await phone.attempt(key, visit)
    await phone.stand_in.settled()
    assert (await phone.row(key, visit)).state is LedgerState.DELIVERED
    assert len(phone.stand_in.accepted) == 1


async def test_text_that_did_not_arrive_is_recorded_with_its_code(phone: Phone) -> None:
    phone.stand_in.script.deliveries[ANNA] = ("undelivered", 30005)
    key, visit = await phone.order("sms: thanks")
    await phone.attempt(key, visit)
    await phone.stand_in.settled()
    row = await phone.row(key, visit)
    assert (row.state, row.code) == (LedgerState.FAILED, "30005")


async def test_case_14_stop_that_comes_with_a_callback_ends_later_texts(phone: Phone) -> None:
    phone.stand_in.script.deliveries[ANNA] = ("failed", 21610)
    key, visit = await phone.order("sms: thanks\nid: first", "sms: thanks\nid: second")
    await phone.attempt(key, visit, rule="first")
    await phone.stand_in.settled()
    later = await phone.attempt(key, visit, rule="second")
    assert (later.status, later.reason) == (RunStatus.SKIPPED, RunReason.UNSUBSCRIBED)


async def test_call_is_heard_and_its_outcome_is_known(phone: Phone) -> None:
    key, visit = await phone.order(CALL)
    assert await called(phone, key, visit) == "answered"
    (call,) = phone.stand_in.calls.values()
    assert (call.heard, call.errors) == (["Order 1001 of Anna is ready."], [])


@pytest.mark.parametrize(
    ("answer", "outcome", "is_heard"),
    [
        ("machine_end_beep", "machine", True),
        ("unknown", "answered", True),
        ("fax", "fax", False),
        ("busy", "busy", False),
        ("no-answer", "no_answer", False),
        ("failed", "failed", False),
    ],
)
async def test_case_22_whoever_takes_the_call_is_told(phone: Phone, answer: str, outcome: str, is_heard: bool) -> None:
    phone.stand_in.script.answers[ANNA] = answer
    key, visit = await phone.order(CALL)
    assert await called(phone, key, visit) == CallOutcome(outcome)
    (call,) = phone.stand_in.calls.values()
    assert bool(call.heard) is is_heard


async def test_case_20_odd_names_are_spoken_right(phone: Phone) -> None:
    key = await phone.desk.order(
        customer={"first_name": "A<b>&\x07\u202e 😀", "phones": [{"number": ANNA, "type": "mobile"}]}
    )
    visit = await phone.desk.enter(key, CALL)
    await called(phone, key, visit)
    (call,) = phone.stand_in.calls.values()
    assert call.errors == []
    assert "A<b>&" in call.heard[0]


async def test_case_21_second_call_for_one_send_hangs_up(phone: Phone) -> None:
    phone.settings["timeout"] = "0.5"
    phone.stand_in.faults.next(Fate.LATE)  # later than the grace time: nobody can tell that it will come
    key, visit = await phone.order(CALL)
    for _ in range(2):
        with pytest.raises(ApplicationError):
            await phone.attempt(key, visit, rule="robocall", kind="robocall")
        phone.clock.advance(timedelta(seconds=31))
    phone.settings["timeout"] = "10"
    assert await called(phone, key, visit) == "answered"
    await phone.stand_in.accept_late()
    first, second = phone.stand_in.calls.values()
    assert [first.heard, second.heard] == [["Order 1001 of Anna is ready."], []]


async def test_call_whose_words_could_not_be_fetched_reached_nobody(phone: Phone) -> None:
    """Covers C1: the gateway was down when the call was taken; "answered" would keep later rules from writing."""
    phone.hooks = f"http://127.0.0.1:{free_port()}"
    key, visit = await phone.order(f"{CALL}\nrepeat: {{times: 1, every: 10m}}")
    assert await missed(phone, key, visit) is RunReason.RETRYING
    phone.clock.advance(timedelta(minutes=10))
    assert await missed(phone, key, visit) is RunReason.DONE
    run = await phone.run(key, visit, rule="robocall")
    assert (run.results["outcome"], run.results["attempts"]) == ("failed", 2)
    assert [call.status for call in phone.stand_in.calls.values()] == ["completed", "completed"]


async def test_call_hears_the_static_words_while_the_gateway_is_down(phone: Phone) -> None:
    """Covers C1: the fallback is somewhere else."""
    app = web.Application()
    app.router.add_get("/sorry.xml", sorry)
    async with TestServer(app) as elsewhere:
        phone.hooks = f"http://127.0.0.1:{free_port()}"
        phone.settings["fallback"] = str(elsewhere.make_url("/sorry.xml"))
        key, visit = await phone.order(CALL)
        await missed(phone, key, visit)
    (call,) = phone.stand_in.calls.values()
    assert call.heard == ["Please call us."]


async def sorry(request: web.Request) -> web.Response:
    return web.Response(text=SORRY, content_type="text/xml")


async def missed(phone: Phone, key: OrderKey, visit: int) -> RunReason | None:
    """Let a call be made of which no callback arrives, until Twilio has been asked; return why the run is as it is."""
    with pytest.raises(ApplicationError, match="not known yet"):
        await phone.attempt(key, visit, rule="robocall", kind="robocall")
    await phone.stand_in.settled()
    phone.clock.advance(timedelta(seconds=121))
    return (await phone.attempt(key, visit, rule="robocall", kind="robocall")).reason


async def test_message_that_does_not_arrive_after_all_is_told_to_the_responsible_person(phone: Phone) -> None:
    """Covers M61, M62: the rule was done when Twilio took it."""
    await phone.desk.employee("olga")
    key = await phone.desk.order(customer={"phones": [{"number": ANNA}]}, responsible="olga")
    visit = await phone.desk.enter(key, "sms: Hello")
    phone.stand_in.script.deliveries[ANNA] = ("undelivered", 30005)
    phone.stand_in.faults.callbacks = CallbackFaults(doubled=1)
    assert (await phone.attempt(key, visit)).status is RunStatus.DONE
    await phone.stand_in.settled()
    (notice,) = await phone.desk.notices(key)
    assert (notice.employee, "sms" in notice.text, "30005" in notice.text) == ("olga", True, True)
    assert ANNA not in notice.text
    assert (await phone.row(key, visit)).state is LedgerState.FAILED


async def test_message_that_arrives_is_told_to_nobody(phone: Phone) -> None:
    await phone.desk.employee("olga")
    key = await phone.desk.order(customer={"phones": [{"number": ANNA}]}, responsible="olga")
    visit = await phone.desk.enter(key, "sms: Hello")
    await phone.attempt(key, visit)
    await phone.stand_in.settled()
    assert await phone.desk.notices(key) == []
