"""What commands print: data on stdout, the rest on stderr; errors as `error: …` and `help: …` with an exit code."""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import IntEnum
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from pydantic import BaseModel


class Exit(IntEnum):
    """The exit codes of every command."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    INVALID = 3  # the pipeline has errors
    UNREACHABLE = 4  # Temporal or the store
    DIFFERENT = 5  # a comparison found differences
    INTERRUPTED = 130


class Failure(Exception):
    """End the command with an error. `help` says what to do; both are for people and hold no secret."""

    def __init__(self, words: str, *, help: str = "", code: Exit = Exit.FAILED) -> None:
        super().__init__(words)
        self.words = words
        self.help = help
        self.code = code


def say(text: str) -> None:
    """Print data."""
    typer.echo(text)


def note(text: str) -> None:
    """Print what is not data: progress, hints, warnings."""
    typer.echo(text, err=True)


def tell(failure: Failure) -> None:
    """Print an error and what to do about it."""
    note(f"{_coloured('error', typer.colors.RED)}: {failure.words}")
    if failure.help:
        note(f"{_coloured('help', typer.colors.CYAN)}: {failure.help}")


def say_json(value: object) -> None:
    """Print one JSON document. Models must have been dumped in JSON mode: times with zone, money as text."""
    say(json.dumps(value, ensure_ascii=False, indent=2))


def say_record(record: "BaseModel") -> None:
    """Print a record as JSON."""
    say_json(record.model_dump(mode="json"))


def say_table(rows: Sequence[Sequence[str]], *, headings: Sequence[str]) -> None:
    """Print rows in columns; as wide as they are where stdout is no terminal."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(Text(value) for value in row))
    console = Console(width=None if sys.stdout.isatty() else 10_000, highlight=False)
    with console.capture() as printed:
        console.print(table)
    say("\n".join(line.rstrip() for line in printed.get().splitlines()))


def moment(at: datetime | None) -> str:
    """Write a moment with its zone, on the reader's clock; empty for none."""
    return at.astimezone().isoformat(sep=" ", timespec="seconds") if at else ""


def confirm(question: str, *, is_yes: bool) -> None:
    """Ask before something that cannot be undone; where nobody can answer, `--yes` must have been given."""
    if is_yes:
        return
    if not sys.stdin.isatty():
        raise Failure("This cannot be undone, and nobody can be asked here", help="add --yes", code=Exit.USAGE)
    typer.confirm(question, abort=True, err=True)


def listed(words: Iterable[str]) -> str:
    """Join words for a sentence."""
    return ", ".join(words)


def sentence(words: str) -> str:
    """Begin words with a capital."""
    return words[:1].upper() + words[1:]


def _coloured(text: str, colour: str) -> str:
    return typer.style(text, fg=colour, bold=True) if sys.stderr.isatty() else text
