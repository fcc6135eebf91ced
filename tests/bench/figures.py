"""What the benchmark measured, as a Markdown table: a row per figure, a column per side, ours as a ratio to each."""

import statistics
from collections.abc import Sequence

OURS = "ours"
WORKER, SERVER = "worker CPU ms per order", "server CPU ms per order"
NONE = "-"


class Figures:
    """What the sides did: for each figure and side a value per round."""

    def __init__(self) -> None:
        self._values: dict[str, dict[str, list[float]]] = {}

    def add(self, name: str, value: float, *, side: str) -> None:
        """Note one round's value of a figure."""
        self._values.setdefault(name, {}).setdefault(side, []).append(value)

    def median(self, name: str, *, side: str) -> float | None:
        """Return the median of a figure's rounds; None where the side has no such figure."""
        values = self._values.get(name, {}).get(side)
        return statistics.median(values) if values else None

    def table(self, sides: Sequence[str]) -> str:
        """Return medians, and ratios of ours to each other side, as a Markdown table."""
        others = [side for side in sides if side != OURS]
        heads = ["", *sides, *(f"ours / {side}" for side in others)]
        lines = ["| " + " | ".join(heads) + " |", "| " + " | ".join("---" for _ in heads) + " |"]
        for name in self._values:
            lines.append(self._row(name, {side: self.median(name, side=side) for side in sides}, others))
            if name == SERVER:
                lines.append(self._row("worker + server CPU ms per order", {s: self._cpu(s) for s in sides}, others))
        return "\n".join(lines)

    def _cpu(self, side: str) -> float | None:
        worker = self.median(WORKER, side=side)
        return None if worker is None else worker + (self.median(SERVER, side=side) or 0.0)

    def _row(self, name: str, values: dict[str, float | None], others: Sequence[str]) -> str:
        ratios = [_ratio(values.get(OURS), values[side]) for side in others]
        return "| " + " | ".join([name, *(_number(value) for value in values.values()), *ratios]) + " |"


def _number(value: float | None) -> str:
    if value is None:
        return NONE
    return f"{value:.0f}" if value == int(value) else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def _ratio(ours: float | None, other: float | None) -> str:
    return NONE if ours is None or not other else f"{ours / other:.2f}"
