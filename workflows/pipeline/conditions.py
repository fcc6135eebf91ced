"""Conditions (M30, M31): parsed by rule-engine, checked against the vocabulary, evaluated without a fall over nothing.

Amounts stay exact decimals. An ordered comparison with a value that is not there is false; `== null` asks for it.
"""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from workflows.pipeline.fields import OrderView
from workflows.pipeline.mistakes import Mistake
from workflows.pipeline.model import Pipeline
from workflows.pipeline.triggers import EventFact
from workflows.pipeline.values import Scope, as_words
from workflows.pipeline.vocabulary import Word, find, unknown_words

if TYPE_CHECKING:
    from workflows.pipeline.expressions import Expression


@dataclass(frozen=True)
class Check:
    """Whether a condition held, the values it compared (path, value as text), and what went wrong, if anything."""

    holds: bool
    compared: tuple[tuple[str, str], ...] = ()
    error: str | None = None


def holds(expression: str, *, pipeline: Pipeline, view: OrderView, event: EventFact | None = None) -> Check:
    """Evaluate a condition on an order as it is now; an error counts as not held and is told in `error`."""
    try:
        parsed = compiled(expression, pipeline=pipeline)
    except Mistake as mistake:
        return Check(holds=False, error=mistake.words)
    scope = Scope(pipeline=pipeline, view=view, event=event)
    compared = tuple((".".join(path), as_words(scope.value(path))) for path in parsed.paths)
    try:
        return Check(holds=bool(parsed.evaluate(scope)), compared=compared)
    except (ArithmeticError, TypeError, ValueError) as error:
        return Check(holds=False, compared=compared, error=f"cannot be computed ({type(error).__name__})")


def compiled(expression: str, *, pipeline: Pipeline) -> "Expression":
    """Return the parsed expression, parsed once per pipeline; raise Mistake if it cannot be read."""
    key = ("when", expression)
    if key not in pipeline.compiled:
        # rule-engine takes 0.3 s to import: only where a condition is read.
        from workflows.pipeline.expressions import parse  # noqa: PLC0415

        pipeline.compiled[key] = parse(expression, zone=pipeline.zone)
    return cast("Expression", pipeline.compiled[key])


def mistakes_in(expression: "Expression", *, words: Word) -> list[Mistake]:
    """List the names that do not exist; or else the first comparison of unlike types; or else values it never has."""
    from workflows.pipeline.closed import outside  # noqa: PLC0415
    from workflows.pipeline.unlike import check_types  # noqa: PLC0415

    found = []
    for path in expression.paths:
        if find(words, path) is None:
            said, help = unknown_words(words, list(path))
            start, end = place_of(path, text=expression.text)
            found.append(Mistake("D305", said, help=help, start=start, end=end))
    if found:
        return found
    try:
        check_types(expression, words=words)
    except Mistake as mistake:
        return [mistake]
    return outside(expression, words=words)


def place_of(path: tuple[str, ...], *, text: str) -> tuple[int, int]:
    """Return the offsets of a path in an expression; (0, 0) if it is written in an unusual way."""
    pattern = r"(?<![\w.])" + r"\s*\.\s*".join(re.escape(name) for name in path) + r"(?!\w)"
    found = re.search(pattern, text)
    return found.span() if found else (0, 0)
