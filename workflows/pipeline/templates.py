"""Liquid templates with limits: parsed once, analysed for the names they use, strict about values that are empty."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import TextIO

from liquid import BoundTemplate, Environment, Mode, Node, RenderContext
from liquid.builtin import content, illegal, output
from liquid.builtin.expressions import FilteredExpression, Path
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.builtin.tags import assign_tag, case_tag, comment_tag, for_tag, if_tag, inline_comment_tag, unless_tag
from liquid.exceptions import LiquidError as LiquidError
from liquid.expression import Expression
from liquid.stringify import to_liquid_string

from workflows.pipeline.filters import FILTERS
from workflows.pipeline.mistakes import Mistake, suggestion
from workflows.pipeline.names import Safe, safe_markdown
from workflows.pipeline.vocabulary import ValueType, Word, find, unknown_words

#: Limits of one template: characters, and filters in a row.
LONGEST = 10_000
MOST_FILTERS = 8

#: Under this name a rendering says that its text is Markdown; no text can name it.
MARKDOWN = "$markdown"

_VALUE_HELP = "Write a value as {{ order.number }}, a condition as {% if order.paid %} … {% endif %}."
_TAGS = ("if", "unless", "case", "for", "assign", "comment", "#")


class EmptyOutput(Exception):
    """An output without a default turned out empty; `path` is what it reads."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


@dataclass(frozen=True)
class Use:
    """A name that a template reads, with its offset; `is_output` says that its value is printed as it is."""

    path: tuple[str, ...]
    start: int
    is_output: bool = False


@dataclass(frozen=True)
class Template:
    """A parsed template. `fixed` is the text that is in it whatever the values are."""

    source: str
    bound: BoundTemplate
    uses: tuple[Use, ...]
    loops: tuple[tuple[str, tuple[str, ...]], ...]
    fixed: str


class _Environment(Environment):
    loop_iteration_limit = 1_000
    output_stream_limit = 100_000
    local_namespace_limit = 100_000
    context_depth_limit = 10
    block_nesting_limit = 10

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        for tag in (
            content.Literal,
            _Output,
            illegal.Illegal,
            if_tag.IfTag,
            unless_tag.UnlessTag,
            case_tag.CaseTag,
            for_tag.ForTag,
            for_tag.BreakTag,
            for_tag.ContinueTag,
            assign_tag.AssignTag,
            comment_tag.CommentTag,
            inline_comment_tag.InlineCommentTag,
        ):
            self.add_tag(tag)
        for name, function in FILTERS.items():
            self.add_filter(name, function)


class _OutputNode(output.OutputNode):
    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        """Print the value; raise EmptyOutput for nothing where the text has no default (M40)."""
        value = self.expression.evaluate(context)
        text = f"{value:f}" if isinstance(value, Decimal) else to_liquid_string(value, autoescape=False)
        if not text.strip() and not _has_default(self.expression):
            raise EmptyOutput(_label(self.expression))
        if context.globals.get(MARKDOWN) and not isinstance(value, Safe):
            text = safe_markdown(text)
        return buffer.write(text)


class _Output(output.Output):
    node_class = _OutputNode


@cache
def environment() -> Environment:
    """Return the one Liquid environment: allow-listed tags and filters, and limits."""
    return _Environment(tolerance=Mode.STRICT, strict_filters=True)


def parse(source: str) -> Template:
    """Parse a template; raise Mistake for bad Liquid or one over the limits."""
    if len(source) > LONGEST:
        raise Mistake("D224", f"the text is longer than {LONGEST} characters", help="Shorten it.")
    try:
        bound = environment().from_string(source)
        analysis = bound.analyze()
    except LiquidError as error:
        raise _syntax(error, source=source) from None
    except RecursionError:
        raise Mistake("D224", "the text is nested too deep", help="Use fewer blocks inside each other.") from None
    for name, spans in analysis.filters.items():
        if name not in FILTERS:
            help = suggestion(name, sorted(FILTERS), label="Filters")
            start = source.find(name, spans[0].index)
            raise Mistake("D223", f"unknown filter '{name}'", help=help, start=start, end=start + len(name))
    expressions = [one for node in _nodes(bound.nodes) for top in node.expressions() for one in _within(top)]
    _refuse_costly(expressions)
    printed = {_start(node.expression) for node in _nodes(bound.nodes) if isinstance(node, _OutputNode)}
    uses = tuple(
        Use(_names(one.segments), one.span.index, one.span.index in printed)
        for found in analysis.globals.values()
        for one in found
    )
    fixed = "".join(node.text for node in bound.nodes if isinstance(node, content.ContentNode))
    return Template(source=source, bound=bound, uses=uses, loops=tuple(_loops(bound.nodes)), fixed=fixed)


def mistakes_in(template: Template, *, words: Word) -> list[Mistake]:
    """List every name of a template that does not exist, and every group that is printed as a whole."""
    found = []
    for use in template.uses:
        word = find(words, [part for part in use.path if not part.isdigit()]) if use.path else None
        end = use.start + len(".".join(use.path))
        if "[" in template.source[use.start : end + 1] and word is None:
            found.append(Mistake("D311", "brackets cannot be used in a name", help="Write it with dots: order.number."))
        elif word is None:
            said, help = unknown_words(words, list(use.path))
            found.append(Mistake("D311", said, help=help, start=use.start, end=end))
        elif use.is_output and word.type is ValueType.GROUP:
            names = ", ".join(sorted(word.inside))
            help = f"Name one of its fields: {names}."
            found.append(
                Mistake("D311", f"'{'.'.join(use.path)}' is a group of fields", help=help, start=use.start, end=end)
            )
    return found + list(_loop_mistakes(template, words=words))


def _loop_mistakes(template: Template, *, words: Word) -> Iterator[Mistake]:
    items = {}
    for name, path in template.loops:
        word = find(words, path)
        if word is not None and word.item is not None:
            items[name] = word.item
    for found in template.bound.analyze().variables.values():
        for one in found:
            first, *rest = _names(one.segments)
            if first in items and rest and find(items[first], rest) is None:
                help = suggestion(rest[0], sorted(items[first].inside), label="Fields")
                end = one.span.index + len(".".join((first, *rest)))
                words_said = f"unknown field '{first}.{'.'.join(rest)}'"
                yield Mistake("D311", words_said, help=help, start=one.span.index, end=end)


def _refuse_costly(expressions: Iterable[Expression]) -> None:
    for one in expressions:
        if isinstance(one, RangeLiteral):
            raise Mistake("D224", "ranges of numbers cannot be used in a text", help="Loop over order.items.")
        if isinstance(one, FilteredExpression) and len(one.filters or ()) > MOST_FILTERS:
            raise Mistake("D224", f"more than {MOST_FILTERS} filters in a row", help="Use fewer filters.")


def _syntax(error: LiquidError, *, source: str) -> Mistake:
    said = str(error.message)
    index = error.token.start_index if error.token else -1
    value = error.token.value if error.token and index >= 0 else ""
    if "found end of file" in said:
        start = source.rfind("{{") if "}}" in said else source.rfind("{%")
        opening = source[start : start + 2]
        return Mistake(
            "D221", f"'{opening}' is not closed", help=f"Close it with {said[10:12]}.", start=start, end=start + 2
        )
    if said.startswith("expected tag end"):
        tag = said.split()[2].removesuffix(",").removeprefix("end")
        start = max(0, source.rfind("{%", 0, source.rfind(tag) + 1))
        return Mistake(
            "D221", f"'{tag}' is not closed", help=f"Close it with {{% end{tag} %}}.", start=start, end=start + 2
        )
    if said.startswith("unexpected tag"):
        help = suggestion(value, list(_TAGS), label="Tags")
        return Mistake("D222", f"unknown tag '{value}'", help=help, start=index, end=index + len(value))
    end = index + len(value) if value else 0
    return Mistake("D221", _words(said, value=value), help=_VALUE_HELP, start=max(0, index), end=end)


def _words(said: str, *, value: str) -> str:
    if said.startswith("expected end of expression"):
        return f"'{value}' is not expected here"
    if "found end of expression" in said:
        return "something is missing before the closing braces"
    if said == "missing expression":
        return f"'{value}' has no condition"
    return "'{%' is not closed" if said.startswith("missing tag name") else f"the text cannot be read: {said}"


def _nodes(nodes: Iterable[Node]) -> Iterator[Node]:
    context = RenderContext(environment().from_string(""))
    for node in nodes:
        yield node
        yield from _nodes(list(node.children(context, include_partials=False)))


def _within(expression: Expression) -> Iterator[Expression]:
    yield expression
    for child in expression.children():
        yield from _within(child)


def _loops(nodes: Iterable[Node]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for node in _nodes(nodes):
        if isinstance(node, for_tag.ForNode) and isinstance(node.expression.iterable, Path):
            yield str(node.expression.identifier), tuple(str(one) for one in node.expression.iterable.path)


def _names(segments: Iterable[object]) -> tuple[str, ...]:
    return tuple(str(one) for one in segments)


def _start(expression: Expression) -> int:
    bare = isinstance(expression, FilteredExpression) and not expression.filters
    return expression.left.token.start_index if bare and isinstance(expression, FilteredExpression) else -1


def _has_default(expression: Expression) -> bool:
    filters = expression.filters or () if isinstance(expression, FilteredExpression) else ()
    return any(one.name == "default" for one in filters)


def _label(expression: Expression) -> str:
    left = expression.left if isinstance(expression, FilteredExpression) else expression
    return ".".join(str(one) for one in left.path) if isinstance(left, Path) else "a value"
