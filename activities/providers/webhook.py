"""Outgoing webhooks, signed as Standard Webhooks (https://www.standardwebhooks.com): id, timestamp, body.

Resending is safe: `webhook-id` is the id of the send and stays the same on every attempt, and the standard makes it
the receiver's idempotency key. So a lost answer is `NotSent` here, never `Unknown`: the same call is made again.
"""

import binascii
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from activities.providers.errors import Misconfigured, NotSent, Rejected
from activities.providers.guard import Answer, Forbidden, Guard, GuardOptions
from activities.providers.protocol import Accepted, Message
from activities.providers.registry import Connecting
from activities.providers.secrets import SECRET_PREFIX, Secrets

#: Answers that ask for another attempt; every other 4xx is final.
_LATER = frozenset({408, 425, 429})

_WORDS = {
    400: "the receiver could not read the call: look into its log",
    401: "the receiver did not accept the signature: check that both sides hold the same secret",
    403: "the receiver did not accept the signature: check that both sides hold the same secret",
    404: "the receiver has no such address: correct the rule's address",
    410: "the receiver wants no more calls: remove the rule or correct its address",
    413: "the receiver finds the call too large: include less",
}

Clock = Callable[[], datetime]


class WebhookProvider:
    """Call a shop's own systems. The clock gives the signature's timestamp, which receivers hold against theirs."""

    name = "webhook"
    channels: tuple[str, ...] = ("webhook",)
    grace = timedelta(0)

    def __init__(self, guard: Guard, *, secrets: Secrets, clock: Clock = lambda: datetime.now(UTC)) -> None:
        self._guard = guard
        self._secrets = secrets
        self._clock = clock

    async def send(self, message: Message, *, send_id: UUID) -> Accepted:
        """Call once; 2xx is accepted. Raise NotSent, Rejected or Misconfigured."""
        headers = {**message.headers, **self._signed(message, send_id=send_id)}
        answer = await self._posted(message, headers=headers)
        if 200 <= answer.status < 300:
            return Accepted(f"webhook-{send_id}", {"status": answer.status})
        raise _refusal(answer)

    async def lookup(self, message: Message, *, send_id: UUID) -> Accepted | None:
        """Nobody can be asked, and nobody need be: the call may be repeated under its id."""
        return None

    def _signed(self, message: Message, *, send_id: UUID) -> dict[str, str]:
        # Loaded by the first call, not at the worker's start.
        from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook  # noqa: PLC0415

        at = self._clock()
        try:
            signer = Webhook(self._secrets.get(message.secret))
        except (binascii.Error, ValueError, EmptyWebhookSecretError):
            setting = f"{SECRET_PREFIX}{message.secret}"
            raise Misconfigured(setting, "the secret is not base64 (whsec_…)") from None
        return {
            "content-type": "application/json",
            "user-agent": "order-automation",
            "webhook-id": str(send_id),
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": signer.sign(msg_id=str(send_id), timestamp=at, data=message.body),
        }

    async def _posted(self, message: Message, *, headers: dict[str, str]) -> Answer:
        from aiohttp import ClientConnectorCertificateError, ClientError  # noqa: PLC0415

        try:
            return await self._guard.post(message.address, body=message.body.encode(), headers=headers)
        except Forbidden as error:
            raise Rejected("address_refused", f"The webhook was not called: {error.words}") from None
        except ClientConnectorCertificateError:
            raise NotSent("The webhook's host has no valid certificate: renew it there") from None
        except (TimeoutError, ClientError, OSError) as error:
            raise NotSent(f"The webhook did not answer ({type(error).__name__}): is the receiver up?") from None


def connect(given: Connecting) -> WebhookProvider:
    """Build the provider; its secrets are looked up when they are needed."""
    guard = Guard(GuardOptions(allows_private=given.allows_private))
    return WebhookProvider(guard, secrets=Secrets(given.environment, folder=given.folder))


def _refusal(answer: Answer) -> NotSent | Rejected:
    if answer.status >= 500 or answer.status in _LATER:
        return NotSent(f"The webhook answered {answer.status}: it is called again", retry_after=_retry_after(answer))
    if 300 <= answer.status < 400:
        words = "the receiver redirects, which webhooks do not follow: write the final address into the rule"
        return Rejected(str(answer.status), f"The webhook was refused: {words}")
    words = _WORDS.get(answer.status, "the receiver refused the call: look into its log")
    return Rejected(str(answer.status), f"The webhook was refused: {words}")


def _retry_after(answer: Answer) -> timedelta | None:
    for name, value in answer.headers.items():
        if name.lower() == "retry-after" and value.isdecimal() and len(value) < 6:
            return timedelta(seconds=int(value))
    return None
