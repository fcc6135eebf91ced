"""A message of ours that is on its way when a vendor tells what became of it."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from activities.store import ledger, visits
from activities.store.database import Store
from activities.store.ledger import Claim, Claimed
from activities.store.visits import Entry
from workflows.contracts.ids import OrderKey
from workflows.contracts.plans import PlannedRun
from workflows.contracts.state import StageKind

RULE = "message"


async def claimed(store: Store, *, key: OrderKey, channel: str, address: str, provider: str = "twilio") -> UUID:
    """Let an order enter its first stage and claim the send of its one rule; give the send's id."""
    now = datetime.now(UTC)
    run = PlannedRun(rule=RULE, kind=channel, title=RULE)
    entry = Entry(
        visit=1,
        stage="new",
        stage_kind=StageKind.OPEN,
        version=1,
        runs=(run,),
        cause_source="orders",
        cause_id="created",
        cause_type="order.created",
        is_automatic=True,
        at=now,
    )
    claim = Claim(
        key=key,
        visit=1,
        rule=RULE,
        stage="new",
        channel=channel,
        provider=provider,
        address=address,
        body_hash="0" * 64,
        now=now,
        lease=timedelta(minutes=1),
    )
    async with store.write() as tx:
        await visits.lock(tx, key)
        await visits.enter(tx, key, entry=entry)
        answer = await ledger.claim(tx, claim=claim)
    assert isinstance(answer, Claimed)
    return answer.send_id
