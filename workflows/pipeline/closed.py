"""Comparisons with a value that a name never has, as its values are a closed set: `outcome == 'buzy'` (M31)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rule_engine import ast  # type: ignore[import-untyped]  # it is annotated, but ships no py.typed

from workflows.pipeline.conditions import place_of
from workflows.pipeline.expressions import Expression, Node, Path, children, path_of
from workflows.pipeline.mistakes import Mistake, suggestion
from workflows.pipeline.vocabulary import Word, find


@dataclass(frozen=True)
class _Compared:
    """A name and a text that it is compared with."""

    path: Path
    text: str


def outside(expression: Expression, *, words: Word) -> list[Mistake]:
    """List the texts that a name is compared with and never has, each with its place and the nearest value."""
    found = []
    for one in dict.fromkeys(_compared(expression.tree)):
        word = find(words, one.path)
        if word is None or not word.values or one.text in word.values:
            continue
        name, values = ".".join(one.path), [value or "''" for value in word.values]
        start, end = _place(one, text=expression.text)
        help = suggestion(one.text, values, label="Values")
        found.append(Mistake("D327", f"'{name}' is never '{one.text}'", help=help, start=start, end=end))
    return found


def _compared(node: Node) -> Iterator[_Compared]:
    """Yield what names are compared with by `==`, `!=` and `in [...]`, in the order of the expression."""
    if path_of(node) is not None:
        return
    if _is_equality(node) or _is_in_list(node):
        first, second = children(node)
        for path, other in ((path_of(first), second), (path_of(second), first)):
            if path is not None:
                yield from (_Compared(path, text) for text in _texts(other))
    for child in children(node):
        yield from _compared(child)


def _is_equality(node: Node) -> bool:
    return isinstance(node, ast.ComparisonExpression) and node.type in ("eq", "ne")


def _is_in_list(node: Node) -> bool:
    return isinstance(node, ast.ContainsExpression) and isinstance(node.container, ast.ArrayExpression)


def _texts(node: Node) -> Iterator[str]:
    members = node.value if isinstance(node, ast.ArrayExpression) else (node,)
    for member in members:
        if isinstance(member, ast.StringExpression):
            yield member.value


def _place(compared: _Compared, *, text: str) -> tuple[int, int]:
    """Return the offsets of the text as it is written nearest to the name; those of the name where it is escaped."""
    name = place_of(compared.path, text=text)
    written = [found.span() for found in re.finditer(rf"(['\"]){re.escape(compared.text)}\1", text)]
    return min(written, key=lambda span: min(abs(span[0] - name[1]), abs(name[0] - span[1])), default=name)
