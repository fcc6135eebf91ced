"""Mails over SendGrid, against a stand-in over real HTTP: what it gets, what each of its answers means. Covers C3."""

import base64
import logging
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from activities.accounts.sendgrid import SendGridAccount
from activities.providers.errors import Misconfigured, NotSent, Rejected, Unknown
from activities.providers.protocol import Attachment
from activities.providers.registry import Connecting, connect
from activities.providers.sendgrid import SendGridProvider, body_of
from activities.store.database import Store
from tests.providers.mails import KEY, MAIL, PDF, SEND, account, mail
from tests.rules.receiver import Receiver
from tests.support.stand_ins.sendgrid import Fate, SendGridStandIn, StandInOptions


@pytest.fixture
async def stand_in() -> AsyncIterator[SendGridStandIn]:
    async with SendGridStandIn(StandInOptions(key=KEY, senders=frozenset({"shop@example.com"}))) as running:
        yield running


@pytest.fixture
def provider(stand_in: SendGridStandIn, store: Store) -> SendGridProvider:
    return SendGridProvider(account(stand_in.url), store=store)


def header(body: dict[str, Any], name: str) -> str:
    return str(body["headers"][name])


# --- what SendGrid gets ---------------------------------------------------------------------------------------------


async def test_accepted_mail_has_the_id_that_sendgrid_gave(
    provider: SendGridProvider, stand_in: SendGridStandIn
) -> None:
    accepted = await provider.send(mail(attachments=(PDF,)), send_id=SEND)
    (taken,) = stand_in.accepted
    assert accepted.provider_id == taken.id
    assert (taken.to, taken.body["from"], taken.body["subject"]) == (
        "anna@example.com",
        {"email": "shop@example.com"},
        "Order 1001",
    )
    assert [part["type"] for part in taken.body["content"]] == ["text/plain", "text/html"]
    (file,) = taken.body["attachments"]
    assert (file["filename"], file["type"]) == ("invoice-2026-0001.pdf", "application/pdf")
    assert base64.b64decode(file["content"]) == PDF.content


async def test_id_of_the_send_travels_with_the_personalization_so_that_events_bring_it_back(
    provider: SendGridProvider, stand_in: SendGridStandIn
) -> None:
    await provider.send(MAIL, send_id=SEND)
    (taken,) = stand_in.accepted
    assert taken.body["personalizations"][0]["custom_args"] == {"send_id": str(SEND)}
    assert "custom_args" not in taken.body


def test_customers_mail_is_tracked_and_never_a_rehearsal() -> None:
    body: Any = body_of(MAIL, send_id=SEND)
    assert body["mail_settings"] == {"sandbox_mode": {"enable": False}}
    assert body["tracking_settings"]["open_tracking"]["enable"] is True
    assert body["tracking_settings"]["click_tracking"] == {"enable": True, "enable_text": True}
    assert body["tracking_settings"]["subscription_tracking"] == {"enable": False}


def test_mail_to_an_employee_is_not_tracked() -> None:
    """Covers E19."""
    body: Any = body_of(mail(customer=None), send_id=SEND)
    assert body["tracking_settings"]["open_tracking"]["enable"] is False
    assert body["tracking_settings"]["click_tracking"] == {"enable": False, "enable_text": False}


def test_name_of_a_mailbox_stays_a_name() -> None:
    body: Any = body_of(mail(sender="Demo Shop <shop@example.com>"), send_id=SEND)
    assert body["from"] == {"email": "shop@example.com", "name": "Demo Shop"}


def test_headers_of_the_rule_are_sent_and_the_mail_says_that_it_is_automatic() -> None:
    body: Any = body_of(mail(headers={"List-Unsubscribe": "<https://shop.example/u>"}), send_id=SEND)
    assert header(body, "List-Unsubscribe") == "<https://shop.example/u>"
    assert header(body, "Auto-Submitted") == "auto-generated"


@pytest.mark.parametrize("break_", ["\r\n", "\n", "\r", "\x00", "\x85", "\u2028"])
def test_no_line_break_reaches_a_header_or_a_name(break_: str) -> None:
    bad = f"a{break_}Bcc: all@example.com"
    files = (Attachment(f"{bad}.pdf", f"application/pdf{break_}X: y", b"x"),)
    written = mail(subject=bad, headers={f"X-A{break_}B": bad}, attachments=files, sender=f"{bad} <shop@example.com>")
    body: Any = body_of(written, send_id=SEND)
    lines = [body["subject"], *body["headers"], *body["headers"].values(), body["from"].get("name", "")]
    lines += [body["attachments"][0]["filename"], body["attachments"][0]["type"]]
    assert [line for line in lines if break_ in line] == []


def test_key_in_a_text_is_never_sent() -> None:
    with pytest.raises(Rejected, match="take it out"):
        body_of(mail(body="SG.abcdef.ghijkl is the key"), send_id=SEND)


async def test_neither_key_nor_mail_is_logged(provider: SendGridProvider, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        await provider.send(MAIL, send_id=SEND)
    written = " ".join(str(record.__dict__) for record in caplog.records)
    assert [secret for secret in (KEY, "anna@example.com", "Hello") if secret in written] == []


# --- what its answers mean ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fate", "error", "taken"),
    [
        (Fate.BUSY, NotSent, 0),
        (Fate.LIMITED, NotSent, 0),
        (Fate.BROKEN_BEFORE, Unknown, 0),
        (Fate.BROKEN_AFTER, Unknown, 1),
        (Fate.PAGE_BEFORE, Unknown, 0),
        (Fate.HANG_BEFORE, Unknown, 0),
        (Fate.HANG_AFTER, Unknown, 1),
        (Fate.LATE, Unknown, 1),
        (Fate.RESET_BEFORE, Unknown, 0),
        (Fate.RESET_AFTER, Unknown, 1),
        (Fate.REDIRECT_BEFORE, Misconfigured, 0),
    ],
    ids=str,
)
async def test_fault_is_safe_to_repeat_or_unknown_and_never_repeated_here(
    stand_in: SendGridStandIn, store: Store, fate: Fate, error: type[Exception], taken: int
) -> None:
    """Cases 1, 3, 4, 8, 9."""
    hangs = fate in (Fate.HANG_BEFORE, Fate.HANG_AFTER, Fate.LATE)
    provider = SendGridProvider(account(stand_in.url, timeout_seconds=2 if hangs else 20), store=store)
    stand_in.faults.next(fate)
    with pytest.raises(error):
        await provider.send(MAIL, send_id=SEND)
    assert (stand_in.requests, len(stand_in.accepted)) == (1, taken)


async def test_accepted_is_accepted_whatever_becomes_of_the_rest_of_the_answer(
    provider: SendGridProvider, stand_in: SendGridStandIn
) -> None:
    """Case 10."""
    stand_in.faults.next(Fate.CUT_AFTER)
    accepted = await provider.send(MAIL, send_id=SEND)
    assert accepted.provider_id == stand_in.accepted[0].id


@pytest.mark.parametrize(("status", "error"), [(202, None), (200, Unknown), (503, Unknown), (404, Misconfigured)])
async def test_answer_of_a_proxy_counts_by_its_status(store: Store, status: int, error: type[Exception] | None) -> None:
    async with Receiver(status) as proxy:
        provider = SendGridProvider(account(proxy.url), store=store)
        if error is None:
            assert (await provider.send(MAIL, send_id=SEND)).provider_id == f"sendgrid-{SEND}"
        else:
            with pytest.raises(error):
                await provider.send(MAIL, send_id=SEND)


async def test_wait_that_sendgrid_asks_for_is_told(provider: SendGridProvider, stand_in: SendGridStandIn) -> None:
    """Case 8."""
    stand_in.faults.next(Fate.BUSY)
    with pytest.raises(NotSent) as busy:
        await provider.send(MAIL, send_id=SEND)
    assert busy.value.retry_after == timedelta(seconds=1)


async def test_moment_of_the_rate_limits_end_is_a_wait_from_now(store: Store) -> None:
    now = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
    async with SendGridStandIn(StandInOptions(clock=lambda: now)) as stand_in:
        provider = SendGridProvider(account(stand_in.url), store=store, clock=lambda: now)
        stand_in.faults.next(Fate.LIMITED)
        with pytest.raises(NotSent) as busy:
            await provider.send(MAIL, send_id=SEND)
    assert busy.value.retry_after == timedelta(seconds=2)


async def test_refused_connection_is_safe_to_repeat(store: Store) -> None:
    """Case 24."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        free = taken.getsockname()[1]
    provider = SendGridProvider(account(f"http://127.0.0.1:{free}"), store=store)
    with pytest.raises(NotSent, match="tried again"):
        await provider.send(MAIL, send_id=SEND)


async def test_name_that_does_not_resolve_is_safe_to_repeat(store: Store) -> None:
    provider = SendGridProvider(account("http://sendgrid.invalid"), store=store)
    with pytest.raises(NotSent):
        await provider.send(MAIL, send_id=SEND)


async def test_wrong_key_names_the_setting(stand_in: SendGridStandIn, store: Store) -> None:
    """Case 13."""
    provider = SendGridProvider(account(stand_in.url, api_key="SG.revoked"), store=store)
    with pytest.raises(Misconfigured) as wrong:
        await provider.send(MAIL, send_id=SEND)
    assert wrong.value.setting == "ORDERS_SENDGRID_API_KEY"
    assert "SG.revoked" not in str(wrong.value)


async def test_unverified_sender_names_the_mailboxes(provider: SendGridProvider) -> None:
    with pytest.raises(Misconfigured) as wrong:
        await provider.send(mail(sender="other@example.com"), send_id=SEND)
    assert wrong.value.setting == "ORDERS_MAILBOXES"
    assert "verify the mailbox" in str(wrong.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"address": "anna(at)example"}, "correct it on the customer's card"),
        ({"subject": ""}, "correct the rule's subject"),
        ({"body": "", "html": ""}, "correct the rule's text"),
        ({"headers": {"Subject": "x"}}, "finds a header wrong"),
    ],
    ids=["address", "subject", "text", "header"],
)
async def test_refused_mail_says_what_to_correct_and_repeats_no_address(
    provider: SendGridProvider, changes: dict[str, object], words: str
) -> None:
    with pytest.raises(Rejected) as refused:
        await provider.send(mail(**changes), send_id=SEND)
    assert refused.value.code == "400"
    assert words in refused.value.words
    assert "anna" not in str(refused.value)


async def test_mail_that_is_too_large_is_refused_for_good(provider: SendGridProvider) -> None:
    film = Attachment("film.pdf", "application/pdf", b"x" * 23 * 1024 * 1024)
    with pytest.raises(Rejected, match="attach less"):
        await provider.send(mail(attachments=(film,)), send_id=SEND)


async def test_nobody_can_be_asked_about_a_mail_that_no_event_told_of(provider: SendGridProvider) -> None:
    """Cases 2, 3."""
    with pytest.raises(Unknown):
        await provider.lookup(MAIL, send_id=SEND)


# --- how it is connected --------------------------------------------------------------------------------------------


def test_account_of_the_settings_connects_it(store: Store) -> None:
    environment = {"ORDERS_SENDGRID_API_KEY": KEY, "ORDERS_SENDGRID_REGION": "eu"}
    given = Connecting(store=store, channels={"email": "sendgrid"}, environment=environment)
    assert connect(given).choose("email").name == "sendgrid"
    found = SendGridAccount.read(environment)
    assert found is not None
    assert found.url == "https://api.eu.sendgrid.com"
    assert KEY not in repr(found)


@pytest.mark.parametrize(
    ("environment", "setting"),
    [
        ({"ORDERS_SENDGRID_REGION": "eu"}, "ORDERS_SENDGRID_API_KEY"),
        ({"ORDERS_SENDGRID_API_KEY": KEY, "ORDERS_SENDGRID_REGION": "mars"}, "ORDERS_SENDGRID_REGION"),
        ({"ORDERS_SENDGRID_API_KEY": KEY, "ORDERS_SENDGRID_BASE": "ftp://x"}, "ORDERS_SENDGRID_BASE"),
    ],
    ids=["no-key", "region", "base"],
)
def test_half_an_account_is_refused_by_the_setting_that_is_wrong(environment: dict[str, str], setting: str) -> None:
    with pytest.raises(Misconfigured) as wrong:
        SendGridAccount.read(environment)
    assert wrong.value.setting == setting
    assert KEY not in str(wrong.value)
