"""The webhook rule end to end: from the pipeline to the receiver."""

import json

from standardwebhooks import Webhook

from tests.rules.desk import SECRET, Desk
from tests.rules.receiver import Receiver
from workflows.contracts.ids import run_id
from workflows.contracts.reasons import RunReason, RunStatus


async def test_receiver_gets_a_signed_call_about_the_order(desk: Desk) -> None:
    key = await desk.order(total="99.90", customer={"id": "anna", "first_name": "Anna"})
    async with Receiver(202, secure=True) as receiver:
        run = await desk.run(key, f"webhook: {receiver.url}\nevent: order.accepted")
        (call,) = receiver.calls
    body = Webhook(SECRET).verify(call.body, call.headers)
    assert call.headers["webhook-id"] == str(run_id(key, 1, "webhook"))
    assert body["type"] == "order.accepted"
    assert (body["data"]["number"], body["data"]["stage"]) == ("1001", "new")
    assert body["data"]["order"]["total"] == "99.90"
    assert run.status is RunStatus.DONE
    assert run.results == {"status": 202}


async def test_call_tells_nothing_of_people_unless_asked_to(desk: Desk) -> None:
    key = await desk.order(customer={"id": "anna", "first_name": "Anna"})
    async with Receiver(secure=True) as receiver:
        await desk.run(key, f"webhook: {receiver.url}")
        await desk.run(key, f"webhook: {receiver.url}\ninclude: [customer]")
        first, second = (json.loads(call.body)["data"] for call in receiver.calls)
    assert "Anna" not in json.dumps(first)
    assert second["customer"]["first_name"] == "Anna"
    assert "order" not in second


async def test_missing_secret_fails_the_rule_and_names_the_setting(desk: Desk) -> None:
    async with Receiver(secure=True) as receiver:
        run = await desk.run(await desk.order(), f"webhook: {receiver.url}\nsecret: ERP_TOKEN")
        assert receiver.calls == []
    assert (run.status, run.reason) == (RunStatus.FAILED, RunReason.MISCONFIGURED)
    assert "ORDERS_SECRET_ERP_TOKEN" in run.words


async def test_refusal_fails_the_rule_and_says_what_to_do(desk: Desk) -> None:
    async with Receiver(410, secure=True) as receiver:
        run = await desk.run(await desk.order(), f"webhook: {receiver.url}")
    assert (run.status, run.reason) == (RunStatus.FAILED, RunReason.REJECTED)
    assert "remove the rule" in run.words
