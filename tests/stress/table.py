"""The table that a run of the stress test prints."""

from tests.stress.strain import Result


def as_table(result: Result) -> str:
    """Return the table of one run; its seed comes first."""
    lines = [
        f"seed {result.strain.seed}, {result.strain.orders} orders, {result.seconds:.0f} s",
        f"  lived     {_words(result.findings.counts)}",
        f"  workflows {result.runs} runs, {result.continued} of them continued as new; all replayed",
        f"  provider  {_words(result.fates)}",
        f"  commands  {_words(result.commands)}",
        f"  {result.findings.total} violations",
    ]
    if result.left:
        lines.append(f"  left open {result.left}")
    for promise, found in sorted(result.findings.violations.items()):
        lines += [f"  {len(found):5d}  {promise}, such as", *(f"           {words}" for words in found[:3])]
    return "\n".join(lines)


def _words(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "-"
