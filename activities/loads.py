"""What couriers bring: notices to employees, and employees' answers into chats outside of the house.

Each knows where its parcels are claimed and told, and what message a parcel becomes.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from activities.actions import sms
from activities.providers.errors import Misconfigured
from activities.providers.protocol import Attachment, Message
from activities.providers.registry import Providers
from activities.store import answers, parcels
from activities.store.answers import AnswerParcel
from activities.store.carrying import End, Given, Parcel
from activities.store.database import Tx
from activities.store.parcels import NoticeParcel
from activities.store.records import Way

#: The channel of each way in which notices go.
CHANNELS = {Way.EMAIL: "email", Way.SMS: "sms", Way.CHAT: "staff_chat"}

_SUBJECT_LENGTH = 78

_Parcel = TypeVar("_Parcel", bound=Parcel)


class Load(Protocol[_Parcel]):
    """One kind of parcels; `name` stands in the log."""

    name: str

    async def claim(self, tx: Tx, *, now: datetime, limit: int, lease: timedelta) -> Sequence[_Parcel]:
        """Take what is due for the time of the lease."""
        ...

    async def carried_by(self, tx: Tx, *, given: Sequence[Given]) -> None:
        """Note which provider each is given to."""
        ...

    async def is_blank(self, tx: Tx, parcel: _Parcel) -> bool:
        """Say whether one was deleted after it was claimed."""
        ...

    async def tell(self, tx: Tx, parcel: _Parcel, *, end: End, now: datetime) -> None:
        """Record how one went; raise DuplicateSend if it may have left twice."""
        ...

    def message(self, parcel: _Parcel) -> Message:
        """Return what is sent."""
        ...


class Notices:
    """Notices to employees in the way they chose: mail (from `mailbox`), text message, or the staff's chat."""

    name = "notice"

    def __init__(self, *, providers: Providers, mailbox: str = "") -> None:
        self._providers = providers
        self._mailbox = mailbox

    async def claim(self, tx: Tx, *, now: datetime, limit: int, lease: timedelta) -> Sequence[NoticeParcel]:
        """Take what is due for the time of the lease."""
        graces = {way: grace_of(self._providers, channel=channel, other=lease) for way, channel in CHANNELS.items()}
        return await parcels.claim(tx, now=now, limit=limit, lease=lease, graces=graces)

    async def carried_by(self, tx: Tx, *, given: Sequence[Given]) -> None:
        """Note which provider each is given to."""
        await parcels.carried_by(tx, given=given)

    async def is_blank(self, tx: Tx, parcel: NoticeParcel) -> bool:
        """Say whether one was deleted after it was claimed."""
        return await parcels.is_blank(tx, parcel)

    async def tell(self, tx: Tx, parcel: NoticeParcel, *, end: End, now: datetime) -> None:
        """Record how one went; raise DuplicateSend if it may have left twice."""
        await parcels.tell(tx, parcel, end=end, now=now)

    def message(self, parcel: NoticeParcel) -> Message:
        """Return what is sent."""
        channel = CHANNELS[parcel.way]
        if parcel.way is Way.EMAIL:
            return Message(
                channel,
                address=parcel.address,
                body=parcel.text,
                subject=_subject(parcel),
                sender=self._mailbox,
                attachments=_attachments(parcel),
            )
        if parcel.way is Way.SMS:
            return Message(channel, address=parcel.address, body=_cut(parcel.text, length=sms.LIMIT))
        return Message(channel, address=parcel.address or f"room:{parcel.room}", body=parcel.text)


class Answers:
    """Employees' answers into WhatsApp, Messenger and SMS chats."""

    name = "answer"

    def __init__(self, *, providers: Providers) -> None:
        self._providers = providers

    async def claim(self, tx: Tx, *, now: datetime, limit: int, lease: timedelta) -> Sequence[AnswerParcel]:
        """Take what is due for the time of the lease; what must not leave any more ends."""
        grace = grace_of(self._providers, channel="chat", other=lease)
        return await answers.claim(tx, now=now, limit=limit, lease=lease, grace=grace)

    async def carried_by(self, tx: Tx, *, given: Sequence[Given]) -> None:
        """Note which provider each is given to."""
        await answers.carried_by(tx, given=given)

    async def is_blank(self, tx: Tx, parcel: AnswerParcel) -> bool:
        """Say whether one was deleted after it was claimed."""
        return await answers.is_blank(tx, parcel)

    async def tell(self, tx: Tx, parcel: AnswerParcel, *, end: End, now: datetime) -> None:
        """Record how one went; raise DuplicateSend if it may have left twice."""
        await answers.tell(tx, parcel, end=end, now=now)

    def message(self, parcel: AnswerParcel) -> Message:
        """Return what is sent."""
        return Message("chat", address=parcel.address, body=parcel.text, medium=parcel.medium)


def grace_of(providers: Providers, *, channel: str, other: timedelta) -> timedelta:
    """Return how long the provider of a channel may still be busy with a lost request; `other` where there is none."""
    try:
        return providers.choose(channel).grace
    except Misconfigured:
        return other


def _subject(parcel: NoticeParcel) -> str:
    first = parcel.text.strip().partition("\n")[0]
    number = f"{parcel.number}: " if parcel.number and parcel.number not in first else ""
    return _cut(f"{number}{first}", length=_SUBJECT_LENGTH)


def _cut(text: str, *, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


def _attachments(parcel: NoticeParcel) -> tuple[Attachment, ...]:
    file = parcel.file
    return (Attachment(file["name"], file["media_type"], file["text"].encode()),) if file else ()
