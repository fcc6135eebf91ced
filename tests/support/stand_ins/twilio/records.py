"""What the stand-in keeps: messages, calls, and the log of what it accepted, one line per accepted request.

The fields are those of the official document: twilio/twilio-oai, api v2010.
"""

import json
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

VERSION = "2010-04-01"


class AcceptedTwice(Exception):
    """One request was accepted twice: the stand-in itself is wrong."""


@dataclass(frozen=True)
class Accepted:
    """One accepted request: its id, what it made, and the send that its callback's address names."""

    request: str
    sid: str
    kind: str
    to: str
    send: str
    at: datetime


@dataclass
class MessageState:
    """A message and how far it is."""

    sid: str
    account: str
    form: dict[str, str]
    created_at: datetime
    status: str
    error_code: int | None = None
    sent_at: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        """Write it as the API does."""
        service = self.form.get("MessagingServiceSid")
        uri = f"/{VERSION}/Accounts/{self.account}/Messages/{self.sid}.json"
        return {
            "account_sid": self.account,
            "api_version": VERSION,
            "body": self.form.get("Body", ""),
            "date_created": format_datetime(self.created_at),
            "date_sent": format_datetime(self.sent_at) if self.sent_at else None,
            "date_updated": format_datetime(self.sent_at or self.created_at),
            "direction": "outbound-api",
            "error_code": self.error_code,
            "error_message": "It was not delivered" if self.error_code else None,
            "from": self.form.get("From"),
            "messaging_service_sid": service,
            "num_media": "0",
            "num_segments": "0" if service else "1",
            "price": None,
            "price_unit": "USD",
            "sid": self.sid,
            "status": self.status,
            "subresource_uris": {"media": uri.replace(".json", "/Media.json")},
            "to": self.form["To"],
            "uri": uri,
        }


@dataclass
class CallState:
    """A call, how far it is, and what was heard."""

    sid: str
    account: str
    form: dict[str, str]
    events: tuple[str, ...]
    created_at: datetime
    status: str = "queued"
    answered_by: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    heard: list[str] = field(default_factory=list)
    errors: list[int] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Write it as the API does."""
        uri = f"/{VERSION}/Accounts/{self.account}/Calls/{self.sid}.json"
        return {
            "account_sid": self.account,
            "answered_by": self.answered_by,
            "api_version": VERSION,
            "caller_name": None,
            "date_created": format_datetime(self.created_at),
            "date_updated": format_datetime(self.ended_at or self.created_at),
            "direction": "outbound-api",
            "duration": "7" if self.started_at and self.ended_at else None,
            "end_time": format_datetime(self.ended_at) if self.ended_at else None,
            "forwarded_from": None,
            "from": self.form["From"],
            "from_formatted": self.form["From"],
            "group_sid": None,
            "parent_call_sid": None,
            "phone_number_sid": None,
            "price": None,
            "price_unit": "USD",
            "queue_time": "0",
            "sid": self.sid,
            "start_time": format_datetime(self.started_at) if self.started_at else None,
            "status": self.status,
            "subresource_uris": {"recordings": uri.replace(".json", "/Recordings.json")},
            "to": self.form["To"],
            "to_formatted": self.form["To"],
            "trunk_sid": None,
            "uri": uri,
        }


@dataclass
class Acceptances:
    """The log. With a `path` each line is in the file before the request is answered."""

    path: Path | None = None
    lines: list[Accepted] = field(default_factory=list)
    _requests: set[str] = field(default_factory=set)

    def accept(self, line: Accepted) -> None:
        """Write one acceptance down. Raise AcceptedTwice for a request that was accepted before."""
        if line.request in self._requests:
            raise AcceptedTwice(line.request)
        self._requests.add(line.request)
        self.lines.append(line)
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as log:
                log.write(json.dumps({**line.__dict__, "at": line.at.isoformat()}) + "\n")


def new_sid(prefix: str) -> str:
    """Return a new id of Twilio's form."""
    return prefix + secrets.token_hex(16)


def send_of(form: dict[str, str]) -> str:
    """Return the send that the callback's address names, "" if there is none."""
    return urlsplit(form.get("StatusCallback", "")).path.rpartition("/")[2]
