"""Expressions: rule-engine's grammar, less what is unsafe or obscure, compiled to one function per expression."""

import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Any, TypeAlias, cast

import rule_engine  # type: ignore[import-untyped]  # it is annotated, but ships no py.typed
from rule_engine import ast, errors

from workflows.pipeline.mistakes import Mistake
from workflows.pipeline.values import Scope, Value

Node: TypeAlias = ast.ExpressionBase
Path = tuple[str, ...]

#: Longest expression, in characters.
LONGEST = 1_000

_STRING = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
#: What other languages write, and how it is written here. Refused before parsing: rule-engine computes constant parts
#: while it parses, and a regular expression or a power could run for ever.
_FOREIGN = {
    "&&": "Write 'and'.",
    "||": "Write 'or'.",
    "=~": "Compare with == or in; regular expressions are not supported.",
    "!~": "Compare with == or in; regular expressions are not supported.",
    "<>": "Write '!='.",
    "**": "Compare fields with + and - only.",
}
_WORDS = {"AND": "and", "OR": "or", "NOT": "not", "IN": "in", "True": "true", "False": "false", "None": "null"}
_FOREIGN_SIGN = re.compile(r"&&|\|\||=~|!~|<>|\*\*|(?<![=!<>])=(?!=)|!(?![=~])|[*/%&|^~?${}#@:;\\`]|<<|>>")
_FOREIGN_WORD = re.compile(r"\b(AND|OR|NOT|IN|True|False|None|for|if|else|is)\b")
_HELP = "Write comparisons joined by and, or, not: order.total >= 500 and not order.paid."

_ORDERED: dict[str, Callable[[Any, Any], bool]] = {
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}


@dataclass(frozen=True)
class Expression:
    """A parsed expression. `paths` are the names it reads, in order; `constant` its value if it reads none."""

    text: str
    tree: Node
    paths: tuple[Path, ...]
    evaluate: Callable[[Scope], Value]

    @property
    def is_constant(self) -> bool:
        """Say whether it always has the same value."""
        return isinstance(self.tree, ast.BooleanExpression)


def parse(text: str, *, zone: tzinfo) -> Expression:
    """Parse an expression; dates in it are read in `zone`. Raise Mistake for what is not one."""
    _refuse_foreign(text)
    try:
        rule = rule_engine.Rule(text, context=rule_engine.Context(default_timezone=zone))
    except errors.RuleSyntaxError as error:
        raise _syntax(error, text=text) from None
    except errors.DatetimeSyntaxError as error:
        raise Mistake("D225", f"'{error.value}' is not a date", help="Write a date as d'2026-12-24'.") from None
    except errors.EngineError:
        raise Mistake("D310", "the expression compares unlike types", help=_HELP) from None
    except (RecursionError, ArithmeticError, ValueError):
        raise Mistake("D225", "the expression cannot be read", help=_HELP) from None
    tree = rule.statement.expression
    _refuse_nodes(tree)
    return Expression(text=text, tree=tree, paths=tuple(dict.fromkeys(_paths(tree))), evaluate=_function(tree))


def path_of(node: Node) -> Path | None:
    """Return the dotted path a node reads; None for any other node."""
    names: list[str] = []
    while isinstance(node, ast.GetAttributeExpression):
        names.append(node.name)
        node = node.object
    return (node.name, *reversed(names)) if isinstance(node, ast.SymbolExpression) else None


def children(node: Node) -> tuple[Node, ...]:
    """Return the parts of a node that are expressions themselves."""
    if isinstance(node, ast.BinaryExpressionBase):
        return (cast(Node, node.left), cast(Node, node.right))
    if isinstance(node, ast.UnaryExpression):
        return (node.right,)
    if isinstance(node, ast.ContainsExpression):
        return (node.member, node.container)
    if isinstance(node, ast.ArrayExpression):
        return tuple(node.value)
    return ()


def _refuse_foreign(text: str) -> None:
    if len(text) > LONGEST:
        raise Mistake("D225", f"the expression is longer than {LONGEST} characters", help="Split it into two rules.")
    bare = _STRING.sub(lambda found: " " * len(found[0]), text)
    sign = _FOREIGN_SIGN.search(bare)
    word = _FOREIGN_WORD.search(bare)
    if sign:
        help = "Write '=='." if sign[0] == "=" else "Write 'not'." if sign[0] == "!" else _FOREIGN.get(sign[0], _HELP)
        raise Mistake("D225", f"'{sign[0]}' cannot be used here", help=help, start=sign.start(), end=sign.end())
    if word:
        help = f"Write '{_WORDS[word[0]]}'." if word[0] in _WORDS else _HELP
        raise Mistake("D225", f"'{word[0]}' cannot be used here", help=help, start=word.start(), end=word.end())


def _syntax(error: errors.RuleSyntaxError, *, text: str) -> Mistake:
    token = error.token
    if token is None:
        return Mistake("D225", "the expression ends too early", help=_HELP, start=max(0, len(text) - 1), end=len(text))
    start = int(token.lexpos)
    if token.type == "error":
        return Mistake("D225", f"'{text[start]}' cannot be used here", help=_HELP, start=start, end=start + 1)
    found = re.compile(r"\S+").match(text, start)
    part = found[0] if found else text[start:]
    return Mistake("D225", f"'{part}' is not expected here", help=_HELP, start=start, end=start + len(part))


_ALLOWED = (
    ast.LogicExpression,
    ast.ComparisonExpression,
    ast.ContainsExpression,
    ast.AddExpression,
    ast.SubtractExpression,
    ast.UnaryExpression,
    ast.ArrayExpression,
    ast.BooleanExpression,
    ast.DatetimeExpression,
    ast.FloatExpression,
    ast.NullExpression,
    ast.StringExpression,
)


def _refuse_nodes(node: Node) -> None:
    if path_of(node) is not None:
        return
    if not isinstance(node, _ALLOWED) or isinstance(node, ast.FuzzyComparisonExpression):
        raise Mistake("D225", "functions, indexes and patterns cannot be used in a condition", help=_HELP)
    for child in children(node):
        _refuse_nodes(child)


def _paths(node: Node) -> Iterator[Path]:
    path = path_of(node)
    if path is not None:
        yield path
        return
    for child in children(node):
        yield from _paths(child)


def _function(node: Node) -> Callable[[Scope], Value]:
    path = path_of(node)
    if path is not None:
        return lambda scope: scope.value(path)
    if isinstance(node, ast.ArrayExpression):
        members = [_function(member) for member in node.value]
        return lambda scope: tuple(member(scope) for member in members)
    if isinstance(node, ast.LiteralExpressionBase):
        return _constant(node.value)
    if isinstance(node, ast.UnaryExpression):
        return _unary(node.type, part=_function(node.right))
    if isinstance(node, ast.ContainsExpression):
        return _contains(_function(node.member), container=_function(node.container))
    binary = cast(ast.BinaryExpressionBase, node)
    return _binary(binary.type, left=_function(cast(Node, binary.left)), right=_function(cast(Node, binary.right)))


def _constant(value: object) -> Callable[[Scope], Value]:
    fixed = cast(Value, value.astimezone(UTC) if isinstance(value, datetime) else value)
    return lambda scope: fixed


def _unary(kind: str, *, part: Callable[[Scope], Value]) -> Callable[[Scope], Value]:
    if kind == "not":
        return lambda scope: not part(scope)
    return lambda scope: -value if isinstance(value := part(scope), Decimal) else None


def _contains(member: Callable[[Scope], Value], *, container: Callable[[Scope], Value]) -> Callable[[Scope], Value]:
    def contains(scope: Scope) -> Value:
        inside, around = member(scope), container(scope)
        if isinstance(around, tuple):
            return inside in around
        return isinstance(inside, str) and isinstance(around, str) and inside in around

    return contains


def _binary(kind: str, *, left: Callable[[Scope], Value], right: Callable[[Scope], Value]) -> Callable[[Scope], Value]:
    if kind == "and":
        return lambda scope: bool(left(scope)) and bool(right(scope))
    if kind == "or":
        return lambda scope: bool(left(scope)) or bool(right(scope))
    if kind == "eq":
        return lambda scope: left(scope) == right(scope)
    if kind == "ne":
        return lambda scope: left(scope) != right(scope)
    if kind in _ORDERED:
        return _ordered(_ORDERED[kind], left=left, right=right)
    return _sum(1 if kind == "add" else -1, left=left, right=right)


def _ordered(
    compare: Callable[[Any, Any], bool], *, left: Callable[[Scope], Value], right: Callable[[Scope], Value]
) -> Callable[[Scope], Value]:
    def ordered(scope: Scope) -> Value:
        first, second = left(scope), right(scope)
        # Values of open groups (webhooks, customers' own fields) may be of any type: unlike ones never compare.
        return type(first) is type(second) and first is not None and compare(first, second)

    return ordered


def _sum(sign: int, *, left: Callable[[Scope], Value], right: Callable[[Scope], Value]) -> Callable[[Scope], Value]:
    def add(scope: Scope) -> Value:
        first, second = left(scope), right(scope)
        return first + sign * second if isinstance(first, Decimal) and isinstance(second, Decimal) else None

    return add
