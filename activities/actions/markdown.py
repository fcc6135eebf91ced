"""Markdown of mails: in the text as the shop wrote it, out the sanitised HTML part and the plain part."""

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

# Values in a text have Markdown's signs escaped: a token's `_` arrives as `\_`.
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_URL = re.compile(
    r"https?://(?:\\[!-/:-@\[-`{-~]|[^\s<>\"'|\\])*(?:\\[_~-]|[^\s<>\"'|\\.,;:!?)\]}*])",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"(?<![a-z0-9])https?$", re.IGNORECASE)

_BLOCKS = {"blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "ul"}
_TABLES = {"table", "tbody", "td", "th", "thead", "tr"}
_TAGS = frozenset({"a", "br", "code", "em", "img", "s", "strong"} | _BLOCKS | _TABLES)


@dataclass(frozen=True)
class MailParts:
    """The two alternative parts of one mail."""

    html: str
    plain: str


def mail_parts(text: str) -> MailParts:
    """Make both parts of a mail. HTML in the text is shown as it stands, never interpreted; bare URLs become links."""
    # Imported by the first mail, not at the worker's start.
    import nh3  # noqa: PLC0415

    parser = _parser()
    tokens = parser.parse(text)
    html = nh3.clean(
        parser.renderer.render(tokens, parser.options, {}),
        tags=set(_TAGS),
        attributes={"a": {"href", "title"}, "img": {"src", "alt", "title"}, "td": {"align"}, "th": {"align"}},
        url_schemes={"https", "http", "mailto", "tel"},
        link_rel="noopener noreferrer",
    )
    return MailParts(html=html, plain=_PlainText().written(tokens))


@cache
def _parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt  # noqa: PLC0415

    parser = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"])
    parser.inline.ruler.before("escape", "bare_url", _link_bare_url)
    return parser


def _link_bare_url(state: "StateInline", silent: bool) -> bool:
    """Turn `https://…` into a link before its underscores are read as emphasis; the parser stops at the colon."""
    if state.linkLevel > 0 or not state.src.startswith("://", state.pos):
        return False
    scheme = _SCHEME.search(state.pending)
    found = _URL.match(state.src, state.pos - len(scheme[0])) if scheme else None
    if scheme is None or found is None:
        return False
    if not silent:
        address = _ESCAPED.sub(r"\1", found[0])
        state.pending = state.pending[: scheme.start()]
        state.push("link_open", "a", 1).attrSet("href", address)
        state.push("text", "", 0).content = address
        state.push("link_close", "a", -1)
    state.pos = found.end()
    return True


class _PlainText:
    """Writes the text without marks: list items keep a dash or number, a table's row is one line."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._cells: list[str] = []
        self._numbers: list[int] = []
        self._marker = ""
        self._is_cell = False

    def written(self, tokens: "Sequence[Token]") -> str:
        """Write the blocks, one empty line between them."""
        for token in tokens:
            self._block(token)
            if token.level == 0 and token.nesting <= 0:
                self._lines.append("")
        return "\n".join(self._lines).strip() + "\n"

    def _block(self, token: "Token") -> None:
        if token.type in ("ordered_list_open", "bullet_list_open"):
            self._numbers.append(int(token.attrGet("start") or 1) if token.tag == "ol" else 0)
        elif token.type in ("ordered_list_close", "bullet_list_close"):
            self._numbers.pop()
        elif token.type == "list_item_open":
            self._marker = self._next_marker()
        elif token.tag in ("td", "th"):
            self._is_cell = token.nesting > 0
        elif token.type == "tr_close":
            self._lines.append(" | ".join(self._cells))
            self._cells.clear()
        elif token.type == "inline":
            self._inline(_inline(token.children or []))
        elif token.type in ("fence", "code_block"):
            self._lines.append(token.content.rstrip("\n"))

    def _next_marker(self) -> str:
        indent = "  " * (len(self._numbers) - 1)
        if self._numbers[-1] == 0:
            return f"{indent}- "
        self._numbers[-1] += 1
        return f"{indent}{self._numbers[-1] - 1}. "

    def _inline(self, text: str) -> None:
        if self._is_cell:
            self._cells.append(text)
            return
        self._lines.append(self._marker + text)
        self._marker = ""


def _inline(children: "Sequence[Token]") -> str:
    written: list[str] = []
    starts: list[tuple[int, str]] = []
    for token in children:
        if token.type == "link_open":
            starts.append((len(written), str(token.attrGet("href") or "")))
        elif token.type == "link_close":
            start, address = starts.pop()
            words = "".join(written[start:])
            written.append("" if words == address or not address else f" ({address})")
        elif token.type in ("softbreak", "hardbreak"):
            written.append("\n")
        else:
            written.append(token.content)
    return "".join(written)
