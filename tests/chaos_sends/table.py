"""The Markdown table that a run prints: what was sent over each channel, what was broken, who settled it."""

from collections import Counter

from tests.chaos_sends.auditing import DOUBLED, LOST, OPEN, Row
from tests.chaos_sends.pipeline import CHANNELS
from tests.chaos_sends.storm import Outcome

_VIA = ("answer", "callback", "listing", "person")

_HEAD = ("channel", "sends", "accepted", DOUBLED, LOST, OPEN, *(f"by {via}" for via in _VIA))

#: How many violations are shown.
_MOST = 10


def as_table(outcome: Outcome) -> str:
    """Return the table of one run, with a line of what happened before it and the first violations after it."""
    findings = outcome.findings
    names = [*CHANNELS, *sorted(set(findings.rows) - set(CHANNELS))]
    rows = [(name, findings.rows.get(name, Row())) for name in names]
    lines = [
        _story(outcome),
        "",
        f"| {' | '.join(_HEAD)} |",
        f"|{' --- |' * len(_HEAD)}",
        *(_line(name, row) for name, row in rows),
        _line("**all**", _sum([row for _, row in rows])),
        "",
        *(f"- {words}" for words in findings.violations[:_MOST]),
    ]
    return "\n".join(lines)


def _story(outcome: Outcome) -> str:
    weather = outcome.weather
    doubled = sum(count > 1 for count in outcome.spoken.values())
    policy = "naive: an unknown outcome is sent again at once" if weather.is_naive else "ours"
    return (
        f"{policy}; seed {weather.seed}, {weather.store}, {weather.orders} orders, {outcome.seconds:.0f} s: "
        f"{outcome.faults.total()} requests, {outcome.failed:.0%} of them failed; workers killed {outcome.kills} times "
        f"at random, {outcome.deaths.total()} times around a send ({_words(outcome.deaths)}); "
        f"{doubled} calls spoke twice"
    )


def _line(name: str, row: Row) -> str:
    figures = [row.sends, row.accepted, *(row.broken[one] for one in (DOUBLED, LOST, OPEN))]
    return f"| {name} | {' | '.join(str(figure) for figure in (*figures, *(row.via[via] for via in _VIA)))} |"


def _sum(rows: list[Row]) -> Row:
    return Row(
        sends=sum(row.sends for row in rows),
        accepted=sum(row.accepted for row in rows),
        broken=sum((row.broken for row in rows), Counter()),
        via=sum((row.via for row in rows), Counter()),
    )


def _words(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "none"
