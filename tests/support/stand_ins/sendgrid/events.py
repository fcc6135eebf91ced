"""The signed event webhook: tells what became of accepted mails, in batches, with what goes wrong on the way.

Sources: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event and
/getting-started-event-webhook-security-features (ECDSA P-256 over timestamp and raw body).
"""

import base64
import hashlib
import json
import random
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
)

_PATIENCE = ClientTimeout(total=10)

_HREF = re.compile(r'href="(https?://[^"]+)"')


@dataclass(frozen=True)
class EventFaults:
    """Which share of the events is lost or sent twice, and whether they come in disorder."""

    lost: float = 0.0
    doubled: float = 0.0
    is_shuffled: bool = False
    seed: int = 0


@dataclass(frozen=True)
class Habits:
    """What becomes of mails: which addresses bounce, and whether people open them and click the first link."""

    bounces: frozenset[str] = frozenset()
    opens: bool = True
    clicks: bool = True


@dataclass(frozen=True)
class Posted:
    """One call of the webhook: its events, its headers, the raw body, how it was answered (0: not at all)."""

    events: tuple[dict[str, Any], ...]
    headers: Mapping[str, str]
    body: bytes
    status: int


class Events:
    """Make events of accepted mails and post them to `url`; `posted` is what was sent, call by call."""

    def __init__(
        self,
        url: str,
        *,
        key: ec.EllipticCurvePrivateKey,
        faults: EventFaults = EventFaults(),
        habits: Habits = Habits(),
        most: int = 100,
    ) -> None:
        self.posted: list[Posted] = []
        self.habits = habits
        self.faults = faults
        self._url = url
        self._key = key
        self._most = most
        self._random = random.Random(faults.seed)
        self._waiting: list[dict[str, Any]] = []

    @property
    def public_key(self) -> str:
        """The public half of the key, as SendGrid shows it: base64 of DER."""
        shown = self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(shown).decode()

    def note(self, mail: Mapping[str, Any], *, message_id: str) -> None:
        """Put the events of an accepted mail into the next batches."""
        for event in self._events_of(mail, message_id=message_id):
            if self._random.random() >= self.faults.lost:
                self._waiting += [event] * (2 if self._random.random() < self.faults.doubled else 1)

    async def post(self) -> list[Posted]:
        """Post what waits, in batches; a batch that is not answered with 2xx waits again."""
        waiting, self._waiting = self._waiting, []
        if self.faults.is_shuffled:
            self._random.shuffle(waiting)
        calls = []
        for start in range(0, len(waiting), self._most):
            batch = waiting[start : start + self._most]
            posted = await self._post(batch)
            if not 200 <= posted.status < 300:
                self._waiting += batch
            calls.append(posted)
        self.posted += calls
        return calls

    def signed(self, body: bytes, *, at: int) -> dict[str, str]:
        """Return the headers that sign a body."""
        signature = self._key.sign(str(at).encode() + body, ec.ECDSA(hashes.SHA256()))
        return {
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": str(at),
        }

    async def _post(self, events: Sequence[dict[str, Any]]) -> Posted:
        # As SendGrid writes it: one event a line, lines ending in CR LF.
        body = ("[" + ",\r\n".join(json.dumps(event) for event in events) + "]\r\n").encode()
        headers = {"Content-Type": "application/json", **self.signed(body, at=int(time.time()))}
        try:
            async with (
                ClientSession(timeout=_PATIENCE, trust_env=False) as session,
                session.post(self._url, data=body, headers=headers, allow_redirects=False) as response,
            ):
                return Posted(tuple(events), headers, body, response.status)
        except (TimeoutError, ClientError, OSError):
            return Posted(tuple(events), headers, body, 0)

    def _events_of(self, mail: Mapping[str, Any], *, message_id: str) -> list[dict[str, Any]]:
        found = []
        for place, group in enumerate(mail["personalizations"]):
            for person in group["to"]:
                told = {
                    **group.get("custom_args", {}),
                    "email": person["email"],
                    "sg_message_id": f"{message_id}.recvd-5f8c-{place}",
                    "smtp-id": f"<{message_id}@geopod-ismtpd>",
                }
                found += [self._event(told, kind=kind, more=more) for kind, more in self._life(mail, person["email"])]
        return found

    def _life(self, mail: Mapping[str, Any], address: str) -> list[tuple[str, dict[str, Any]]]:
        if address in self.habits.bounces:
            words = "550 5.1.1 The email account does not exist"
            return [("processed", {}), ("bounce", {"type": "bounce", "status": "5.1.1", "reason": words})]
        life: list[tuple[str, dict[str, Any]]] = [("processed", {}), ("delivered", {"response": "250 OK"})]
        tracking = mail.get("tracking_settings", {})
        if self.habits.opens and tracking.get("open_tracking", {}).get("enable"):
            life.append(("open", {"sg_machine_open": False, "useragent": "Mozilla/5.0", "ip": "192.0.2.1"}))
        link = next((found for part in mail["content"] for found in _HREF.findall(part["value"])), None)
        if self.habits.clicks and link and tracking.get("click_tracking", {}).get("enable"):
            life.append(("click", {"url": link, "useragent": "Mozilla/5.0", "ip": "192.0.2.1"}))
        return life

    def _event(self, told: dict[str, Any], *, kind: str, more: dict[str, Any]) -> dict[str, Any]:
        id = hashlib.sha256(f"{told['sg_message_id']}:{kind}:{told['email']}".encode()).digest()[:18]
        shown = base64.urlsafe_b64encode(id).decode()
        return {**told, **more, "event": kind, "sg_event_id": shown, "timestamp": int(time.time())}


def signing_key(written: str = "") -> ec.EllipticCurvePrivateKey:
    """Read a private key (base64 of DER, PKCS 8), or make one."""
    if not written:
        return ec.generate_private_key(ec.SECP256R1())
    key = load_der_private_key(base64.b64decode(written), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("the signing key is none of an elliptic curve")
    return key
