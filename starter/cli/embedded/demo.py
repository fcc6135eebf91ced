"""Plays the demo orders' lives: posts them to the HTTP API as a shop would. What was posted before is passed over."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import aiohttp

from starter.cli.embedded.lives import Life, Step, lives
from starter.cli.output import note

SOURCE = "demo"
_SECONDS = aiohttp.ClientTimeout(total=15)
_AGAIN = 2.0


class Refused(Exception):
    """The gateway refused a request of the demo; the message says what it answered."""


async def play(gateway: str, *, key: str) -> None:
    """Play every life that has not been played to its end; returns when all have."""
    headers = {"Authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession(f"{gateway}/v1/", headers=headers, timeout=_SECONDS) as session:
        await asyncio.gather(*(_play(life, session=session) for life in lives(datetime.now(UTC).date())))


async def _play(life: Life, *, session: aiohttp.ClientSession) -> None:
    known = await _posted(life, session=session)
    try:
        if known is None:
            await asyncio.sleep(life.begins)
            await _post(session, path="orders", body={"number": life.number, **life.order})
        for position, step in enumerate(life.steps, start=1):
            id = f"{life.number}-{position}"
            if id not in (known or ()):
                await asyncio.sleep(step.after)
                await _post(session, path=_path(step, life=life), body=_body(step, life=life, id=id))
    except Refused as error:
        note(f"warning: demo order {life.number} stops, the gateway refused a request: {error}")


async def _posted(life: Life, *, session: aiohttp.ClientSession) -> set[str] | None:
    """Return the ids of the events that the order has already; None if there is no such order."""
    found: set[str] = set()
    cursor = ""
    while True:
        query = {"limit": "200"} | ({"cursor": cursor} if cursor else {})
        answer = await _request(session, "GET", f"orders/{life.number}/why", params=query)
        if answer is None:
            return None
        found |= {event["id"] for event in answer["events"] if event["source"] == SOURCE}
        cursor = answer["next_cursor"] or ""
        if not cursor:
            return found


async def _post(session: aiohttp.ClientSession, *, path: str, body: Mapping[str, Any]) -> None:
    if await _request(session, "POST", path, json=body) is None:
        raise Refused(f"{path}: not found")


async def _request(session: aiohttp.ClientSession, method: str, path: str, **given: Any) -> dict[str, Any] | None:
    """Send a request until it is answered; None for 404. The same request twice is harmless by its ids."""
    while True:
        try:
            async with session.request(method, path, **given) as response:
                if response.status == 404:
                    return None
                if response.status < 400:
                    answer: dict[str, Any] = await response.json()
                    return answer
                if response.status < 500 and response.status != 429:
                    raise Refused(f"{path}: {response.status} {(await response.text())[:500]}")
        except (aiohttp.ClientError, TimeoutError):
            pass  # the gateway starts or stops, or is busy
        await asyncio.sleep(_AGAIN)


def _path(step: Step, *, life: Life) -> str:
    return step.path.replace("{number}", life.number).lstrip("/")


def _body(step: Step, *, life: Life, id: str) -> dict[str, Any]:
    filled = {
        name: value.replace("{number}", life.number) if isinstance(value, str) else value
        for name, value in step.body.items()
    }
    return filled | {"id": id, "source": SOURCE}
