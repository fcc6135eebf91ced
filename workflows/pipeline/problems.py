"""What is wrong with a pipeline file: problems with their places, written for people, machines and pull requests."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """Whether a problem keeps the pipeline from being used."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Problem:
    """One problem at one place. Lines and columns count from 1; `end_column` is behind the last character.

    `path` reads like `stages.new.rules[0].sms`; `source_lines` are the line before (if any) and the line itself.
    """

    code: str
    severity: Severity
    words: str
    file: str
    line: int
    column: int
    end_column: int
    path: str = ""
    help: str = ""
    source_lines: tuple[str, ...] = ()


#: Longest source line printed whole; around the place, the rest of a longer one is cut.
_WIDTH = 160


def as_text(problems: Iterable[Problem]) -> str:
    """Write problems for a terminal: code, words, place, the line before, the line, a caret, help."""
    return "\n\n".join(_one_text(problem) for problem in problems)


def as_json(problems: Iterable[Problem]) -> str:
    """Write problems as a JSON list with stable keys."""
    rows = [
        {
            "code": one.code,
            "severity": one.severity.value,
            "words": one.words,
            "file": one.file,
            "line": one.line,
            "column": one.column,
            "end_column": one.end_column,
            "path": one.path,
            "help": one.help,
        }
        for one in problems
    ]
    return json.dumps(rows, ensure_ascii=False, indent=2)


def as_github(problems: Iterable[Problem]) -> str:
    """Write problems as GitHub workflow commands, one a line, which become notes on a pull request."""
    return "\n".join(_one_github(problem) for problem in problems)


def _one_text(problem: Problem) -> str:
    place = f"{problem.file}:{problem.line}:{problem.column}"
    head = [
        f"{problem.severity.value}[{problem.code}]: {problem.words}",
        f"  --> {place}  {problem.path}".rstrip(),
    ]
    return "\n".join([*head, *_snippet(problem), *([f"      = help: {problem.help}"] if problem.help else [])])


def _snippet(problem: Problem) -> list[str]:
    if not problem.source_lines:
        return []
    *before, here = problem.source_lines
    column, end = problem.column, min(problem.end_column, len(here) + 1)
    if len(here) > _WIDTH:
        start = max(0, column - 1 - _WIDTH // 2)
        here, column, end = here[start : start + _WIDTH], column - start, end - start
        end = min(end, len(here) + 1)
    lines = [f"{problem.line - 1:5d} | {text[:_WIDTH]}".rstrip() for text in before]
    lines.append(f"{problem.line:5d} | {here}".rstrip())
    # A tab before the place is kept, so that the caret stands under the character in every terminal.
    margin = "".join("\t" if char == "\t" else " " for char in here[: column - 1])
    lines.append(f"      | {margin}{'^' * max(1, end - column)}")
    return lines


def _one_github(problem: Problem) -> str:
    fields: Sequence[tuple[str, object]] = (
        ("file", problem.file),
        ("line", problem.line),
        ("col", problem.column),
        ("endColumn", problem.end_column),
        ("title", problem.code),
    )
    properties = ",".join(f"{name}={_escaped(str(value), property=True)}" for name, value in fields)
    words = f"{problem.words}. {problem.help}" if problem.help else problem.words
    return f"::{problem.severity.value} {properties}::{_escaped(words)}"


def _escaped(text: str, *, property: bool = False) -> str:
    for char, code in (("%", "%25"), ("\r", "%0D"), ("\n", "%0A")):
        text = text.replace(char, code)
    return text.replace(":", "%3A").replace(",", "%2C") if property else text
