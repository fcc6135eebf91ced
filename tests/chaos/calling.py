"""How every crash run speaks to the gateway: sessions whose requests do not hang, and the customers of its orders."""

from typing import Any

import aiohttp

#: Patience with one request; a killed gateway does not answer.
_PATIENCE = aiohttp.ClientTimeout(total=8)

#: Seconds between two tries.
PAUSE = 0.3

#: What a request that was not answered raises.
UNANSWERED = (TimeoutError, aiohttp.ClientError, OSError)


def session(gateway: str, *, secret: str) -> aiohttp.ClientSession:
    """Open a session that makes a connection for each request: one that idles dies with the gateway."""
    connector = aiohttp.TCPConnector(force_close=True, limit=0)
    headers = {"Authorization": f"Bearer {secret}"}
    return aiohttp.ClientSession(gateway, headers=headers, connector=connector, timeout=_PATIENCE)


def phone_of(number: str) -> str:
    """Give the phone of an order's customer; each has one of their own."""
    return f"+4860{int(number):07d}"


def order_of(number: str) -> dict[str, Any]:
    """Give an order of that number as a shop brings it in."""
    customer = {
        "first_name": "Anna",
        "phones": [{"number": phone_of(number), "type": "mobile"}],
        "emails": [{"email": f"anna{number}@mail.example"}],
        "language": "en",
        "country": "PL",
        "time_zone": "Europe/Warsaw",
    }
    return {"number": number, "total": "100.00", "currency": "EUR", "customer": customer}
