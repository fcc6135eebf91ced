"""An employee in a chat: told what is new, how the answers outside go on, and nothing twice."""

from collections.abc import Sequence
from uuid import UUID

from activities.store import chats
from activities.store.chats import ChatLine
from activities.store.database import Store, Tx
from activities.store.history import LedgerState
from starter.gateway.chat.feeds import Feeds, Side
from starter.gateway.chat.sockets import Frame

#: Most messages, and most whispers, of one answer.
_MOST = 100


class Attendance:
    """What one socket of an employee has been told of a chat."""

    def __init__(self, store: Store, *, feeds: Feeds, chat: UUID, after: str) -> None:
        self._store = store
        self._feeds = feeds
        self._chat = chat
        self._place = after
        self._told: dict[int, LedgerState] = {}

    async def news(self) -> Sequence[Frame]:
        """Read what is new, and which answers went on since they were told."""
        async with self._store.read() as tx:
            found, self._place = await following(tx, chat=self._chat, after=self._place)
            known = await chats.these(tx, conversation=self._chat, ids=list(self._told))
        frames: list[Frame] = []
        if found:
            items = [line.model_dump(mode="json") for line in found]
            frames.append({"type": "lines", "items": items, "after": self._place})
        changed = [line for line in known if line.state is not self._told[line.id]]
        if changed:
            frames.append({"type": "changed", "items": [line.model_dump(mode="json") for line in changed]})
        self._remember([*found, *known])
        return frames

    async def hear(self, text: str) -> Frame | None:
        """Take any frame as a sign that the employee types."""
        self._feeds.types(self._chat, side=Side.SHOP)
        return None

    def _remember(self, lines: Sequence[ChatLine]) -> None:
        self._told |= {line.id: line.state for line in lines if line.state is not None and not line.is_whisper}
        for id in sorted(self._told)[:-_MOST]:
            del self._told[id]


async def following(tx: Tx, *, chat: UUID, after: str) -> tuple[list[ChatLine], str]:
    """Read what follows a place: messages and whispers have numbers of their own, so a place has two."""
    message, whisper = (int(part) for part in after.split("."))
    messages = await chats.history(tx, conversation=chat, after=message, limit=_MOST)
    whispers = await chats.whispers(tx, conversation=chat, after=whisper, limit=_MOST)
    place = f"{messages[-1].id if messages else message}.{whispers[-1].id if whispers else whisper}"
    return sorted([*messages, *whispers], key=lambda line: line.at), place
