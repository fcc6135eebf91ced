"""The table that a run prints: what lived, what died, what was promised and what was found."""

from collections import Counter

from tests.chaos.storm import Outcome

#: Every promise that is checked, in the table's order.
PROMISES = (
    "event lost",
    "event never decided",
    "sent twice",
    "sent, recorded as not sent",
    "recorded as sent, not sent",
    "never settled",
    "claimed after its stage was left",
    "carried out after its stage was left",
    "sent without a claim",
    "order stuck",
    "run never ended",
    "workflow running",
    "workflow failed",
    "failed on our side",
    "no path",
    "refused for no reason",
)


def as_table(outcome: Outcome) -> str:
    """Return the table of one run."""
    weather, findings = outcome.weather, outcome.findings
    lines = [
        f"{weather.store}, seed {weather.seed}, {weather.orders} orders, {outcome.seconds:.0f} s"
        + (f", without {weather.without}" if weather.without else ""),
        f"  lived     {_words(findings.counts)}",
        f"  struck    {_words(outcome.blows)}",
        f"  died at   {_words(outcome.faults)}",
        f"  answers   {_words(outcome.answers)}",
        f"  provider  {_words(outcome.fates)}",
    ]
    if outcome.left:
        lines.append(f"  left open {outcome.left}")
    for promise in (*PROMISES, *sorted(set(findings.violations) - set(PROMISES))):
        found = findings.violations.get(promise, [])
        lines.append(f"  {len(found):5d}  {promise}" + (f", such as {found[0]}" if found else ""))
    return "\n".join(lines)


def _words(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "-"
