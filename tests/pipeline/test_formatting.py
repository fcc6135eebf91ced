"""One form for every pipeline file; comments, order and quotes are kept."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.pipeline.test_loading import FILE, YAML_SIGNS
from workflows.pipeline.file.document import parse
from workflows.pipeline.file.settings import plain
from workflows.pipeline.formatting import formatted
from workflows.pipeline.mistakes import Mistake

UNTIDY = """pipeline:   shop   # the name
stages:


    new:
        # thanks
        rules:
        -   sms: 'thanks'
        # then
        -   {comment: "a"}
    won: {kind: success}
"""

TIDY = """pipeline: shop     # the name
stages:

  new:
    # thanks
    rules:
      - sms: 'thanks'
      # then
      - {comment: "a"}
  won: {kind: success}
"""


def test_a_file_is_made_tidy_and_its_comments_stay() -> None:
    assert formatted(UNTIDY) == TIDY


def test_formatting_again_changes_nothing() -> None:
    assert formatted(TIDY) == TIDY
    once = formatted(FILE)
    assert formatted(once) == once


def test_formatting_changes_no_value() -> None:
    assert plain(parse(formatted(FILE)).root) == plain(parse(FILE).root)


def test_a_text_block_that_looks_like_comments_is_left_alone() -> None:
    text = "pipeline: shop\nvars:\n  note: |\n    # not\n      # a comment\n    end\n"
    assert formatted(text) == text


def test_windows_line_ends_become_plain() -> None:
    assert formatted("pipeline: shop\r\nstages:\r\n  new:\r\n") == "pipeline: shop\nstages:\n  new:\n"


@pytest.mark.parametrize("text", ["", "a: {{ b }}", "a: [", "a: 1\na: 2", "- a", "\x00"], ids=repr)
def test_what_is_not_a_pipeline_file_is_not_touched(text: str) -> None:
    with pytest.raises(Mistake):
        formatted(text)


@pytest.mark.parametrize("key", ["? : date", ": date", "~: date"])
def test_a_key_that_would_become_another_is_not_touched(key: str) -> None:
    """The YAML library writes the empty key, and `~`, as `null`."""
    with pytest.raises(Mistake):
        formatted(f"pipeline: shop\nfields:\n  a: text\n  {key}\n")


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(st.data())
def test_formatting_is_stable_for_any_file(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(FILE)))
    end = data.draw(st.integers(start, min(len(FILE), start + 8)))
    text = FILE[:start] + data.draw(st.text(YAML_SIGNS, max_size=4)) + FILE[end:]
    try:
        once = formatted(text)
    except Mistake:
        assume(False)
    assert formatted(once) == once
    assert plain(parse(once).root) == plain(parse(text.removeprefix("\ufeff")).root)


@pytest.mark.parametrize("path", sorted(Path("deploy/pipelines").glob("*.yaml")), ids=lambda path: path.name)
def test_the_example_pipelines_are_formatted(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert formatted(text) == text
