"""A run that is put off: until the customer's quiet hours end (M22), or until what reached nobody is sent anew.

The run waits in the store with its moment, and the outcome tells the workflow until when. Afterwards it goes through
every check again: its visit, hold, condition, consent, quiet hours.
"""

from datetime import datetime, timedelta

from activities import frame
from activities.actions.protocol import skipped
from activities.bench import Bench
from activities.providers.protocol import Message
from activities.store import runs
from activities.store.database import Tx
from workflows.contracts.plans import Due
from workflows.contracts.reasons import RunReason, RunStatus
from workflows.contracts.runs import RunOutcome
from workflows.pipeline.model import Rule
from workflows.pipeline.quiet import quiet_until

#: Channels that wake people up: they wait for the end of the customer's quiet hours.
_DISTURBING = ("sms", "voice", "chat")


async def until_morning(tx: Tx, bench: Bench, *, rule: Rule, message: Message) -> RunOutcome | None:
    """Put off what would disturb the customer in their quiet hours (M22), or end it; None if it may go out now."""
    if message.customer is None or message.channel not in _DISTURBING:
        return None
    row = bench.rows[rule.id]
    has_waited = row.reason is RunReason.QUIET_HOURS and row.due is not None and row.due <= bench.now
    number = message.address if message.address.startswith("+") else ""  # the visitor of a web chat has none
    natural = quiet_until(bench.pipeline, view=bench.view, now=bench.now, number=number)
    if natural is None or (has_waited and bench.pace > 1):
        return None  # a paced wait ends before the night does
    if rule.expires and natural - bench.now > rule.expires:
        words = "its time is over before the customer's quiet hours end"
        return await frame.end(tx, bench, rule=rule.id, ended=skipped(RunReason.EXPIRED, words))
    until = bench.now + (natural - bench.now) / bench.pace
    words = "until the customer's quiet hours end"
    await _put_off(tx, bench, rule=rule, until=until, reason=RunReason.QUIET_HOURS, timer="quiet hours", words=words)
    return RunOutcome(rule=rule.id, status=RunStatus.PLANNED, reason=RunReason.QUIET_HOURS, at=until)


async def until_next_attempt(tx: Tx, bench: Bench, *, rule: Rule, every: timedelta) -> RunOutcome:
    """Put off what reached nobody."""
    until, words = bench.now + every / bench.pace, "nobody was reached: it is tried again"
    until = max(until, bench.rows[rule.id].due or until)  # its moment was moved meanwhile (M23)
    await _put_off(tx, bench, rule=rule, until=until, reason=RunReason.RETRYING, timer="next attempt", words=words)
    return RunOutcome(rule=rule.id, status=RunStatus.PLANNED, reason=RunReason.RETRYING, words="next attempt", at=until)


async def _put_off(
    tx: Tx, bench: Bench, *, rule: Rule, until: datetime, reason: RunReason, timer: str, words: str
) -> None:
    await runs.set_dues(tx, bench.key, visit=bench.visit, dues=[Due(rule=rule.id, at=until, words=timer)])
    await runs.set_status(
        tx,
        bench.key,
        visit=bench.visit,
        rules=[rule.id],
        status=RunStatus.PLANNED,
        reason=reason,
        at=bench.now,
        words=words,
    )
