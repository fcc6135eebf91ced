"""Documents in the lab: reserved, numbered, linked, without a file being made; the same story every time."""

import shutil
from pathlib import Path

from starter.lab.testing import given_order

ROOT = Path(__file__).resolve().parents[2]

PIPELINE = """pipeline: bills
title: Bills
languages: [en]
stages:
  new:
    rules:
      - id: bill
        document: invoice
      - after: bill
        sms: "{{ results.bill.number }} {{ results.bill.url }}"
  billed:
    kind: success
    triggers:
      - document: created
        from: [waiting]
  waiting: {}
"""


def test_a_rehearsed_document_has_a_number_and_a_link(tmp_path: Path) -> None:
    """Covers E13."""
    shutil.copytree(ROOT / "deploy" / "pipelines" / "documents", tmp_path / "documents")
    (tmp_path / "bills.yaml").write_text(PIPELINE, encoding="utf-8")
    order = given_order(
        tmp_path / "bills.yaml",
        customer={"first_name": "Ada", "phones": [{"number": "+48601234567"}]},
        start="2026-11-23T16:00",
    )
    order.expect_done("bill").expect_sms(text="/d/rehearsal-", within="1m")
