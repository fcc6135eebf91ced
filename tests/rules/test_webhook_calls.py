"""What a shop's own system gets of a webhook rule, and what its answers mean."""

import json
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from activities.providers.errors import Misconfigured, NotSent, Rejected
from activities.providers.guard import Guard, GuardOptions
from activities.providers.protocol import Message
from activities.providers.secrets import Secrets
from activities.providers.webhook import WebhookProvider
from tests.rules.receiver import Receiver

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SEND = UUID("8b9f3f36-3ac0-5ef2-9d3a-2f6e6b2f3d11")


async def test_receiver_can_verify_the_signature() -> None:
    async with Receiver() as receiver:
        accepted = await provider().send(message(receiver.url), send_id=SEND)
    (call,) = receiver.calls
    assert Webhook(SECRET).verify(call.body, call.headers) == {"type": "order.shipped"}
    assert call.headers["webhook-id"] == str(SEND)
    assert call.headers["content-type"] == "application/json"
    assert accepted.provider_id == f"webhook-{SEND}"
    assert accepted.results == {"status": 200}


async def test_signature_of_another_secret_does_not_verify() -> None:
    async with Receiver() as receiver:
        await provider().send(message(receiver.url), send_id=SEND)
    (call,) = receiver.calls
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").verify(call.body, call.headers)


async def test_repeated_call_keeps_its_id_so_that_the_receiver_can_drop_it() -> None:
    async with Receiver(500, 204) as receiver:
        with pytest.raises(NotSent):
            await provider().send(message(receiver.url), send_id=SEND)
        await provider().send(message(receiver.url), send_id=SEND)
    assert {call.headers["webhook-id"] for call in receiver.calls} == {str(SEND)}


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
async def test_answer_that_asks_for_another_attempt_is_not_final(status: int) -> None:
    async with Receiver(status) as receiver:
        with pytest.raises(NotSent) as caught:
            await provider().send(message(receiver.url), send_id=SEND)
    assert str(status) in caught.value.words


async def test_retry_after_is_heeded() -> None:
    async with Receiver(429, headers={"Retry-After": "120"}) as receiver:
        with pytest.raises(NotSent) as caught:
            await provider().send(message(receiver.url), send_id=SEND)
    assert caught.value.retry_after == timedelta(minutes=2)


@pytest.mark.parametrize("value", ["soon", "-1", "9" * 30, "Wed, 21 Oct 2026 07:28:00 GMT"])
async def test_unreadable_retry_after_is_left_alone(value: str) -> None:
    async with Receiver(503, headers={"Retry-After": value}) as receiver:
        with pytest.raises(NotSent) as caught:
            await provider().send(message(receiver.url), send_id=SEND)
    assert caught.value.retry_after is None


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (302, "final address"),
        (400, "log"),
        (401, "same secret"),
        (404, "correct the rule's address"),
        (410, "remove the rule"),
        (422, "log"),
    ],
)
async def test_refusal_is_final_and_says_what_to_do(status: int, words: str) -> None:
    async with Receiver(status) as receiver:
        with pytest.raises(Rejected) as caught:
            await provider().send(message(receiver.url), send_id=SEND)
    assert caught.value.code == str(status)
    assert words in caught.value.words


async def test_receiver_that_is_down_is_tried_again() -> None:
    async with Receiver() as receiver:
        url = receiver.url
    with pytest.raises(NotSent):
        await provider().send(message(url), send_id=SEND)


async def test_lost_answer_may_be_sent_again_under_its_id() -> None:
    async with Receiver(silent=True) as receiver:
        impatient = provider(total=timedelta(seconds=2))
        with pytest.raises(NotSent):
            await impatient.send(message(receiver.url), send_id=SEND)
        assert len(receiver.calls) == 1
        assert await impatient.lookup(message(receiver.url), send_id=SEND) is None


async def test_private_address_is_refused_without_the_development_setting() -> None:
    async with Receiver() as receiver:
        strict = WebhookProvider(Guard(), secrets=Secrets({"ORDERS_SECRET_ERP": SECRET}))
        with pytest.raises(Rejected) as caught:
            await strict.send(message(receiver.url), send_id=SEND)
    assert caught.value.code == "address_refused"
    assert receiver.calls == []


async def test_missing_secret_names_its_setting() -> None:
    async with Receiver() as receiver:
        with pytest.raises(Misconfigured, match="ORDERS_SECRET_ERP"):
            await provider(secrets=Secrets({})).send(message(receiver.url), send_id=SEND)
    assert receiver.calls == []


@pytest.mark.parametrize("value", ["whsec_ä", "whsec_", "whsec_="], ids=["letters", "empty", "padding"])
async def test_unusable_secret_names_its_setting(value: str) -> None:
    async with Receiver() as receiver:
        with pytest.raises(Misconfigured, match="ORDERS_SECRET_ERP") as caught:
            await provider(secrets=Secrets({"ORDERS_SECRET_ERP": value})).send(message(receiver.url), send_id=SEND)
    assert caught.value.setting == "ORDERS_SECRET_ERP"


async def test_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "ERP").write_text(SECRET + "\n", encoding="utf-8")
    async with Receiver() as receiver:
        await provider(secrets=Secrets({}, folder=tmp_path)).send(message(receiver.url), send_id=SEND)
    (call,) = receiver.calls
    Webhook(SECRET).verify(call.body, call.headers)


@pytest.mark.parametrize("name", ["../passwd", "", "erp", "A/B"])
def test_secret_is_looked_up_by_plain_names_only(name: str, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured):
        Secrets({"ORDERS_SECRET_": "x"}, folder=tmp_path).get(name)


def test_secrets_do_not_show_in_representations() -> None:
    assert SECRET not in repr(Secrets({"ORDERS_SECRET_ERP": SECRET}))


def provider(*, secrets: Secrets | None = None, total: timedelta = timedelta(seconds=10)) -> WebhookProvider:
    guard = Guard(GuardOptions(allows_private=True, total=total))
    return WebhookProvider(guard, secrets=secrets or Secrets({"ORDERS_SECRET_ERP": SECRET}))


def message(url: str) -> Message:
    return Message(channel="webhook", address=url, body=json.dumps({"type": "order.shipped"}), secret="ERP")
