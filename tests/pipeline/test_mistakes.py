"""Every kind of mistake in a pipeline file, with the exact text that a shop owner reads (M31, M40, C2).

The files in `mistakes/` hold the cases: a name, the file, what is said about it.
"""

from pathlib import Path

import pytest

from tests.pipeline.kinds import KINDS
from workflows.pipeline.loader import load
from workflows.pipeline.problems import as_text

FOLDER = Path(__file__).parent / "mistakes"


def _cases() -> list[object]:
    found: list[object] = []
    for path in sorted(FOLDER.glob("*.txt")):
        # newline="" keeps what a case is about: tabs, control characters, line ends.
        with path.open(encoding="utf-8", newline="") as file:
            blocks = file.read().split("=== ")[1:]
        for block in blocks:
            name, _, rest = block.partition("\n")
            text, _, said = rest.partition("--- says\n")
            found.append(pytest.param(text, said.rstrip("\n"), id=f"{path.stem}-{name}"))
    return found


CASES = _cases()


@pytest.mark.parametrize(("text", "said"), CASES)
def test_a_mistake_is_told_in_these_words(text: str, said: str) -> None:
    assert as_text(load(text, file="shop.yaml", kinds=KINDS).problems) == said


def test_there_are_more_than_forty_kinds_of_mistake() -> None:
    codes = {problem.code for case in CASES for problem in load(case.values[0], file="x", kinds=KINDS).problems}  # type: ignore[attr-defined]
    assert len(codes) >= 40


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file() -> None:
    rules = "      - smss: a\n      - comment: '{{ a.b }}'\n"
    text = f"pipeline: shop\ntimezone: Nowhere\nstages:\n  new:\n    rules:\n{rules}"
    loaded = load(text, file="shop.yaml", kinds=KINDS)
    assert [(one.code, one.line) for one in loaded.errors] == [("D205", 2), ("D206", 6), ("D311", 7)]
    assert loaded.pipeline is None


def test_warnings_do_not_keep_a_pipeline_from_being_used() -> None:
    loaded = load("pipeline: shop\nstages:\n  new:\n", file="shop.yaml", kinds=KINDS)
    assert [one.code for one in loaded.warnings] == ["D406"]
    assert loaded.pipeline is not None
