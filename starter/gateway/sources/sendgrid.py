"""SendGrid's event webhook: what became of mails, who opened one, who clicked, who wants no more of them.

A batch is signed (ECDSA P-256 over timestamp and body). One event that cannot be read costs none of the others. Opens
by machines and clicks of scanners count for nothing.
Source: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from starlette.datastructures import Headers

from activities.accounts.sendgrid import SendGridAccount
from activities.store import ledger, suppressions
from activities.store.database import Tx
from activities.store.history import LedgerState
from activities.store.ledger import Callback
from starter.gateway.hooks import Happened, Parked, Receipt, Told, take, unreadable
from starter.gateway.machines import is_machine, is_too_soon
from starter.gateway.parts import parts_of
from starter.gateway.signatures import ecdsa, may_be_ecdsa, not_connected, verified
from workflows.contracts.ids import OrderKey

router = APIRouter(prefix="/hooks/sendgrid", include_in_schema=False)

SOURCE = "sendgrid"
_SETTING = "ORDERS_SENDGRID_EVENTS_KEY"

#: event -> (rank, what it means to the ledger). Events come in any order: the higher rank stays. A mail that was
#: delivered may still bounce (an asynchronous bounce), but one that was opened has arrived.
MAILS: Mapping[str, tuple[int, LedgerState]] = {
    "processed": (1, LedgerState.ACCEPTED),
    "deferred": (2, LedgerState.ACCEPTED),
    "dropped": (3, LedgerState.FAILED),
    "delivered": (4, LedgerState.DELIVERED),
    "bounce": (5, LedgerState.FAILED),
    "open": (6, LedgerState.DELIVERED),
    "click": (7, LedgerState.DELIVERED),
}

#: event -> why the address gets no more mails. A `bounce` of type `blocked` is a passing trouble and blocks nothing.
BLOCKS: Mapping[str, str] = {
    "bounce": "bounced",
    "spamreport": "spam",
    "unsubscribe": "unsubscribed",
    "group_unsubscribe": "unsubscribed",
}


@router.post("/events")
async def events(request: Request) -> Response:
    """Take a batch of events."""
    gateway = parts_of(request)
    account = SendGridAccount.read(gateway.environment, folder=gateway.settings.secrets)
    if account is None or not account.events_keys:
        raise not_connected("SendGrid's event webhook", setting=_SETTING)
    headers, now = request.headers, gateway.now()
    raw = await verified(
        request,
        source=SOURCE,
        setting=_SETTING,
        may_be=may_be_ecdsa(headers, now=now),
        fits=lambda body: ecdsa(body, headers=headers, keys=account.events_keys, now=now),
    )
    batch = _batch(raw)

    async def seen(tx: Tx) -> list[Happened]:
        happened = [one for event in batch.events if (one := await _seen(tx, event)) is not None]
        for event in batch.events:
            await _block(tx, event, now=gateway.now())
        return happened

    told = Told(receipts=batch.receipts, parked=batch.parked)
    await take(gateway, source=SOURCE, told=told, raw=raw, also=seen)
    return Response(status_code=204)


@dataclass(frozen=True)
class _Mail:
    """One event of a mail of ours."""

    id: str
    name: str
    at: datetime
    send_id: UUID
    message_id: str
    email: str
    url: str = ""
    is_hard: bool = True
    is_by_machine: bool = False
    code: str = ""
    raw: bytes = b""


@dataclass(frozen=True)
class _Batch:
    events: tuple[_Mail, ...] = ()
    parked: tuple[Parked, ...] = ()

    @property
    def receipts(self) -> list[Receipt]:
        return [
            Receipt(mail.send_id, mail.message_id, Callback(mail.name, *MAILS[mail.name], code=mail.code))
            for mail in self.events
            if mail.name in MAILS and mail.message_id
        ]


def _batch(raw: bytes) -> _Batch:
    try:
        entries = json.loads(raw)
    except (ValueError, RecursionError):
        return _Batch(parked=(unreadable(raw, source=SOURCE),))
    if not isinstance(entries, list):
        return _Batch(parked=(unreadable(raw, source=SOURCE),))
    found: list[_Mail] = []
    parked: list[Parked] = []
    for place, entry in enumerate(entries):
        try:
            mail = _mail(entry)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, OSError):
            whole = unreadable(raw, source=SOURCE)
            problem = f"event {place} of a batch cannot be read"
            parked.append(Parked(f"{whole.id}:{place}", whole.type, problem, raw=_part(entry)))
            continue
        if mail is not None:
            found.append(mail)
    return _Batch(tuple(found), tuple(parked))


def _mail(entry: Mapping[str, Any]) -> _Mail | None:
    """Read one event; None for one of a mail that is not ours, and of kinds that say nothing to us."""
    id, name, at = str(entry["sg_event_id"]), str(entry["event"]), datetime.fromtimestamp(int(entry["timestamp"]), UTC)
    if name not in MAILS and name not in BLOCKS:
        return None
    send_id = entry.get("send_id")
    if send_id is None:
        return None
    agent = str(entry.get("useragent") or "")
    is_by_machine = entry.get("sg_machine_open") is True or (
        name in ("open", "click") and is_machine(Headers({"user-agent": agent}))
    )
    return _Mail(
        id=id[:150],
        name=name,
        at=at,
        send_id=UUID(str(send_id)),
        message_id=str(entry.get("sg_message_id") or "").partition(".")[0],
        email=str(entry.get("email") or ""),
        url=str(entry.get("url") or "")[:2_000],
        is_hard=entry.get("type") != "blocked",
        is_by_machine=is_by_machine,
        code=str(entry.get("status") or "")[:20] if name in ("bounce", "dropped") else "",
        raw=_part(entry),
    )


def _part(entry: object) -> bytes:
    """Write one entry of a batch by itself: the others are about other people."""
    return json.dumps(entry).encode()


async def _seen(tx: Tx, mail: _Mail) -> Happened | None:
    """Tell that a person opened a mail (T04) or followed a link (T05)."""
    if mail.name not in ("open", "click") or mail.is_by_machine:
        return None
    row = await ledger.row(tx, send_id=mail.send_id)
    if row is None:
        return None
    arrived = row.delivered_at or row.accepted_at or row.claimed_at
    if mail.name == "click" and arrived is not None and is_too_soon(mail.at, arrived_at=arrived):
        return None
    type_ = "email.viewed" if mail.name == "open" else "email.link_clicked"
    data = {"rule": row.rule} if mail.name == "open" else {"rule": row.rule, "url": mail.url}
    order = OrderKey(shop=row.shop, number=row.number)
    return Happened(mail.id, type_, mail.at, data, orders=(order,), raw=mail.raw)


async def _block(tx: Tx, mail: _Mail, *, now: datetime) -> None:
    reason = BLOCKS.get(mail.name)
    if reason is not None and mail.is_hard and mail.email:
        await suppressions.suppress(tx, channel="email", address=mail.email, reason=reason, now=now)
