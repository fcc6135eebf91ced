"""A provider that accepts, delays, refuses and loses answers as the dice say, and logs every acceptance."""

import asyncio
import itertools
import random
from collections import Counter
from datetime import timedelta
from uuid import UUID

from activities.providers.errors import NotSent, Rejected, Unknown
from activities.providers.protocol import Accepted, Message

#: What becomes of a send, and how often. The stubborn one goes on when it is cancelled; `lost` were accepted or not.
WEIGHTS = {"quick": 60, "slow": 14, "stubborn": 8, "busy": 8, "lost-accepted": 5, "lost": 3, "rejected": 2}


class Scripted:
    """Sends texts and mails nowhere. It does not deduplicate."""

    name = "scripted"
    channels: tuple[str, ...] = ("sms", "email")
    grace = timedelta(milliseconds=500)

    def __init__(self, *, seed: int) -> None:
        self.accepted: Counter[str] = Counter()
        self.seen: Counter[str] = Counter()
        self._ids: dict[UUID, str] = {}
        self._numbers = itertools.count(1)
        self._dice = random.Random(f"{seed}:provider")

    async def send(self, message: Message, *, send_id: UUID) -> Accepted:
        """Send once, in one of the ways of `WEIGHTS`."""
        fate = self._dice.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        self.seen[fate] += 1
        match fate:
            case "busy":
                raise NotSent("busy", retry_after=timedelta(milliseconds=100))
            case "rejected":
                raise Rejected("21211", "no such number")
            case "lost":
                raise Unknown("the answer was lost")
            case "lost-accepted":
                self._accept(send_id)
                raise Unknown("the answer was lost")
            case "slow":
                await asyncio.sleep(self._dice.uniform(0.1, 1.0))
            case "stubborn":
                return await asyncio.shield(asyncio.ensure_future(self._late(send_id)))
        return self._accept(send_id)

    async def lookup(self, message: Message, *, send_id: UUID) -> Accepted | None:
        """Look a send up."""
        self.seen["lookup"] += 1
        found = self._ids.get(send_id)
        return None if found is None else Accepted(found)

    async def _late(self, send_id: UUID) -> Accepted:
        await asyncio.sleep(self._dice.uniform(0.1, 0.4))
        return self._accept(send_id)

    def _accept(self, send_id: UUID) -> Accepted:
        self.accepted[str(send_id)] += 1
        self._ids[send_id] = f"s-{next(self._numbers)}"
        return Accepted(self._ids[send_id])
