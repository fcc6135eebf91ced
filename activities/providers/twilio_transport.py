"""Our own transport beneath Twilio's SDK. In: the SDK's requests. Out: successful answers, or our provider errors.

The SDK's own client never times out, repeats POSTs when told to retry, sends JSON as a form, and logs addresses.
Source: twilio-python 9.13, http/async_http_client.py
"""

import json
import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    InvalidURL,
    TCPConnector,
    encode_basic_auth,
)
from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from activities.accounts.twilio import TwilioAccount
from activities.providers.errors import Misconfigured, NotSent, Unknown
from activities.providers.twilio_errors import failure

_SECONDS_TO_CONNECT = 5.0


def client_of(account: TwilioAccount) -> Client:
    """Return the SDK's client of an account, on our transport."""
    username, password = account.login
    # An empty environment: TWILIO_REGION and the like of other programs must not lead us elsewhere.
    return Client(
        username,
        password,
        account.account_sid,
        http_client=Transport(base=account.base, total=account.timeout),
        environment={"": ""},
    )


class Transport(AsyncHttpClient):  # type: ignore[misc]  # the SDK has no types
    """Send one request, once. `base` replaces twilio.com's hosts; `total` seconds are all an answer may take."""

    def __init__(self, *, base: str = "", total: float = 15.0) -> None:
        super().__init__(logging.getLogger(__name__), is_async=True, timeout=total)
        self._base = base.rstrip("/")
        self._limits = ClientTimeout(total=total, sock_connect=min(_SECONDS_TO_CONNECT, total))

    async def request(
        self,
        method: str,
        uri: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        """Return a successful answer. Raise NotSent, Unknown, Rejected or Misconfigured for everything else."""
        sent = {**(headers or {}), **_authorization(auth)}
        # One connection per request: one that had died while it was idle would look like a lost answer.
        connector = TCPConnector(force_close=True)
        try:
            async with (
                ClientSession(connector=connector, timeout=self._limits, trust_env=False) as session,
                session.request(
                    method.upper(),
                    self._address(uri),
                    params=_pairs(params),
                    data=_body(data, headers=sent),
                    headers=sent,
                    allow_redirects=False,
                ) as answer,
            ):
                return _read(answer, text=await answer.text(errors="replace"))
        except InvalidURL:
            raise Misconfigured(f"{TwilioAccount.prefix}BASE", "it is not an address") from None
        except (ClientConnectorError, ConnectionTimeoutError) as error:
            raise NotSent(f"Twilio was not reached ({type(error).__name__})") from None
        except (TimeoutError, ClientError, OSError) as error:
            raise Unknown(f"Twilio's answer was lost ({type(error).__name__})") from None

    def _address(self, uri: str) -> str:
        parts = urlsplit(uri)
        if not self._base or not (parts.hostname or "").endswith(".twilio.com"):
            return uri
        return f"{self._base}{parts.path}" + (f"?{parts.query}" if parts.query else "")


def _authorization(auth: tuple[str, str] | None) -> dict[str, str]:
    if auth is None:
        return {}
    return {"Authorization": encode_basic_auth(*auth)}


def _pairs(values: Mapping[str, object] | None) -> list[tuple[str, str]]:
    """Write lists as repeated fields, as Twilio reads them."""
    pairs: list[tuple[str, str]] = []
    for name, value in (values or {}).items():
        pairs += [(name, str(one)) for one in value] if isinstance(value, list | tuple) else [(name, str(value))]
    return pairs


def _body(data: Mapping[str, object] | None, *, headers: Mapping[str, str]) -> bytes | None:
    if not data:
        return None
    if headers.get("Content-Type", "").startswith("application/json"):
        return json.dumps(data).encode()
    return urlencode(_pairs(data)).encode()


def _read(answer: ClientResponse, *, text: str) -> Response:
    content = _object(text)
    if not 200 <= answer.status < 300:
        code = content.get("code") if content else 0
        number = int(code) if isinstance(code, int) or (isinstance(code, str) and code.isdecimal()) else 0
        raise failure(answer.status, code=number, retry_after=_retry_after(answer))
    if content is None and answer.status != 204:
        raise Unknown("Twilio's answer could not be read: it may have taken it all the same")
    return Response(answer.status, text, answer.headers)


def _object(text: str) -> dict[str, Any] | None:
    try:
        content = json.loads(text)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def _retry_after(answer: ClientResponse) -> timedelta | None:
    value = answer.headers.get("Retry-After", "")
    return timedelta(seconds=int(value)) if value.isdecimal() and len(value) < 6 else None
