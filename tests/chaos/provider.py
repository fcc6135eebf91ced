"""A stand-in for an outside provider, over real HTTP. It does not deduplicate: what it accepts twice is sent twice.

Its log is append-only and outside the store: one line per acceptance. A sender may look a message up by its own id.
"""

import asyncio
import itertools
import json
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

#: The longest this provider is busy with one request. A sender must not believe a lookup before that.
LONGEST = 2.4

#: When a request was sent, by the machine's monotonic clock, which all of its processes share.
SENT = "X-Sent"

#: What becomes of a request, and how often. `late` accepts after the sender's patience, the `cut` ones do not answer.
WEIGHTS = {
    "quick": 64,
    "slow": 9,
    "busy": 7,
    "accepted-cut": 6,
    "refused-cut": 5,
    "late": 3,
    "unreadable": 3,
    "rejected": 3,
}


@dataclass
class Acceptances:
    """What the provider accepted, in its order; each acceptance is in the file before it is answered."""

    path: Path
    of: Counter[str] = field(default_factory=Counter)
    ids: dict[str, list[str]] = field(default_factory=dict)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def accept(self, send: str) -> str:
        """Accept a message under a new id of our own."""
        own = f"m-{next(self._numbers)}"
        with self.path.open("a") as log:
            log.write(json.dumps({"send": send, "id": own, "at": time.time()}) + "\n")
        self.of[send] += 1
        self.ids.setdefault(send, []).append(own)
        return own


class Behaviour:
    """Answers requests, as the seed says."""

    def __init__(
        self, log: Acceptances, *, seed: int, weights: Mapping[str, int] = WEIGHTS, longest: float = LONGEST
    ) -> None:
        self.log = log
        self.weights = weights
        self.longest = longest
        self.seen: Counter[str] = Counter()
        self._random = random.Random(seed)

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Take a message, in one of the ways of `WEIGHTS`."""
        send = str((await request.json())["send"])
        fate = self._random.choices(list(self.weights), list(self.weights.values()))[0]
        self.seen[fate] += 1
        match fate:
            case "busy":
                return web.json_response({"sent": False}, status=503)
            case "rejected":
                return web.json_response({"code": "21211"}, status=400)
            case "refused-cut":
                return _cut(request)
        await asyncio.sleep(self._busy(fate))
        if time.monotonic() - float(request.headers[SENT]) > self.longest:
            self.seen["too late"] += 1
            return _cut(request)  # a busy machine held this one up: it accepts nothing later than it may
        own = self.log.accept(send)
        match fate:
            case "accepted-cut":
                return _cut(request)
            case "unreadable":
                return web.Response(text="<html>", status=201)
        return web.json_response({"id": own}, status=201)

    async def tell(self, request: web.Request) -> web.Response:
        """List a message's ids."""
        self.seen["lookup"] += 1
        return web.json_response(self.log.ids.get(request.match_info["send"], []))

    def _busy(self, fate: str) -> float:
        if fate == "late":
            return LONGEST - 0.2
        return self._random.uniform(0.2, 1.0) if fate == "slow" else self._random.uniform(0.0, 0.03)


@asynccontextmanager
async def providing(
    path: Path, *, seed: int, weights: Mapping[str, int] = WEIGHTS, longest: float = LONGEST
) -> AsyncIterator[tuple[str, Behaviour]]:
    """Run the provider; the value is its address, and what it did."""
    behaviour = Behaviour(Acceptances(path), seed=seed, weights=weights, longest=longest)
    app = web.Application()
    app.router.add_post("/messages", behaviour.take)
    app.router.add_get("/messages/{send}", behaviour.tell)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", behaviour
    finally:
        await runner.cleanup()


def _cut(request: web.Request) -> web.Response:
    """Close the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
