"""Trial sends: an author hears a rule. They have a row of the ledger of their own, so that the provider's words on them
find their place, and belong to no run of the order.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import insert

from activities.store.customers import fingerprint
from activities.store.database import Tx
from activities.store.history import LedgerState
from activities.store.tables import LEDGER
from workflows.contracts.ids import OrderKey

_ADD = insert(LEDGER)


@dataclass(frozen=True)
class Trial:
    """A trial send of a rule's words to an address of the author's own."""

    send_id: UUID
    key: OrderKey
    visit: int
    stage: str
    rule: str
    channel: str
    provider: str
    address: str
    body_hash: str


async def begin(tx: Tx, *, trial: Trial, now: datetime, lease: timedelta) -> None:
    """Claim a trial send: it may leave now, once."""
    await tx.run(
        _ADD,
        {
            "id": trial.send_id,
            "run": trial.send_id,
            "order_id": str(trial.key),
            "visit": trial.visit,
            "stage": trial.stage,
            "rule": trial.rule,
            "channel": trial.channel,
            "provider": trial.provider,
            "address_hash": fingerprint(trial.address),
            "body_hash": trial.body_hash,
            "state": LedgerState.DISPATCHING,
            "attempt": 1,
            "provider_status": "",
            "rank": 0,
            "code": "",
            "words": "",
            "earlier": [],
            "claimed_at": now,
            "lease_until": now + lease,
            "updated_at": now,
        },
    )
