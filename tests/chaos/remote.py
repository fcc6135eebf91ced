"""The product's side of the stand-in provider: one HTTP call, and the four ways in which it can fail."""

import time
from datetime import timedelta
from uuid import UUID

import aiohttp

from activities.providers.errors import NotSent, Rejected, Unknown
from activities.providers.protocol import Accepted, Message
from tests.chaos.provider import SENT

#: Seconds that a send may take. The provider may be busy longer: see its `late`.
PATIENCE = 1.5

#: Patience with a question, which is answered at once.
_ANSWERED = aiohttp.ClientTimeout(total=10)


class RemoteProvider:
    """Sends texts and mails to the stand-in."""

    name = "remote"
    channels: tuple[str, ...] = ("sms", "email")
    grace = timedelta(seconds=3)

    def __init__(self, url: str, *, patience: float = PATIENCE) -> None:
        self._url = url
        self._patience = aiohttp.ClientTimeout(total=patience)
        self._session: aiohttp.ClientSession | None = None

    async def send(self, message: Message, *, send_id: UUID) -> Accepted:
        """Send once."""
        body = {"send": str(send_id), "to": message.address, "body": message.body}
        sent = {SENT: str(time.monotonic())}
        posting = self._http().post(f"{self._url}/messages", json=body, headers=sent, timeout=self._patience)
        try:
            async with posting as answer:
                if answer.status == 503:
                    raise NotSent("busy", retry_after=timedelta(milliseconds=300))
                if answer.status == 400:
                    raise Rejected((await answer.json())["code"], "no such number")
                return Accepted((await answer.json())["id"])
        except aiohttp.ClientConnectorError as error:
            raise NotSent("not reached") from error
        except (TimeoutError, aiohttp.ClientError, ValueError) as error:
            raise Unknown(type(error).__name__) from error

    async def lookup(self, message: Message, *, send_id: UUID) -> Accepted | None:
        """Ask what became of a message."""
        try:
            async with self._http().get(f"{self._url}/messages/{send_id}", timeout=_ANSWERED) as answer:
                found = await answer.json()
        except (TimeoutError, aiohttp.ClientError, ValueError) as error:
            raise NotSent("cannot be asked now") from error
        return Accepted(found[0]) if found else None

    async def close(self) -> None:
        """Close its connections."""
        if self._session is not None:
            await self._session.close()

    def _http(self) -> aiohttp.ClientSession:
        # Each send on a connection of its own: a cut one must not be repeated by the client library.
        if self._session is None:
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True))
        return self._session


class Forgetful(RemoteProvider):
    """The same without the guard: it never looks a message up, so a lost answer means a second send."""

    async def lookup(self, message: Message, *, send_id: UUID) -> Accepted | None:
        """Say that it never arrived, without asking."""
        return None
