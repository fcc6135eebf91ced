"""Problems for machines: JSON with stable keys, GitHub annotations; and lines that would not fit a terminal."""

import json

from tests.pipeline.kinds import KINDS
from workflows.pipeline.loader import load
from workflows.pipeline.problems import Problem, as_github, as_json, as_text

TEXT = "pipeline: shop\nstages:\n  new:\n    rules:\n      - smss: a\n"


def _problems(text: str = TEXT) -> tuple[Problem, ...]:
    return load(text, file="deploy/shop.yaml", kinds=KINDS).errors


def test_json_has_the_place_and_the_help() -> None:
    assert json.loads(as_json(_problems())) == [
        {
            "code": "D206",
            "severity": "error",
            "words": "unknown rule 'smss'",
            "file": "deploy/shop.yaml",
            "line": 5,
            "column": 9,
            "end_column": 13,
            "path": "stages.new.rules[0]",
            "help": f"Did you mean 'sms'? Rules: {', '.join(KINDS.names())}.",
        }
    ]


def test_github_gets_one_annotation_a_line() -> None:
    said = as_github(_problems())
    assert said.startswith(
        "::error file=deploy/shop.yaml,line=5,col=9,endColumn=13,title=D206::unknown rule 'smss'. Did"
    )
    assert "\n" not in said


def test_github_properties_cannot_be_broken_out_of() -> None:
    one = Problem("D1", _problems()[0].severity, "100%\nbad", "a:b,c.yaml", 1, 1, 2)
    assert as_github([one]) == "::error file=a%3Ab%2Cc.yaml,line=1,col=1,endColumn=2,title=D1::100%25%0Abad"


def test_a_long_line_is_cut_around_the_place() -> None:
    text = TEXT.replace("- smss: a", f'- comment: "{"x" * 400}{{{{ order.nope }}}}{"y" * 400}"')
    line, caret = as_text(_problems(text)).split("\n")[3:5]
    assert len(line) <= 168
    assert line[caret.index("^") : caret.rindex("^") + 1] == "order.nope"


def test_a_caret_stands_under_its_place_behind_tabs_and_wide_letters() -> None:
    text = 'pipeline: shop\nstages:\n  new: {title: "ż\tb", kind: "nope"}\n'
    line, caret = as_text(_problems(text)).split("\n")[3:5]
    assert line[caret.index("^") :] == '"nope"}'
    assert "\t" in caret


def test_no_problems_print_nothing() -> None:
    assert (as_text([]), as_github([]), as_json([])) == ("", "", "[]")
