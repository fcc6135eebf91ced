"""Twilio: text messages, calls, WhatsApp and Messenger. The SDK's requests go over our own transport.

Twilio has no key that makes a send idempotent. So our id of the send stands in the addresses it calls back: a callback
settles a lost answer; else its list of messages does, so those it cannot tell apart leave one by one. Callers hold the
lease of the ledger's row while they send.
"""

import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from activities.accounts.twilio import TwilioAccount
from activities.accounts.twilio_codes import OPTED_OUT, words_of
from activities.providers.errors import Misconfigured, NotSent, ProviderError, Rejected, Unknown
from activities.providers.protocol import Accepted, Message, Outcome
from activities.providers.registry import Connecting
from activities.providers.twilio_lists import Listed, fits, likeness
from activities.store import adopting, calls, ledger, suppressions
from activities.store.adopting import Rivals
from activities.store.database import Store, Tx
from activities.store.history import LedgerRecord, LedgerState

if TYPE_CHECKING:
    from twilio.rest import Client

Clock = Callable[[], datetime]

#: Twilio repeats a callback only if told so: five times, after any failure. Not part of the address or the signature.
#: https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides
_REPEATED = "#rc=5&rp=all"

#: Seconds that Twilio may keep a text in its queue; https://www.twilio.com/docs/messaging/api/message-resource
_LONGEST = 36_000

#: How far our clock may be ahead of Twilio's, which writes moments in whole seconds.
_CLOCKS = timedelta(seconds=60)

#: How far back a lost send is looked for that is in no table of ours.
_UNRECORDED = timedelta(hours=1)

#: For so long a send whose outcome is unknown keeps those back that could be taken for it.
_TURN = timedelta(hours=1)

#: Seconds for each other one within which one that was kept back draws when it tries again, so that they do not meet
#: for ever.
_APART = 3.0

#: The longest it waits for its turn until it tries again.
_LONGEST_TURN = timedelta(seconds=30)

#: How a call ended -> the outcome, and whether somebody (or something) took it.
_ENDS = {
    "completed": ("answered", True),
    "busy": ("busy", False),
    "no-answer": ("no_answer", False),
    "canceled": ("failed", False),
    "failed": ("failed", False),
}

_ARRIVED = ("sent", "delivered", "read", "partially_delivered")
_LOST = ("failed", "undelivered", "canceled")


class TwilioProvider:
    """Send by Twilio, look lost sends up in its lists, tell how calls went."""

    name = "twilio"
    channels: tuple[str, ...] = ("sms", "voice", "chat")
    patience = timedelta(seconds=5)

    def __init__(
        self,
        account: TwilioAccount,
        *,
        api: "Client",
        store: Store,
        public_url: str,
        clock: Clock = lambda: datetime.now(UTC),
    ) -> None:
        self.grace = account.wait
        self.rates = account.rates
        self._account = account
        self._api = api
        self._store = store
        self._hooks = f"{public_url}/hooks/twilio"
        self._clock = clock

    async def send(self, message: Message, *, send_id: UUID) -> Accepted:
        """Create a message or a call, once. An address whose owner wrote STOP is suppressed."""
        if message.expires is not None and message.expires <= self._clock():
            raise Rejected("expired", "It was not sent, its time was over: send it by hand if it is still of use")
        await self._in_turn(message, send_id)
        try:
            created = await (
                self._call(message, send_id) if message.channel == "voice" else self._text(message, send_id)
            )
        except Rejected as error:
            if error.code == OPTED_OUT:
                await self._suppress(message)
            raise
        if not created.sid:
            raise Unknown("Twilio's answer holds no id: it may have taken it all the same")
        return Accepted(created.sid)

    async def lookup(self, message: Message, *, send_id: UUID) -> Accepted | None:
        """Look for it in Twilio's list: by address, sender, text and moment; one that no other send owns.

        Raise NotSent where Twilio cannot be asked now, Unknown where it is not known any more what to look for.
        """
        if not message.address:
            raise Unknown("the address is gone: nobody can tell whether it was sent")
        async with self._store.read() as tx:
            claimed_at = await adopting.claimed_at(tx, send_id=send_id)
            rivals = await self._rivals(tx, message, send_id)
        if rivals is not None and claimed_at is not None and rivals.first_at < claimed_at:
            # Of those that are not settled only the one that was claimed first can have left: the message is its own.
            delay = timedelta(seconds=random.uniform(1, 1 + _APART))
            raise NotSent(
                "It waits until a message before it is settled, that it could be taken for", retry_after=delay
            )
        since = claimed_at or self._clock() - _UNRECORDED
        listed = await self._listed(message)
        fitting = [one.sid for one in listed if one.sid and fits(one, message=message, since=since - _CLOCKS)]
        async with self._store.read() as tx:
            owned = await adopting.owned(tx, send_id=send_id, provider=self.name, provider_ids=fitting)
        free = [sid for sid in fitting if sid not in owned]
        return Accepted(free[-1]) if free else None

    async def outcome(self, message: Message, *, send_id: UUID) -> Outcome | None:
        """Say how a call went, or whether a message arrived: as the callbacks told, else as Twilio does when asked."""
        async with self._store.read() as tx:
            row = await ledger.row(tx, send_id=send_id)
            call = await calls.get(tx, send_id=send_id) if message.channel == "voice" else None
        was_heard = call is None or call.fetched_at is not None
        if call is not None and call.status in _ENDS:
            return _how_it_ended(call.status, answered_by=call.answered_by, was_heard=was_heard)
        if row is None or row.provider_id is None:
            return None
        if message.channel != "voice" and (told := _as_told(row)) is not None:
            return told
        if self._clock() - row.updated_at < timedelta(seconds=self._account.silence):
            return None
        try:
            if message.channel == "voice":
                return await self._asked_call(row.provider_id, send_id, was_heard=was_heard)
            return await self._asked_text(row.provider_id)
        except ProviderError as error:
            raise NotSent(f"Twilio could not be asked how it went: {error}") from None

    async def _in_turn(self, message: Message, send_id: UUID) -> None:
        """Let one of several messages that Twilio's list cannot tell apart leave at a time; raise NotSent for others.

        Both were claimed before either looks, so at most one of them goes on.
        """
        async with self._store.read() as tx:
            rivals = await self._rivals(tx, message, send_id)
        if rivals is not None:
            waited = max(timedelta(0), min(self._clock() - rivals.claimed_at, _LONGEST_TURN))
            delay = waited + timedelta(seconds=1 + random.uniform(0, _APART * rivals.count))
            raise NotSent("It waits for another message to this number that it could be taken for", retry_after=delay)

    async def _rivals(self, tx: Tx, message: Message, send_id: UUID) -> Rivals | None:
        like = likeness(message, provider=self.name)
        return await adopting.rivals(tx, send_id=send_id, like=like, since=self._clock() - _TURN)

    # --- what leaves -----------------------------------------------------------------------------------------------

    async def _text(self, message: Message, send_id: UUID) -> Listed:
        created: Listed = await self._api.messages.create_async(
            status_callback=self._status(send_id),
            **self._route(message),
            **_words(message),
            **self._validity(message),
        )
        return created

    async def _call(self, message: Message, send_id: UUID) -> Listed:
        created: Listed = await self._api.calls.create_async(
            **self._route(message),
            url=f"{self._hooks}/voice/{send_id}",
            **self._fallback(),
            # The first of them settles a lost answer long before the call ends.
            status_callback=self._status(send_id),
            status_callback_event=["initiated", "answered", "completed"],
            # Waits for the beep: else the words would be spoken over the machine's greeting.
            machine_detection="DetectMessageEnd",
        )
        return created

    def _fallback(self) -> dict[str, str]:
        """Return what a call hears whose words cannot be fetched: nothing, or what the shop keeps elsewhere."""
        if self._account.fallback:
            return {"fallback_url": self._account.fallback, "fallback_method": "GET"}
        return {"fallback_url": f"{self._hooks}/fallback"}

    def _status(self, send_id: UUID) -> str:
        return f"{self._hooks}/status/{send_id}{_REPEATED}"

    def _route(self, message: Message) -> dict[str, str]:
        """Return `to`, and `from_` or the messaging service; raise Misconfigured where there is no sender."""
        account = self._account
        if message.channel == "voice":
            line = message.sender or next(iter(account.lines), account.sender)
            if account.lines and line not in account.lines:
                raise Misconfigured(f"{account.prefix}LINES", "the rule's line is not connected: correct it, or add it")
            return {"to": message.address, "from_": self._given(line, "LINES", "there is no line to call from")}
        medium = message.medium if message.channel == "chat" else "sms"
        if medium == "sms":
            sender = message.sender or ("" if account.messaging_service else account.sender)
            if account.messaging_service and not sender:
                return {"to": message.address, "messaging_service_sid": account.messaging_service}
            return {"to": message.address, "from_": self._given(sender, "SENDER", "there is no sender of messages")}
        if medium not in ("whatsapp", "messenger"):
            raise Rejected("medium", f"Twilio does not carry chats of the medium '{medium}'")
        own = account.whatsapp if medium == "whatsapp" else account.messenger
        sender = self._given(message.sender or own, medium.upper(), f"there is no sender for {medium}")
        return {"to": _within(medium, message.address), "from_": _within(medium, sender)}

    def _given(self, value: str, setting: str, words: str) -> str:
        if not value:
            raise Misconfigured(f"{self._account.prefix}{setting}", words)
        return value

    def _validity(self, message: Message) -> dict[str, int]:
        """Keep Twilio from delivering it too late. Only text messages know it."""
        if message.expires is None or (message.channel == "chat" and message.medium != "sms"):
            return {}
        left = int((message.expires - self._clock()).total_seconds())
        return {"validity_period": max(1, min(left, _LONGEST))}

    async def _suppress(self, message: Message) -> None:
        channels = {message.channel, "sms"} if message.medium == "sms" else {message.channel}
        async with self._store.write() as tx:
            for channel in sorted(channels):
                await suppressions.suppress(
                    tx, channel=channel, address=message.address, reason="stop", now=self._clock()
                )

    # --- what is asked ---------------------------------------------------------------------------------------------

    async def _listed(self, message: Message) -> list[Listed]:
        """List what went to the address lately, the newest first. Without a date: it is null while it is queued."""
        route = self._route(message)
        route.pop("messaging_service_sid", None)  # it chose the sender, which we do not know
        asked = self._api.calls if message.channel == "voice" else self._api.messages
        try:
            return list(await asked.list_async(**route, limit=200, page_size=200))
        except ProviderError as error:
            delay = error.retry_after if isinstance(error, NotSent) else None
            raise NotSent(f"Twilio could not be asked whether it was sent: {error}", retry_after=delay) from None

    async def _asked_call(self, sid: str, send_id: UUID, *, was_heard: bool) -> Outcome | None:
        call = await self._api.calls(sid).fetch_async()
        if call.status not in _ENDS:
            return None
        who = call.answered_by or ""
        async with self._store.write() as tx:
            await calls.tell(tx, send_id=send_id, call_id=sid, status=call.status, answered_by=who, now=self._clock())
        return _how_it_ended(call.status, answered_by=who, was_heard=was_heard)

    async def _asked_text(self, sid: str) -> Outcome | None:
        message = await self._api.messages(sid).fetch_async()
        if message.status in _LOST:
            return Outcome({}, has_reached=False, failure=words_of(int(message.error_code or 0)))
        return Outcome({}) if message.status in _ARRIVED else None


def connect(given: Connecting) -> TwilioProvider | None:
    """Build the provider, if there is an account; its callbacks need the gateway's public address."""
    account = TwilioAccount.read(given.environment, folder=given.folder)
    if account is None:
        return None
    if not given.public_url:
        raise Misconfigured("ORDERS_PUBLIC_URL", "Twilio calls back, and must know where")
    # Imported here: the SDK is heavy, and most processes do without it.
    from activities.providers.twilio_transport import client_of  # noqa: PLC0415

    return TwilioProvider(account, api=client_of(account), store=given.store, public_url=given.public_url)


def _within(medium: str, address: str) -> str:
    return address if address.startswith(f"{medium}:") else f"{medium}:{address}"


def _words(message: Message) -> dict[str, str]:
    if message.template:
        variables = {name: adopting.writable(value) for name, value in message.variables.items()}
        return {"content_sid": message.template, "content_variables": json.dumps(variables)}
    return {"body": adopting.writable(message.body)}


def _how_it_ended(status: str, *, answered_by: str, was_heard: bool) -> Outcome:
    """Tell of a call that ended. One that was taken and never fetched its words said nothing: it reached nobody."""
    outcome, has_reached = _ENDS[status]
    if has_reached and not was_heard and answered_by != "fax":
        outcome, has_reached = "failed", False
    if not has_reached:
        return Outcome({"outcome": outcome, "answered_by": ""}, has_reached=False)
    who = "machine" if answered_by.startswith("machine") else answered_by or "unknown"
    return Outcome({"outcome": who if who in ("machine", "fax") else outcome, "answered_by": who})


def _as_told(row: LedgerRecord) -> Outcome | None:
    if row.state is LedgerState.FAILED:
        code = int(row.code) if row.code.isdecimal() else 0
        return Outcome({}, has_reached=False, failure=words_of(code))
    return Outcome({}) if row.state is LedgerState.DELIVERED else None
