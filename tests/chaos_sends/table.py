"""The Markdown table that a run prints: what was sent over each channel, what was broken, who settled it."""

from collections import Counter

from tests.chaos_sends.auditing import PROMISES, Row
from tests.chaos_sends.pipeline import CHANNELS
from tests.chaos_sends.storm import Outcome
from tests.chaos_sends.weather import Without

_VIA = ("answer", "callback", "listing", "person")

_HEAD = ("channel", "sends", "accepted", *PROMISES, *(f"by {via}" for via in _VIA))

#: What a run goes by.
_POLICIES = {
    Without.NOTHING: "ours",
    Without.POLICY: "naive: an unknown outcome is sent again at once",
    Without.TURNS: "without turns: equal texts leave at the same time",
}

_DEAF = "; Twilio answers nothing well and calls nobody back, so its list alone can tell"

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
        *(f"- {words}" for words in (*findings.violations[:_MOST], *outcome.indiscreet[:_MOST])),
    ]
    return "\n".join(lines)


def _story(outcome: Outcome) -> str:
    weather = outcome.weather
    doubled = sum(count > 1 for count in outcome.spoken.values())
    kills, deaths = outcome.kills, outcome.deaths
    return (
        f"{_POLICIES[weather.without]}{_DEAF if weather.is_deaf else ''}; "
        f"seed {weather.seed}, {weather.store}, {weather.orders} orders, {outcome.seconds:.0f} s: "
        f"{outcome.faults.total()} requests, {outcome.failed:.0%} of them failed; "
        f"workers killed {kills['worker']} times at random, {deaths.total()} times around a send ({_words(deaths)}), "
        f"the gateway {kills['gateway']} times; {doubled} calls spoke twice"
    )


def _line(name: str, row: Row) -> str:
    figures = [row.sends, row.accepted, *(row.broken[one] for one in PROMISES)]
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
