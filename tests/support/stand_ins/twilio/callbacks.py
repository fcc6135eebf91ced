"""Calls the other side back, signed as Twilio does, and repeats as the address's fragment says.

Sources: https://www.twilio.com/docs/usage/security, /docs/usage/webhooks/webhooks-connection-overrides
"""

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urldefrag, urlencode

from aiohttp import ClientConnectorError, ClientError, ClientSession, ClientTimeout
from twilio.request_validator import RequestValidator
from yarl import URL

#: Seconds to connect and to answer; Twilio's own are 5 and 15.
_PATIENCE = ClientTimeout(total=15, sock_connect=5)


@dataclass(frozen=True)
class Told:
    """One callback that was sent: to which address, with which form, and how it was answered (0: not at all)."""

    url: str
    form: dict[str, str]
    status: int
    text: str = ""


class Callbacks:
    """Send callbacks; `told` is what was sent, attempt by attempt."""

    def __init__(self, *, auth_token: str, retry_delay: float = 0.05) -> None:
        self.told: list[Told] = []
        self._signer = RequestValidator(auth_token)
        self._delay = retry_delay

    async def post(self, address: str, *, form: Mapping[str, str], method: str = "POST") -> Told:
        """Send one callback, and again where that is asked for; return the last attempt. By GET the form is a query."""
        url, fragment = urldefrag(address)
        overrides = {name: values[-1] for name, values in parse_qs(fragment).items()}
        retries = int(overrides.get("rc", "1"))
        causes = overrides.get("rp", "ct").split(",")
        token = secrets.token_hex(16)
        for attempt in range(retries + 1):
            if attempt:
                await asyncio.sleep(self._delay * attempt)
            told, cause = await self._sent(url, form=dict(form), token=token, method=method)
            self.told.append(told)
            if not cause or not ({cause, "all"} & set(causes)):
                return told
        return told

    async def _sent(self, url: str, *, form: dict[str, str], token: str, method: str) -> tuple[Told, str]:
        is_query = method == "GET"
        if is_query:
            url += ("&" if "?" in url else "?") + urlencode(form)
        headers = {
            "X-Twilio-Signature": self._signer.compute_signature(url, {} if is_query else form),
            "I-Twilio-Idempotency-Token": token,
            "User-Agent": "TwilioProxy/1.1",
        }
        try:
            async with (
                ClientSession(timeout=_PATIENCE, trust_env=False) as session,
                session.request(
                    method,
                    URL(url, encoded=True),
                    data=None if is_query else form,
                    headers=headers,
                    allow_redirects=False,
                ) as answer,
            ):
                cause = "" if answer.status < 400 else "4xx" if answer.status < 500 else "5xx"
                return Told(url, form, answer.status, await answer.text()), cause
        except ClientConnectorError:
            return Told(url, form, 0), "ct"
        except (TimeoutError, ClientError, OSError):
            return Told(url, form, 0), "rt"
