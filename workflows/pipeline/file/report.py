"""Collecting problems: a spot is a value with its path; the report gives what is wrong there its line and column."""

from collections.abc import Iterator
from dataclasses import dataclass

from workflows.pipeline.file.document import Block, Listing, Node, Place, Scalar, lines_of
from workflows.pipeline.mistakes import Mistake
from workflows.pipeline.problems import Problem, Severity


@dataclass(frozen=True)
class Spot:
    """A value of the file and the path to it (`stages.new.rules[0].sms`). `key` is the key it belongs to, if any."""

    node: Node
    path: str = ""
    key: Scalar | None = None

    @property
    def name(self) -> str:
        """The key it belongs to, or the last part of its path."""
        return self.key.text if self.key else self.path

    def entries(self) -> Iterator["Spot"]:
        """Yield the values of a block, in the order of the file."""
        if isinstance(self.node, Block):
            for entry in self.node.entries:
                path = f"{self.path}.{entry.key.text}" if self.path else entry.key.text
                yield Spot(entry.value, path, entry.key)

    def get(self, key: str) -> "Spot | None":
        """Return the value of a key; None if it is not there."""
        return next((one for one in self.entries() if one.name == key), None)

    def items(self) -> list["Spot"]:
        """Return the values of a list; a single value counts as a list of one."""
        if isinstance(self.node, Listing):
            return [Spot(one, f"{self.path}[{place}]", self.key) for place, one in enumerate(self.node.items)]
        return [self]

    @property
    def text(self) -> str:
        """The text as written; empty for a block or a list."""
        return self.node.text if isinstance(self.node, Scalar) else ""

    def joined(self) -> "Spot":
        """Return a list of texts as one text with commas between them; anything else as it is."""
        if not isinstance(self.node, Listing) or not all(isinstance(one, Scalar) for one in self.node.items):
            return self
        whole = ", ".join(one.text for one in self.items())
        return Spot(Scalar(self.node.place, whole, whole), self.path, self.key)

    def at_key(self) -> "Spot":
        """Return the spot of the key itself, with the path of the value."""
        return Spot(self.key, self.path, self.key) if self.key else self


class Report:
    """The problems found so far."""

    def __init__(self, text: str, *, file: str) -> None:
        self._text = text
        self._file = file
        self._lines = lines_of(text)
        self._found: list[Problem] = []

    @property
    def has_errors(self) -> bool:
        """Say whether any problem so far is an error."""
        return any(one.severity is Severity.ERROR for one in self._found)

    def problems(self) -> tuple[Problem, ...]:
        """Return the problems in the order of their places, each once."""
        return tuple(sorted(dict.fromkeys(self._found), key=lambda one: (one.line, one.column, one.code)))

    def error(self, code: str, words: str, *, at: Spot, help: str = "") -> None:
        """Add an error at a value."""
        self.mistake(Mistake(code, words, help=help), at=at)

    def warning(self, code: str, words: str, *, at: Spot, help: str = "") -> None:
        """Add a warning at a value."""
        self.mistake(Mistake(code, words, help=help), at=at, severity=Severity.WARNING)

    def mistake(self, mistake: Mistake, *, at: Spot, severity: Severity = Severity.ERROR) -> None:
        """Add a mistake at a value, or at the part of it that the mistake names."""
        self.place(mistake, place=self._part(at.node, mistake), path=at.path, severity=severity)

    def place(self, mistake: Mistake, *, place: Place, path: str = "", severity: Severity = Severity.ERROR) -> None:
        """Add a mistake at a place."""
        line = self._lines[place.line] if place.line < len(self._lines) else ""
        width = max(1, min(place.end - place.start, len(line) - place.column))
        before = self._lines[max(0, place.line - 1) : place.line]
        self._found.append(
            Problem(
                code=mistake.code,
                severity=severity,
                words=mistake.words,
                file=self._file,
                line=place.line + 1,
                column=place.column + 1,
                end_column=place.column + 1 + width,
                path=path,
                help=mistake.help,
                source_lines=(*before, line),
            )
        )

    def _part(self, node: Node, mistake: Mistake) -> Place:
        place = node.place
        if not isinstance(node, Scalar):
            return Place(place.line, place.column, place.start, place.start + 1)
        raw, part = self._text[place.start : place.end], node.text[mistake.start : mistake.end]
        if not part:
            return place
        # Escapes and folded lines move what follows: count the same part in the text as it is written.
        found = -1
        for _ in range(node.text.count(part, 0, mistake.start) + 1):
            found = raw.find(part, found + 1)
            if found < 0:
                return place
        lines = lines_of(raw[:found])
        column = len(lines[-1]) + (place.column if len(lines) == 1 else 0)
        return Place(place.line + len(lines) - 1, column, place.start + found, place.start + found + len(part))
