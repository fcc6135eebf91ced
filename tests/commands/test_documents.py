"""Templates of documents beside the pipeline file: checked with it, published with it."""

import shutil
from pathlib import Path

import pytest

from tests.commands.running import ROOT, Orders

PIPELINE = """pipeline: bills
title: Bills
stages:
  new:
    title: New
    rules:
      - document: invoice
  billed:
    title: Billed
    kind: success
    triggers:
      - document: created
"""


@pytest.fixture
def folder(orders: Orders) -> Path:
    """A folder with a pipeline file and the example's templates."""
    folder = orders.directory / "bills"
    folder.mkdir()
    (folder / "bills.yaml").write_text(PIPELINE, encoding="utf-8")
    shutil.copytree(ROOT / "deploy" / "pipelines" / "documents", folder / "documents")
    return folder


def test_a_template_that_is_missing_or_broken_is_told_with_its_place(orders: Orders, folder: Path) -> None:
    """Covers E13, M31."""
    file = folder / "bills.yaml"
    assert orders.must("pipeline", "check", "--strict", str(file)).out == ""
    (folder / "documents" / "invoice.typ").write_text("#let x = \n", encoding="utf-8")
    broken = orders("pipeline", "check", str(file))
    assert broken.code == 3
    assert "error[D322]: the template 'invoice' cannot be used: expected expression (invoice.typ:1:8)" in broken.out
    assert f"  --> {file}:7:19  stages.new.rules[0].document" in broken.out
    (folder / "documents" / "invoice.typ").unlink()
    missing = orders("pipeline", "check", str(file))
    assert missing.code == 3
    assert "error[D321]: no template 'invoice'" in missing.out
    assert "Templates: packing-slip, quote." in missing.out


def test_a_changed_template_is_a_new_version(orders: Orders, folder: Path) -> None:
    """Covers M24, M70."""
    orders.must("db", "upgrade")
    file = str(folder / "bills.yaml")
    assert orders.must("pipeline", "publish", file, "--json").json["version"] == 1
    assert orders.must("pipeline", "publish", file, "--json").json == {
        "pipeline": "bills",
        "version": 1,
        "is_new": False,
    }
    template = folder / "documents" / "invoice.typ"
    template.write_text(template.read_text(encoding="utf-8") + "\nMore.\n", encoding="utf-8")
    assert orders.must("pipeline", "publish", file, "--json").json["version"] == 2
