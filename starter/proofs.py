"""Who says that a mail's sender is proved: its Authentication-Results, as far as the mailbox's own server wrote them.

In: the headers of a mail from top to bottom, and the names (authserv-id) under which that server writes its results.
Out: the domains that SPF, DKIM or DMARC passed for. Anybody can write such a header into a mail: RFC 8601, section 5,
has the server at the border remove those that bear its own name, and no others.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

#: How a setting names a server that writes results without its name, as Microsoft 365 does
#: (https://learn.microsoft.com/en-us/defender-office-365/message-headers-eop-mdo).
NAMELESS = "none"

#: What each method proves; what else a result tells, it merely repeats (RFC 8601, section 2.7).
_PROVED = {"spf": ("smtp.mailfrom",), "dkim": ("header.d", "header.i"), "dmarc": ("header.from",)}

#: A longer header may have been cut, and with it a domain in its midst.
_LONGEST = 4_000


@dataclass(frozen=True)
class Results:
    """One Authentication-Results header: its server's name, "" if it has none, and the words of each result."""

    server: str
    said: Sequence[Sequence[str]]

    @property
    def domains(self) -> list[str]:
        """List the domains that a method passed for."""
        return [domain for words in self.said for domain in _domains(words)]


def proved(headers: Sequence[tuple[str, str]], *, servers: Sequence[str] = ()) -> list[str]:
    """List the domains that are proved by the results of servers of those names.

    Where no server is named, the topmost result counts if it stands above every Received: each server puts its own
    lines on top (RFC 5321, section 4.4), so nobody before the last one can have written it.
    """
    found = [(place, results) for place, results in written(headers)]
    if not servers:
        passed = next((place for place, (name, _) in enumerate(headers) if name.lower() == "received"), 0)
        return found[0][1].domains if found and found[0][0] < passed else []
    names = {name for name in servers if name != NAMELESS}
    named = [results for _, results in found if results.server in names]
    if NAMELESS in servers and found and not found[0][1].server:
        named.append(found[0][1])
    return [domain for results in named for domain in results.domains]


def written(headers: Iterable[tuple[str, str]]) -> Iterator[tuple[int, Results]]:
    """Read the results that a mail bears, the topmost first, each with its place; what cannot be read says nothing."""
    for place, (name, value) in enumerate(headers):
        if name.lower() == "authentication-results":
            first, *said = (_parts(value) if len(value) < _LONGEST else []) or [[]]
            is_nameless = not first or "=" in first[0]
            yield place, Results("" if is_nameless else first[0].lower(), [first, *said] if is_nameless else said)


def _domains(words: Sequence[str]) -> Iterator[str]:
    """Give the domains of one result, such as `spf=pass smtp.mailfrom=anna@customer.example`."""
    method, _, result = words[0].partition("=") if words else ("", "", "")
    proves = _PROVED.get(method.partition("/")[0].lower(), ())
    if result.lower() != "pass":
        return
    for word in words[1:]:
        name, _, value = word.partition("=")
        if name.lower() in proves:
            yield value.rpartition("@")[2].strip(".").lower()


def _parts(text: str) -> list[list[str]]:
    """Divide a header at its semicolons into words. Comments are left out, and nothing in quotes divides (RFC 5322).

    Senders choose parts of it, such as the mailbox in `smtp.mailfrom`. A comment or quotes without an end: nothing.
    """
    parts: list[list[str]] = [[]]
    word, depth, is_quoted, is_escaped = "", 0, False, False
    for sign in f"{text};":
        if is_escaped:
            word, is_escaped = word + sign * (not depth), False
        elif sign == "\\" and (is_quoted or depth):
            is_escaped = True
        elif is_quoted:
            is_quoted = sign != '"'
            word += sign * is_quoted
        elif depth:
            depth += (sign == "(") - (sign == ")")
        elif sign == '"':
            is_quoted = True
        elif sign in ";(" or sign.isspace():
            _end(parts[-1], word)
            word, depth = "", int(sign == "(")
            if sign == ";":
                parts.append([])
        else:
            word += sign
    return [] if depth or is_quoted or is_escaped else parts[:-1]


def _end(words: list[str], word: str) -> None:
    """Add a word; around the first equals sign of one there may be space."""
    if words and word and (word.startswith("=") or words[-1].find("=") == len(words[-1]) - 1):
        words[-1] += word
    elif word:
        words.append(word)
