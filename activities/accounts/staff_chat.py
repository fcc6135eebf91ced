"""The chats of the shop's own staff: addresses that a chat service gave for posting into a room."""

import json
from typing import ClassVar

from pydantic import Field, SecretStr, field_validator

from activities.accounts.reading import Account

_WORDS = 'write the rooms as JSON, {"sales-team": "https://…"}'


class StaffChat(Account):
    """`ORDERS_STAFF_CHAT_WEBHOOK` is where employees without a chat of their own are told; the rooms are by name."""

    prefix: ClassVar[str] = "ORDERS_STAFF_"

    chat_webhook: SecretStr | None = Field(default=None, description="Webhook address of the staff's chat")
    chats: SecretStr | None = Field(default=None, description='Rooms by name, as JSON: {"sales-team": "https://…"}')

    @field_validator("chats")
    @classmethod
    def _readable(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            _rooms(value)
        return value

    def address(self, *, room: str) -> str:
        """Return the address of a room, of the shop's chat for an empty name; empty where there is none."""
        if room:
            return _rooms(self.chats).get(room, "") if self.chats else ""
        return self.chat_webhook.get_secret_value() if self.chat_webhook else ""


def _rooms(value: SecretStr) -> dict[str, str]:
    try:
        rooms = json.loads(value.get_secret_value())
    except ValueError:
        raise ValueError(_WORDS) from None
    if not isinstance(rooms, dict) or not all(isinstance(address, str) for address in rooms.values()):
        raise ValueError(_WORDS)
    return rooms
