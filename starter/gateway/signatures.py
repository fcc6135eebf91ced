"""Signatures of vendors' calls: the official verifiers, made to say no where they would raise; and clocks that differ.

Whatever comes in, a signature is right or the call is refused with 403: without a reason for the caller, with the
setting to check for the operator. What cannot be right, as the headers show, is refused before the body is read.
"""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

from fastapi import Request

from activities.runtime import metrics
from activities.runtime.logs import log
from starter.gateway.problems import Problem

if TYPE_CHECKING:
    from standardwebhooks.webhooks import Webhook

_log = log("hooks")

#: How far the moment of a signature may be from ours, both ways (Standard Webhooks, Stripe).
TOLERANCE = timedelta(minutes=5)


def refused(source: str, *, setting: str) -> Problem:
    """Return the refusal of a call, and tell the operator which setting to check."""
    metrics.REFUSED_CALLS.labels(source=source).inc()
    _log.warning("A call has no valid signature: check the setting", source=source, setting=setting)
    return Problem(403, code="bad-signature", detail="The signature is not valid.")


async def verified(
    request: Request, *, source: str, setting: str, may_be: bool, fits: Callable[[bytes], bool]
) -> bytes:
    """Return the body of a call that is signed; raise Problem (403) for any other.

    `may_be`: whether the headers hold a signature at all, without which the body stays unread.
    """
    if may_be:
        raw = await request.body()
        if fits(raw):
            return raw
    raise refused(source, setting=setting)


def not_connected(source: str, *, setting: str) -> Problem:
    """Return the refusal of a call to a source that has no secret."""
    return Problem(404, code="unknown-source", detail=f"{source} is not connected: set {setting}.")


def may_be_standard(headers: Mapping[str, str], *, now: datetime) -> bool:
    """Say whether headers hold a Standard Webhooks signature that is of now; of what, the body says."""
    given = [part.partition(",") for part in headers.get("webhook-signature", "").split(" ")]
    is_signed = any(version == "v1" and is_digest(value, size=sha256().digest_size) for version, _, value in given)
    return is_signed and headers.get("webhook-id", "") != "" and in_time(headers.get("webhook-timestamp", ""), now=now)


def standard(body: bytes, *, headers: Mapping[str, str], secrets: Sequence[str], now: datetime) -> bool:
    """Verify a Standard Webhooks signature (webhook-id, -timestamp, -signature) with one of the secrets."""
    if not may_be_standard(headers, now=now):
        return False
    given = {name: headers.get(name, "") for name in ("webhook-id", "webhook-timestamp", "webhook-signature")}

    def verify(secret: str) -> None:
        _webhook(secret).verify(body, given, json_parse=False)

    return any(holds(lambda secret=secret: verify(secret)) for secret in secrets)  # type: ignore[misc]  # mypy does not infer lambdas with defaults


@lru_cache(maxsize=64)
def _webhook(secret: str) -> "Webhook":
    from standardwebhooks.webhooks import Webhook  # noqa: PLC0415

    return Webhook(secret)


_SIGNATURE = "x-twilio-email-event-webhook-signature"
_TIMESTAMP = "x-twilio-email-event-webhook-timestamp"


def may_be_ecdsa(headers: Mapping[str, str], *, now: datetime) -> bool:
    """Say whether headers hold a signature of SendGrid's that is of now; of what, the body says."""
    signature = _decoded(headers.get(_SIGNATURE, ""))
    # A sequence of two numbers (RFC 3279, section 2.2.3), which begins with its length.
    is_der = 8 <= len(signature) <= 72 and signature[:2] == bytes((0x30, len(signature) - 2))
    return is_der and in_time(headers.get(_TIMESTAMP, ""), now=now)


def ecdsa(raw: bytes, *, headers: Mapping[str, str], keys: Sequence[str], now: datetime) -> bool:
    """Verify SendGrid's signature with one of the public keys (base64 of DER), and that it is of now."""
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed  # noqa: PLC0415
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_der_public_key  # noqa: PLC0415

    if not may_be_ecdsa(headers, now=now):
        return False
    signature, timestamp = headers[_SIGNATURE], headers[_TIMESTAMP]
    digest = sha256(timestamp.encode())
    digest.update(raw)  # which lets other threads go on, and copies nothing

    def verify(key: str) -> None:
        public = load_der_public_key(b64decode(key))
        if not isinstance(public, EllipticCurvePublicKey):
            raise TypeError("not an elliptic curve's key")
        public.verify(b64decode(signature, validate=True), digest.digest(), ECDSA(Prehashed(SHA256())))

    return any(holds(lambda key=key: verify(key)) for key in keys)  # type: ignore[misc]  # mypy does not infer lambdas with defaults


def hashed(body: bytes, *, signature: str, secrets: Sequence[str]) -> bool:
    """Verify a base64 HMAC-SHA256 of the body, which holds no moment."""
    expected = [b64encode(hmac.digest(secret.encode(), body, sha256)) for secret in secrets]
    given = signature.encode("utf-8", "replace")
    return any(hmac.compare_digest(given, one) for one in expected)


def is_digest(signature: str, *, size: int) -> bool:
    """Say whether a signature is so many bytes in base64."""
    return len(_decoded(signature)) == size


def _decoded(signature: str) -> bytes:
    try:
        return b64decode(signature, validate=True)
    except ValueError:  # also what is not ASCII
        return b""


def holds(verify: Callable[[], object]) -> bool:
    """Say whether a verifier is content. The official ones raise anything on garbage."""
    try:
        verify()
    except Exception:
        return False
    return True


def in_time(timestamp: str, *, now: datetime) -> bool:
    """Say whether a signature's moment (Unix seconds) is near ours; one far off is counted: a clock is wrong."""
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        return False
    apart = abs(now.timestamp() - int(timestamp))
    if apart <= TOLERANCE.total_seconds():
        return True
    metrics.CLOCK_APART.inc()
    _log.warning("A signature's moment is far from ours: check this machine's clock", seconds=round(apart))
    return False
