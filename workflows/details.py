"""The Markdown page that the Temporal UI shows of an order: ids and titles, never people; under 3 kB."""

from datetime import datetime
from itertools import islice
from zoneinfo import ZoneInfo

from workflows.automation import Automation
from workflows.contracts.reasons import RunReason, RunStatus
from workflows.moments import written
from workflows.run import Run
from workflows.visit import Visit

#: The page travels in a URL; some proxies cut those at 8 kB (a letter may cost six bytes).
MOST_BYTES = 3_000

_MOST_DONE = 12

_MARKS = {"done": "✓", "skipped": "–", "failed": "✗", "stopped": "■", "held": "⏸"}


def page(automation: Automation) -> str:
    """Return the current details of an order."""
    state, visit = automation.state, automation.visit
    if visit is None:
        return "### Waiting for the first event"
    card = visit.card
    zone = ZoneInfo(card.zone)
    position = f" · {card.position} of {len(card.path)}" if card.path else ""
    blocks = [f"### {card.title or state.stage}{position}"]
    if card.path:
        blocks.append(" → ".join([f"**{title}**" if title == card.title else title for title in card.path]))
    blocks.append(_facts(automation, zone=zone))
    if state.held:
        blocks.append("> ⏸ The automation is on hold")
    if state.attention:
        blocks.append(f"> ⚠️ {state.attention}")
    blocks += _list(f"**Next** ({card.zone})", [_next(run, zone=zone) for run in _waiting(visit)])
    blocks += _list("**Moves on**", card.exits)
    ended = [_ended(run) for run in visit.runs.values() if run.status.is_end or run.status is RunStatus.HELD]
    blocks += _list("**Rules of this stage**", ended)
    newest = islice(reversed(automation.timeline), _MOST_DONE)
    done = [f"{written(entry.at.astimezone(zone))} {entry.what}" for entry in newest]
    blocks += _list("**Done** (newest first)", done)
    return _cut("\n\n".join(blocks))


def _facts(automation: Automation, *, zone: ZoneInfo) -> str:
    state = automation.state
    since = f"in this stage since {written(state.entered_at.astimezone(zone))}" if state.entered_at else ""
    facts = [
        f"**{state.number}**",
        f"**{state.total:.2f} {state.currency}**",
        "paid" if state.paid else "not paid",
        since,
        f"`{state.pipeline}`",
    ]
    return " · ".join(filter(None, facts))


def _waiting(visit: Visit) -> list[Run]:
    runs = [run for run in visit.runs.values() if not run.status.is_end]
    return sorted(runs, key=lambda run: (run.due is None, run.due.timestamp() if run.due else 0.0))


def _next(run: Run, *, zone: ZoneInfo) -> str:
    title = run.planned.title or run.planned.kind
    if run.is_executing:
        return f"now — {title}"
    if run.due is not None:
        return f"**{_moment(run.due, zone=zone)}** — {title}"
    if run.reason is RunReason.OUTCOME_UNKNOWN:
        return f"held: outcome unknown — {title}"
    return f"after `{run.planned.after}` — {title}" if run.planned.after else f"at once — {title}"


def _moment(moment: datetime, *, zone: ZoneInfo) -> str:
    return written(moment.astimezone(zone), with_year=True)


def _ended(run: Run) -> str:
    reason = f" ({run.reason})" if run.reason and run.reason.value != run.status.value else ""
    return f"{_MARKS.get(run.status, '·')} {run.planned.title or run.planned.rule}{reason}"


def _list(title: str, lines: list[str]) -> list[str]:
    return [title, "- " + "\n- ".join(lines)] if lines else []


def _cut(text: str) -> str:
    """Cut at a line's end so that the text stays below the limit as the UI counts it."""
    if len(text.encode()) <= MOST_BYTES:
        return text
    lines = text.split("\n")
    while lines and len("\n".join(lines).encode()) > MOST_BYTES:
        lines.pop()
    return "\n".join(lines)
