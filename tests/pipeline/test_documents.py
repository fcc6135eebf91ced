"""What `document:` rules say about the folder of templates: told at load, kept with the published version."""

from textwrap import dedent

import pytest
from pydantic import Field

from tests.pipeline.builders import FRAME
from workflows.pipeline.documents import Documents
from workflows.pipeline.frozen import FrozenPipeline, freeze, thaw
from workflows.pipeline.kinds import Kinds, Reference, RuleKind, RuleSettings
from workflows.pipeline.loader import Loaded, load
from workflows.pipeline.problems import as_text


class Document(RuleSettings):
    document: str = Field(min_length=1)


KINDS = Kinds([RuleKind(name="document", settings=Document, references={"document": Reference.DOCUMENT})])

FILES = {"invoice.typ": b"Invoice", "_part.typ": b"", "stamp.png": b"\x89PNG\x00"}

TEXT = f"""{FRAME}
    stages:
      new:
        rules:
          - document: RULE
      won:
        kind: success
        triggers: [{{payment: paid}}]
"""


def text_of(rule: str) -> str:
    return dedent(TEXT).lstrip("\n").replace("RULE", rule)


def loaded(rule: str, documents: Documents | None) -> Loaded:
    return load(text_of(rule), file="shop.yaml", kinds=KINDS, documents=documents)


def said(rule: str, documents: Documents) -> list[str]:
    """What is said about the rule, without the place, which the frame decides."""
    lines = as_text(loaded(rule, documents).errors).splitlines()
    return [line for line in lines if line.startswith(("error", "      = help", "      |"))]


def test_an_unknown_template_is_told_with_the_nearest_name() -> None:
    documents = Documents({**FILES, "packing-slip.typ": b""})
    assert as_text(loaded("invioce", documents).errors) == dedent(
        """\
        error[D321]: no template 'invioce'
          --> shop.yaml:11:19  stages.new.rules[0].document
           10 |     rules:
           11 |       - document: invioce
              |                   ^^^^^^^
              = help: Did you mean 'invoice'? Templates: invoice, packing-slip."""
    )


def test_a_file_without_a_folder_is_told_where_templates_belong() -> None:
    found = said("invoice", Documents())
    assert found[0] == "error[D321]: no template 'invoice'"
    assert found[-1] == "      = help: Put it as a .typ file into the folder 'documents' beside this file."


def test_a_template_with_a_mistake_is_told_in_typsts_words() -> None:
    broken = Documents(FILES, broken={"invoice": "expected expression (invoice.typ:1:8)"})
    found = said("invoice", broken)
    assert found[0] == "error[D322]: the template 'invoice' cannot be used: expected expression (invoice.typ:1:8)"
    assert found[-1] == "      = help: Correct it in the folder 'documents' beside this file."


def test_a_part_of_templates_is_no_template() -> None:
    assert said("_part", Documents(FILES))[0] == "error[D321]: no template '_part'"


def test_without_a_look_at_the_folder_nothing_is_said() -> None:
    assert loaded("invoice", None).errors == ()


def test_a_published_version_keeps_the_folder() -> None:
    """The worker that makes the document may not have the file."""
    pipeline = loaded("invoice", Documents(FILES)).pipeline
    assert pipeline is not None
    frozen = freeze(text_of("invoice"), pipeline, years=range(2026, 2028))
    stored = FrozenPipeline.model_validate_json(frozen.model_dump_json())
    assert thaw(stored, KINDS).documents == FILES


@pytest.mark.parametrize("documents", [None, Documents(FILES)])
def test_a_pipeline_that_makes_no_documents_keeps_no_folder(documents: Documents | None) -> None:
    text = text_of("x").replace("- document: x", "[]").replace("rules:\n        []", "rules: []")
    found = load(text, file="shop.yaml", kinds=KINDS, documents=documents)
    assert found.draft is not None
    assert found.draft.documents == {}
