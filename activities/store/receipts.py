"""A provider's word on a message of ours, which comes in any order and more than once: the higher rank stays."""

from dataclasses import dataclass
from uuid import UUID

from activities.store.database import StoreError
from activities.store.history import LedgerState


class DuplicateSend(StoreError):
    """A provider reported a second id for one intended message: it may have left twice."""

    def __init__(self, send_id: UUID, *, provider: str) -> None:
        super().__init__(f"{provider} gave a second id for send {send_id}: it may have been sent twice")
        self.send_id = send_id
        self.provider = provider


@dataclass(frozen=True)
class Callback:
    """A provider's word on a message: its status, the rank of it, and what it means (accepted, delivered, failed)."""

    status: str
    rank: int
    state: LedgerState
    code: str = ""
