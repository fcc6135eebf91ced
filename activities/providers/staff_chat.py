"""Posts notices into the staff's chat, as Slack, Mattermost, Teams and others take them: JSON with a `text`.

In: an address, `room:NAME`, or `room:` for the shop's own chat. Such webhooks know no idempotency and cannot be asked:
an answer that was lost stays unknown.
"""

import json
from datetime import timedelta
from uuid import UUID

from activities.accounts.staff_chat import StaffChat
from activities.providers.errors import Misconfigured, NotSent, Rejected, Unknown
from activities.providers.guard import Answer, Forbidden, Guard, GuardOptions
from activities.providers.protocol import Accepted, Message
from activities.providers.registry import Connecting

ROOM = "room:"

#: Answers that mean "later", and that nothing was posted.
_LATER = frozenset({408, 425, 429, 503})

_LENGTH = 4_000


class StaffChatProvider:
    """Post into chats. A room is looked up in the settings, an employee's own address is taken as it is."""

    name = "staff_chat"
    channels: tuple[str, ...] = ("staff_chat",)
    grace = timedelta(0)

    def __init__(self, guard: Guard, *, chats: StaffChat) -> None:
        self._guard = guard
        self._chats = chats

    async def send(self, message: Message, *, send_id: UUID) -> Accepted:
        """Post once. Raise NotSent, Unknown, Rejected or Misconfigured."""
        body = json.dumps({"text": _plain(message.body)}).encode()
        answer = await self._posted(self._address(message), body=body)
        if 200 <= answer.status < 300:
            return Accepted(f"staff-chat-{send_id}")
        if answer.status in _LATER:
            raise NotSent(f"The staff's chat answered {answer.status}: it is told again", retry_after=_after(answer))
        if answer.status >= 500:
            raise Unknown(f"The staff's chat answered {answer.status}")
        raise Rejected(str(answer.status), "The staff's chat refused the notice: correct its webhook address")

    async def lookup(self, message: Message, *, send_id: UUID) -> Accepted | None:
        """Raise Unknown: such a webhook cannot be asked."""
        raise Unknown("The staff's chat cannot tell")

    def _address(self, message: Message) -> str:
        if not message.address.startswith(ROOM):
            return message.address
        room = message.address.removeprefix(ROOM)
        address = self._chats.address(room=room)
        if address:
            return address
        if room:
            raise Misconfigured("ORDERS_STAFF_CHATS", f"the staff has no chat room '{room}'")
        raise Misconfigured("ORDERS_STAFF_CHAT_WEBHOOK", "the staff has no chat")

    async def _posted(self, address: str, *, body: bytes) -> Answer:
        from aiohttp import ClientConnectorError, ClientError  # noqa: PLC0415  heavy; loaded by the first notice

        try:
            return await self._guard.post(address, body=body, headers={"content-type": "application/json"})
        except Forbidden as error:
            raise Rejected("address_refused", f"The staff's chat was not called: {error.words}") from None
        except ClientConnectorError:
            raise NotSent("The staff's chat cannot be reached") from None
        except (TimeoutError, ClientError, OSError) as error:
            raise Unknown(f"The staff's chat did not answer ({type(error).__name__})") from None


def connect(given: Connecting) -> StaffChatProvider:
    """Build the provider; an employee's own address needs no account. Raise Misconfigured for a bad one."""
    guard = Guard(GuardOptions(allows_private=given.allows_private))
    return StaffChatProvider(guard, chats=StaffChat.read(given.environment, folder=given.folder) or StaffChat())


def _plain(text: str) -> str:
    # Slack reads <!channel> and <url|words>; a customer's name must not call everybody.
    cut = text if len(text) <= _LENGTH else f"{text[: _LENGTH - 1]}…"
    return cut.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _after(answer: Answer) -> timedelta | None:
    value = next((value for name, value in answer.headers.items() if name.lower() == "retry-after"), "")
    return timedelta(seconds=int(value)) if value.isdecimal() and len(value) < 6 else None
