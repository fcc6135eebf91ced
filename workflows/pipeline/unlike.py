"""Types of conditions: which comparisons make sense, and the words for those that do not (M31)."""

from collections.abc import Mapping

import rule_engine  # type: ignore[import-untyped]  # it is annotated, but ships no py.typed
from rule_engine import DataType, ast, errors

from workflows.pipeline.conditions import place_of
from workflows.pipeline.expressions import Expression, Node, children, path_of
from workflows.pipeline.mistakes import Mistake
from workflows.pipeline.vocabulary import ValueType as T
from workflows.pipeline.vocabulary import Word, find

_LITERALS: Mapping[type, T] = {
    ast.BooleanExpression: T.BOOL,
    ast.DatetimeExpression: T.DATE,
    ast.FloatExpression: T.NUMBER,
    ast.NullExpression: T.NOTHING,
    ast.StringExpression: T.TEXT,
    ast.ArrayExpression: T.LIST,
}
_QUESTIONS = {
    T.NUMBER: "Compare it: {} > 0.",
    T.TEXT: "Compare it: {} != ''.",
    T.DATE: "Compare it: {} != null.",
    T.LIST: "Ask what is in it: 'vip' in {}.",
}
_DATE_HELP = "Write a date as d'2026-12-24'."
_ORDERED_TYPES = (T.NUMBER, T.DATE, T.TEXT, T.ANY)


def check_types(expression: Expression, *, words: Word) -> None:
    """Raise Mistake for the first comparison of unlike types, or a condition that is not yes or no."""
    checker = _Checker(expression.text, words=words)
    checker.require_bool(expression.tree)
    checker.visit(expression.tree)
    _gate(expression, words=words)


class _Checker:
    def __init__(self, text: str, *, words: Word) -> None:
        self._text = text
        self._words = words

    def visit(self, node: Node) -> None:
        if path_of(node) is not None:
            return
        if isinstance(node, ast.LogicExpression):
            for child in children(node):
                self.require_bool(child)
        elif isinstance(node, ast.UnaryExpression) and node.type == "not":
            self.require_bool(node.right)
        elif isinstance(node, ast.ContainsExpression):
            self._contains(node)
        elif isinstance(node, ast.BinaryExpressionBase):
            self._comparison(node)
        for child in children(node):
            self.visit(child)

    def require_bool(self, node: Node) -> None:
        kind = self._type(node)
        if kind in (T.BOOL, T.ANY):
            return
        name = self._name(node)
        start, end = self._place(node)
        help = _QUESTIONS.get(kind, "Compare it with a value.").format(name.strip("'"))
        raise Mistake("D310", f"{name} is a {kind}, not yes or no", help=help, start=start, end=end)

    def _comparison(self, node: ast.BinaryExpressionBase) -> None:
        left, right = children(node)
        kinds = (self._type(left), self._type(right))
        if isinstance(node, ast.AddExpression | ast.SubtractExpression):
            if not all(kind in (T.NUMBER, T.ANY) for kind in kinds):
                raise self._unlike(left, right, verb="be added to" if node.type == "add" else "be subtracted with")
            return
        if isinstance(node, ast.ArithmeticComparisonExpression):
            if not self._alike(*kinds) or not all(kind in _ORDERED_TYPES for kind in kinds):
                raise self._unlike(left, right, verb="be compared with")
            return
        if T.NOTHING not in kinds and not self._alike(*kinds):
            raise self._unlike(left, right, verb="be compared with")

    def _contains(self, node: ast.ContainsExpression) -> None:
        member, container = children(node)
        kind, around = self._type(member), self._type(container)
        if around is T.ANY or (around is T.TEXT and kind in (T.TEXT, T.ANY)):
            return
        if around is not T.LIST or not all(self._alike(kind, one) for one in self._items(container)):
            if isinstance(container, ast.ArrayExpression):
                items = sorted({str(one) for one in self._items(container)})
                words = f"{self._name(member)} (a {kind}) cannot be in a list of {', '.join(items)} values"
                start, end = self._place(member)
                raise Mistake("D310", words, help=f"Write a list of {kind} values.", start=start, end=end)
            raise self._unlike(member, container, verb="be in")

    def _items(self, container: Node) -> list[T]:
        if isinstance(container, ast.ArrayExpression):
            return [self._type(member) for member in container.value]
        word = find(self._words, path_of(container) or ())
        return [word.item.type if word and word.item else T.ANY]

    def _alike(self, left: T, right: T) -> bool:
        return left is right or T.ANY in (left, right)

    def _type(self, node: Node) -> T:
        path = path_of(node)
        if path is not None:
            word = find(self._words, path)
            return word.type if word else T.ANY
        for literal, kind in _LITERALS.items():
            if isinstance(node, literal):
                return kind
        if isinstance(node, ast.AddExpression | ast.SubtractExpression):
            return T.NUMBER
        return T.NUMBER if isinstance(node, ast.UnaryExpression) and node.type == "uminus" else T.BOOL

    def _unlike(self, left: Node, right: Node, *, verb: str) -> Mistake:
        kinds = (self._type(left), self._type(right))
        words = f"{self._name(left)} (a {kinds[0]}) cannot {verb} {self._name(right)} (a {kinds[1]})"
        help = _DATE_HELP if T.DATE in kinds and T.TEXT in kinds else _advice(kinds)
        start, end = self._place(left if path_of(left) else right)
        return Mistake("D310", words, help=help, start=start, end=end)

    def _name(self, node: Node) -> str:
        path = path_of(node)
        if path is not None:
            return f"'{'.'.join(path)}'"
        if isinstance(node, ast.StringExpression):
            return f'"{node.value}"'
        if isinstance(node, ast.FloatExpression):
            return f"{node.value:f}"
        if isinstance(node, ast.BooleanExpression):
            return "true" if node.value else "false"
        if isinstance(node, ast.ArrayExpression):
            return "these values"
        return "null" if isinstance(node, ast.NullExpression) else "this value"

    def _place(self, node: Node) -> tuple[int, int]:
        path = path_of(node)
        return place_of(path, text=self._text) if path else (0, 0)


def _advice(kinds: tuple[T, T]) -> str:
    if T.NUMBER in kinds and T.TEXT in kinds:
        return "Write a number without quotes."
    if T.BOOL in kinds:
        return "A yes/no field stands alone: order.paid, not order.paid."
    if T.LIST in kinds:
        return "Ask what is in a list: 'vip' in order.tags."
    return "Compare values of the same type."


def _gate(expression: Expression, *, words: Word) -> None:
    # What the words above do not name is still caught by rule-engine's own type resolution.
    types = {name: _data_type(word, name=name) for name, word in words.inside.items()}
    context = rule_engine.Context(type_resolver=types, default_timezone="utc")
    try:
        rule_engine.Rule(expression.text, context=context)
    except errors.EngineError:
        raise Mistake("D310", "the expression compares unlike types", help=_advice((T.ANY, T.ANY))) from None


def _data_type(word: Word, *, name: str) -> object:
    if word.type is T.GROUP and not word.is_open:
        inside = {one: _data_type(found, name=f"{name}.{one}") for one, found in word.inside.items()}
        return DataType.OBJECT(name, inside)
    plain = {T.TEXT: DataType.STRING, T.NUMBER: DataType.FLOAT, T.DATE: DataType.DATETIME, T.BOOL: DataType.BOOLEAN}
    return DataType.ARRAY if word.type is T.LIST else plain.get(word.type, DataType.UNDEFINED)
