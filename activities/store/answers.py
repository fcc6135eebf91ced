"""What employees write into chats outside of the house: kept in the chat, then claimed by a courier and sent once.

Of one chat one answer is under way at a time, so that they arrive as they were typed, and a lost one is never taken for
another. Whether it may leave is asked when it is typed, and again in the transaction that claims it (M63).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import Row, bindparam, exists, func, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from activities.store import carrying, notices, suppressions
from activities.store.carrying import End, Given, Parcel
from activities.store.conversations import ConversationRecord, conversation_of, takes_words
from activities.store.database import Tx
from activities.store.history import LedgerState, NewNotice
from activities.store.receipts import Callback
from activities.store.tables import CHAT_ANSWERS, CHAT_MESSAGES, CONVERSATIONS, CUSTOMERS, EMPLOYEES
from workflows.contracts.reasons import RunReason

_NAMESPACE = UUID("5d8f7a52-3f0e-5c61-8b1d-7f6c2e9a4d10")


@dataclass(frozen=True)
class AnswerParcel(Parcel):
    """An answer on its way. `address` is what the medium knows the customer by."""

    medium: str


@dataclass(frozen=True)
class Refused:
    """An answer must not leave; the reason and the words say why."""

    reason: RunReason
    words: str


_ADD = upsert(CHAT_ANSWERS).on_conflict_do_nothing(index_elements=["id"])

_EARLIER = CHAT_ANSWERS.alias("earlier")

_IS_NEXT = ~exists(
    select(_EARLIER.c.id).where(
        _EARLIER.c.conversation == CHAT_ANSWERS.c.conversation,
        _EARLIER.c.message < CHAT_ANSWERS.c.message,
        text("earlier.state IN ('planned', 'dispatching', 'unknown')"),
    )
)

_WORDS = (
    select(CHAT_MESSAGES.c.text)
    .join(CHAT_ANSWERS, CHAT_ANSWERS.c.message == CHAT_MESSAGES.c.id)
    .where(CHAT_ANSWERS.c.id == bindparam("row"))
    .with_for_update(of=CHAT_MESSAGES)
)

_STATEMENTS = carrying.statements(CHAT_ANSWERS, key=CHAT_ANSWERS.c.id, words=_WORDS, only=_IS_NEXT)

_PARCELS = (
    select(CHAT_ANSWERS, CHAT_MESSAGES.c.text)
    .join(CHAT_MESSAGES, CHAT_MESSAGES.c.id == CHAT_ANSWERS.c.message)
    .where(CHAT_ANSWERS.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(CHAT_ANSWERS.c.message)
)

_CHATS = select(CONVERSATIONS).where(CONVERSATIONS.c.id.in_(bindparam("ids", expanding=True)))

_CONSENT = select(CUSTOMERS.c.consent).where(CUSTOMERS.c.id == bindparam("whose"))

_AUTHOR = (
    select(CHAT_MESSAGES.c.author, CONVERSATIONS.c.medium, CHAT_ANSWERS.c.conversation)
    .select_from(CHAT_ANSWERS)
    .join(CHAT_MESSAGES, CHAT_MESSAGES.c.id == CHAT_ANSWERS.c.message)
    .join(CONVERSATIONS, CONVERSATIONS.c.id == CHAT_ANSWERS.c.conversation)
    .join(EMPLOYEES, EMPLOYEES.c.id == CHAT_MESSAGES.c.author)
    .where(CHAT_ANSWERS.c.id == bindparam("row"))
)

_LATEST = (
    select(CHAT_ANSWERS.c.conversation, func.max(CHAT_ANSWERS.c.updated_at).label("latest"))
    .where(CHAT_ANSWERS.c.conversation.in_(bindparam("conversations", expanding=True)))
    .group_by(CHAT_ANSWERS.c.conversation)
)


#: Why an address is blocked when its owner said so.
_OWN_WISH = ("unsubscribed", "stop")


async def refusal(tx: Tx, chat: ConversationRecord, *, now: datetime) -> Refused | None:
    """Say why no answer may leave into a chat now: the medium's window, a STOP, the customer's wish."""
    if not takes_words(chat, moment=now):
        return Refused(
            RunReason.CHAT_CLOSED,
            f"The customer's last message in {chat.medium} is older than a day, so it takes approved templates only: "
            "send one with a `chat` rule that has a `template`, or reach the customer another way",
        )
    channels = ("chat", "sms") if chat.medium == "sms" else ("chat",)
    for channel in channels:
        why = await suppressions.why(tx, channel=channel, address=chat.address)
        if why is not None:
            reason = RunReason.UNSUBSCRIBED if why in _OWN_WISH else RunReason.BLOCKED
            return Refused(reason, f"The customer's address gets no messages in {chat.medium}: {why}")
    row = await tx.first(_CONSENT, {"whose": chat.customer_id}) if chat.customer_id else None
    if row is not None and not all(row.consent.get(channel, True) for channel in channels):
        return Refused(RunReason.UNSUBSCRIBED, f"The customer does not want messages in {chat.medium}")
    return None


async def plan(tx: Tx, *, chat: ConversationRecord, message: int, ref: str, now: datetime) -> None:
    """Have a message of a chat sent to the customer; the same one again changes nothing."""
    values: dict[str, object] = {
        "id": send_id(chat.id, ref=ref),
        "conversation": chat.id,
        "message": message,
        "state": LedgerState.PLANNED,
        "attempts": 0,
        "next_at": now,
        "provider": "",
        "address_hash": "",
        "body_hash": "",
        "provider_id": None,
        "provider_status": "",
        "rank": 0,
        "code": "",
        "words": "",
        "created_at": now,
        "claimed_at": None,
        "updated_at": now,
    }
    await tx.run(_ADD, values)


def send_id(conversation: UUID, *, ref: str) -> UUID:
    """Return the id of an answer's send: the same for every attempt."""
    return uuid5(_NAMESPACE, f"{conversation}|{ref}")


async def claim(tx: Tx, *, now: datetime, limit: int, lease: timedelta, grace: timedelta) -> list[AnswerParcel]:
    """Take what is due for the time of the lease; what must not leave any more ends here, with its reason."""
    taken = await carrying.take(tx, _STATEMENTS, now=now, limit=limit, lease=lease, grace=lambda row: grace)
    rows = await tx.rows(_PARCELS, {"ids": taken.ids}) if taken.ids else []
    found = await tx.rows(_CHATS, {"ids": [row.conversation for row in rows]}) if rows else []
    chats = {row.id: conversation_of(row) for row in found}
    parcels = [_parcel(row, chat=chats[row.conversation], until=taken.until) for row in rows]
    free = []
    for row, parcel in zip(rows, parcels, strict=True):
        refused = None if parcel.is_lost else await refusal(tx, chats[row.conversation], now=now)
        if refused is None:
            free.append(parcel)
        else:
            end = End(_END_OF[refused.reason], code=refused.reason, words=refused.words)
            await tell(tx, parcel, end=end, now=now)
    return free


_UNDELIVERED = "The provider could not deliver it: look its code up, or reach the customer another way"

#: As with a rule: what nobody may get is skipped, what cannot be sent has failed.
_END_OF = {
    RunReason.CHAT_CLOSED: LedgerState.FAILED,
    RunReason.UNSUBSCRIBED: LedgerState.SKIPPED,
    RunReason.BLOCKED: LedgerState.SKIPPED,
}


async def carried_by(tx: Tx, *, given: Sequence[Given]) -> None:
    """Note which provider each claimed answer is given to."""
    await carrying.carried_by(tx, _STATEMENTS, given=given)


async def is_blank(tx: Tx, parcel: Parcel) -> bool:
    """Say whether an answer was deleted after it was claimed."""
    return await carrying.is_blank(tx, _STATEMENTS, id=parcel.id)


async def tell(tx: Tx, parcel: Parcel, *, end: End, now: datetime) -> bool:
    """Record how an answer went; say whether it was still this courier's to tell. Raise DuplicateSend.

    Who typed it is told if it did not arrive.
    """
    is_ours = await carrying.ended(tx, _STATEMENTS, parcel, end=end, now=now)
    if is_ours and end.words and end.state in (LedgerState.FAILED, LedgerState.SKIPPED, LedgerState.HELD):
        await _tell_author(tx, parcel.send_id, words=end.words, now=now)
    return is_ours


async def received(tx: Tx, *, send_id: UUID, provider_id: str, callback: Callback, now: datetime) -> bool | None:
    """Take a provider's callback; say whether it changed anything, None for a send that is no answer.

    Raise DuplicateSend for another provider id.
    """
    has_changed = await carrying.received(
        tx,
        _STATEMENTS,
        send_id=send_id,
        provider_id=provider_id,
        callback=callback,
        failure=_UNDELIVERED,
        now=now,
    )
    if has_changed and callback.state is LedgerState.FAILED:
        await _tell_author(tx, send_id, words=_UNDELIVERED, now=now)
    return has_changed


async def latest_changes(tx: Tx, *, conversations: Sequence[UUID]) -> dict[UUID, datetime]:
    """Give the moment at which an answer of each conversation last went on, where it has any. For employees only."""
    rows = await tx.rows(_LATEST, {"conversations": list(conversations)})
    return {row.conversation: row.latest for row in rows}


async def _tell_author(tx: Tx, send_id: UUID, *, words: str, now: datetime) -> None:
    """Tell who typed an answer that it did not reach the customer, once, if they are an employee we know (M62)."""
    row = await tx.first(_AUTHOR, {"row": send_id})
    if row is not None:
        said = f"Your answer in the {row.medium} chat {row.conversation} did not reach the customer: {words}"
        notice = NewNotice(employee=row.author, text=said, ref=f"answer:{send_id}")
        await notices.add(tx, notices=[notice], key=None, now=now)


def _parcel(row: Row[Any], *, chat: ConversationRecord, until: datetime) -> AnswerParcel:
    return AnswerParcel(
        id=row.id,
        send_id=row.id,
        attempt=row.attempts,
        is_lost=row.state == LedgerState.UNKNOWN,
        until=until,
        address=chat.address,
        text=row.text,
        provider=row.provider,
        since=row.repeated_at or row.created_at,
        medium=chat.medium,
    )
