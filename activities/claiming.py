"""A run that is ready to be sent, the claim of each of its messages, and how each ended.

Comes in: what a rule composed. Goes out: what the ledger is asked, and what is recorded of its answer.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from activities.actions.protocol import Ended, send_id
from activities.providers.protocol import Message
from activities.store import adopting
from activities.store.claims import Claim, Claimed, Refused, Unsettled
from workflows.contracts.ids import run_id
from workflows.contracts.runs import RunsRequest
from workflows.pipeline.model import Rule


@dataclass(frozen=True)
class Prepared:
    """A run ready to be sent: its messages, one per addressee, and the claim of the first where it is the only one.

    With `instead` nothing may leave any more: what was claimed before is settled, else the run ends so.
    """

    rule: Rule
    stage: str
    compared: tuple[tuple[str, str], ...]
    messages: tuple[Message, ...]
    instead: Ended | None = None
    claim: "Answer | None" = None


#: What the ledger says to a claim.
Answer = Claimed | Refused | Unsettled


@dataclass(frozen=True)
class Acceptance:
    """A send that its provider accepted under its own id, and that the ledger does not know yet."""

    send_id: UUID
    provider: str
    provider_id: str


@dataclass(frozen=True)
class Brought:
    """How a message ended; its acceptance, where it is to be recorded together with the run's end."""

    ended: Ended
    acceptance: Acceptance | None = None


@dataclass(frozen=True)
class Lease:
    """From when and for how long a claim belongs to its worker."""

    now: datetime
    length: timedelta


def claim_of(request: RunsRequest, *, prepared: Prepared, message: Message, provider: str, lease: Lease) -> Claim:
    """Return the claim of one message of a run."""
    rule = prepared.rule
    return Claim(
        key=request.key,
        visit=request.visit,
        rule=rule.id,
        stage=prepared.stage,
        channel=message.channel,
        provider=provider,
        address=message.address,
        body_hash=adopting.hash_of(subject=message.subject, body=message.body),
        now=lease.now,
        lease=lease.length,
        send_id=send_id(run_id(request.key, request.visit, rule.id), message=message),
        customer=message.customer,
        is_transactional=rule.is_transactional,
        once=rule.once,
        over=prepared.instead.reason if prepared.instead else None,
    )
