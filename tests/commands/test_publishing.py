"""`orders pipeline publish`, and the example pipelines it is tried with."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from starter.cli.output import Exit
from tests.commands.running import ROOT, Orders

_EXAMPLES = sorted((ROOT / "deploy" / "pipelines").glob("*.yaml"))


@pytest.mark.parametrize("example", _EXAMPLES, ids=lambda path: path.name)
def test_an_example_has_no_problem_and_is_in_its_one_form(orders: Orders, example: Path) -> None:
    assert orders.must("pipeline", "check", "--strict", str(example)).out == ""
    assert orders("pipeline", "fmt", "--check", str(example)).code == 0


def test_the_examples_texts_are_in_every_language(orders: Orders) -> None:
    """Covers M42: the default pipeline speaks en, pl, fr, de, vi, uk."""
    text = orders.example.read_text(encoding="utf-8")
    assert text.count("\n    vi: ") == text.count("\n    en: ") == text.count("\n    uk: ") > 8


def test_publishing_gives_a_version_and_the_same_text_gives_the_same_one(orders: Orders) -> None:
    """Covers M70."""
    orders.must("db", "upgrade")
    first = orders.must("pipeline", "publish", str(orders.example), "--json").json
    assert first == {"pipeline": "shop", "version": 1, "is_new": True}
    assert orders.must("pipeline", "publish", str(orders.example)).out == (
        "shop@1 was published before; nothing changed\n"
    )
    _copy_documents(orders)
    changed = orders.example.read_text(encoding="utf-8").replace("Juniper Home", "Juniper House")
    assert orders.must("pipeline", "publish", "-", "--json", stdin=changed).json["version"] == 2


def test_a_pipeline_with_errors_is_not_published(stored: Orders) -> None:
    _copy_documents(stored)
    broken = stored.example.read_text(encoding="utf-8").replace("move: completed", "move: complete")
    ended = stored("pipeline", "publish", "-", stdin=broken)
    assert ended.code == 3
    assert "error[D301]" in ended.err
    assert "Did you mean 'completed'?" in ended.err
    assert "error: <stdin> has 1 error; nothing was published" in ended.err
    findings = {one["what"]: one["words"] for one in stored("doctor", "--json").json}
    assert findings["pipelines"] == "shop@1"


def test_a_stage_that_holds_open_orders_cannot_vanish(house: Orders) -> None:
    text = Path(ROOT / "deploy" / "pipelines" / "first.yaml").read_text(encoding="utf-8")
    house.must("pipeline", "publish", "-", stdin=text)
    number = house.must("order", "create", "--pipeline", "first", "--total", "10").out.strip()
    house.settled(number, stage="new")
    ended = house("pipeline", "publish", "-", stdin=text.replace("  new:", "  fresh:"))
    assert ended.code == 3
    assert "a stage that holds open orders: 'new' (1)" in ended.err


@pytest.mark.parametrize(
    ("name", "content", "code", "words"),
    [
        ("missing.yaml", None, 2, "there is no file"),
        ("latin.yaml", b"title: \xe9", 3, "is not UTF-8"),
        ("empty.yaml", b"", 3, "the file is empty"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    stored: Orders, name: str, content: bytes | None, code: int, words: str
) -> None:
    file = stored.directory / name
    if content is not None:
        file.write_bytes(content)
    ended = stored("pipeline", "publish", str(file))
    assert ended.code == code
    assert words in ended.err
    assert name in ended.err


def _copy_documents(orders: Orders) -> None:
    """Put the example's templates beside what comes by standard input."""
    shutil.copytree(orders.example.with_name("documents"), orders.directory / "documents")


def test_a_version_that_this_release_cannot_read_is_named_with_what_to_do(stored: Orders) -> None:
    """An earlier release let through what this one refuses."""
    with sqlite3.connect(stored.directory / "orders.db") as connection:
        connection.execute("UPDATE pipelines SET frozen_json = replace(frozen_json, 'timezone: ', 'tymezone: ')")
    ended = stored("order", "create", "--number", "1001", "--total", "49.00")
    assert ended.code == Exit.INVALID
    assert "error: Version 1 of pipeline 'shop' cannot be read by this release:" in ended.err
    assert "unknown key 'tymezone'" in ended.err
    assert "help: correct its file and publish it: `orders pipeline publish FILE`" in ended.err
    assert "unexpected" not in ended.err
