"""`orders pipeline check|fmt|schema|graph`: what a shop does with its file before it is published. No server needed."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from starter.cli.output import Exit, Failure, note, say, say_json
from starter.cli.reading import STDIN, read_file

if TYPE_CHECKING:
    from workflows.pipeline.loader import Loaded

app = typer.Typer(help="Check, format and draw pipeline files.", no_args_is_help=True)

_FILES = typer.Argument(metavar="FILE...", help="Pipeline files; - reads standard input.", show_default=False)
_FILE = typer.Argument(metavar="FILE", help="A pipeline file; - reads standard input.", show_default=False)


class Output(StrEnum):
    """How problems are written."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


class Drawing(StrEnum):
    """The language of a drawing."""

    MERMAID = "mermaid"
    DOT = "dot"


@app.command()
def check(
    files: Annotated[list[str], _FILES],
    output: Annotated[Output, typer.Option("--output", "-o", help="How problems are written.")] = Output.TEXT,
    as_json: Annotated[bool, typer.Option("--json", help="Short for --output json.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Take warnings for errors.")] = False,
) -> None:
    """Report every problem of pipeline files at once. Exit code 3 if there is an error."""
    from workflows.pipeline.problems import as_github, as_text
    from workflows.pipeline.problems import as_json as written_json

    writers = {Output.TEXT: as_text, Output.JSON: written_json, Output.GITHUB: as_github}
    chosen = Output.JSON if as_json else output
    loaded = [_load(file) for file in files]
    problems = [problem for one in loaded for problem in one.problems]
    written = writers[chosen](problems)
    if written:
        say(written)
    errors = sum(len(one.errors) for one in loaded)
    warnings = len(problems) - errors
    note(_summary(errors=errors, warnings=warnings))
    if errors or (strict and warnings):
        raise typer.Exit(Exit.INVALID)


@app.command()
def fmt(
    files: Annotated[list[str], _FILES],
    check_only: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit code 1 if a file would change.")
    ] = False,
) -> None:
    """Write pipeline files in their one form; comments are kept. Standard input goes to standard output."""
    changed = [file for file in files if _format(file, check_only=check_only)]
    if check_only and changed:
        raise typer.Exit(Exit.FAILED)


@app.command()
def schema() -> None:
    """Print the JSON Schema of pipeline files, for editors and other tools."""
    from activities.actions import KINDS
    from workflows.pipeline.schema import json_schema

    say_json(json_schema(KINDS))


@app.command()
def graph(
    file: Annotated[str, _FILE],
    output: Annotated[Drawing, typer.Option("--output", "-o", help="The language of the drawing.")] = Drawing.MERMAID,
) -> None:
    """Draw a pipeline: its stages, triggers, chains of rules and moves."""
    from workflows.pipeline.graph import as_dot, as_mermaid
    from workflows.pipeline.problems import as_text

    loaded = _load(file)
    if loaded.pipeline is None:
        note(as_text(loaded.errors))
        raise typer.Exit(Exit.INVALID)
    drawn = as_mermaid(loaded.pipeline) if output is Drawing.MERMAID else as_dot(loaded.pipeline)
    typer.echo(drawn, nl=False)


def _load(file: str) -> "Loaded":
    text = read_file(file, unreadable=Exit.INVALID)
    from activities.actions import KINDS
    from activities.papers import documents_beside
    from workflows.pipeline.loader import load

    documents = documents_beside(file)
    return load(text, file="<stdin>" if file == STDIN else file, kinds=KINDS, documents=documents)


def _format(file: str, *, check_only: bool) -> bool:
    from workflows.pipeline.formatting import formatted
    from workflows.pipeline.mistakes import Mistake

    text = read_file(file, unreadable=Exit.INVALID)
    try:
        tidy = formatted(text)
    except Mistake as mistake:
        raise Failure(
            f"'{file}' cannot be formatted: {mistake.words}", help="Run: orders pipeline check", code=Exit.INVALID
        ) from None
    if file == STDIN:
        typer.echo(tidy if not check_only else "", nl=False)
    elif tidy != text and not check_only:
        Path(file).write_text(tidy, encoding="utf-8")
    if tidy != text and file != STDIN:
        note(f"{'would change' if check_only else 'changed'} {file}")
    return tidy != text


def _summary(*, errors: int, warnings: int) -> str:
    if not errors and not warnings:
        return "No problems found."
    parts = [
        f"{count} {word}{'' if count == 1 else 's'}"
        for count, word in ((errors, "error"), (warnings, "warning"))
        if count
    ]
    return f"Found {' and '.join(parts)}."
