"""`orders pipeline check|fmt|schema|graph`: data on stdout, the rest on stderr, exit codes."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from starter.cli.output import Exit, Failure
from starter.cli.pipeline import app

END = "  won: {kind: success, triggers: [{payment: paid}]}\n"
VALID = f"pipeline: shop\nstages:\n  new:\n    rules:\n      - comment: Hello\n{END}"
BROKEN = VALID.replace("comment:", "coment:")
WARNED = "pipeline: shop\nstages:\n  new:\n"


def run(*arguments: str, stdin: str | bytes | None = None) -> Result:
    return CliRunner().invoke(app, list(arguments), input=stdin)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "shop.yaml"
    path.write_text(VALID, encoding="utf-8")
    return path


def test_a_valid_file_prints_nothing_and_ends_well(file: Path) -> None:
    result = run("check", str(file))
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "No problems found.\n")


def test_errors_end_with_code_3() -> None:
    result = run("check", "-", stdin=BROKEN)
    assert result.exit_code == 3
    assert result.stdout.startswith("error[D206]: unknown rule 'coment'\n  --> <stdin>:5:9  stages.new.rules[0]\n")
    assert result.stderr == "Found 1 error.\n"


def test_warnings_end_well_unless_strict() -> None:
    assert run("check", "-", stdin=WARNED).exit_code == 0
    assert run("check", "--strict", "-", stdin=WARNED).exit_code == 3


def test_json_is_one_document() -> None:
    for arguments in (("--json",), ("--output", "json")):
        result = run("check", *arguments, "-", stdin=BROKEN)
        assert [one["code"] for one in json.loads(result.stdout)] == ["D206"]
    assert json.loads(run("check", "--json", "-", stdin=VALID).stdout) == []


def test_github_gets_annotations() -> None:
    assert run("check", "-o", "github", "-", stdin=BROKEN).stdout.startswith("::error file=<stdin>,line=5,col=9")


def test_several_files_are_checked_at_once(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(BROKEN, encoding="utf-8")
    assert run("check", str(file), str(other)).stderr == "Found 1 error.\n"


@pytest.mark.parametrize("command", ["check", "fmt", "graph"])
def test_a_file_that_cannot_be_read_is_a_clear_error(command: str, tmp_path: Path) -> None:
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("title: Żółw".encode("iso-8859-2"))
    for path, words, code in (
        (tmp_path / "none.yaml", "there is no file", Exit.USAGE),
        (tmp_path, "is a folder", Exit.USAGE),
        (latin, "is not UTF-8", Exit.INVALID),
    ):
        result = run(command, str(path))
        assert isinstance(result.exception, Failure)
        assert words in result.exception.words
        assert result.exception.help
        assert result.exception.code is code


def test_fmt_writes_the_file_in_its_one_form(file: Path) -> None:
    file.write_text(VALID.replace("  new:", "  new:   "), encoding="utf-8")
    result = run("fmt", str(file))
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", f"changed {file}\n")
    assert "new:\n" in file.read_text(encoding="utf-8")
    assert run("fmt", str(file)).stderr == ""


def test_fmt_check_writes_nothing(file: Path) -> None:
    untidy = VALID.replace("  new:", "  new:   ")
    file.write_text(untidy, encoding="utf-8")
    result = run("fmt", "--check", str(file))
    assert (result.exit_code, result.stderr) == (1, f"would change {file}\n")
    assert file.read_text(encoding="utf-8") == untidy


def test_fmt_passes_standard_input_through() -> None:
    assert run("fmt", "-", stdin="pipeline:   shop\n").stdout == "pipeline: shop\n"


def test_fmt_refuses_what_it_cannot_read() -> None:
    result = run("fmt", "-", stdin="a: [")
    assert isinstance(result.exception, Failure)
    assert result.exception.code is Exit.INVALID


def test_schema_is_a_json_schema() -> None:
    assert json.loads(run("schema").stdout)["$schema"].endswith("2020-12/schema")


def test_graph_draws_a_valid_pipeline_only(file: Path) -> None:
    assert run("graph", str(file)).stdout.startswith("flowchart LR\n")
    assert run("graph", "-o", "dot", str(file)).stdout.startswith("digraph")
    broken = run("graph", "-", stdin=BROKEN)
    assert (broken.exit_code, broken.stdout) == (3, "")
    assert "unknown rule" in broken.stderr
