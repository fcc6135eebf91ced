"""A small published pipeline: stages and a trigger, no rules."""

from functools import cache

from workflows.pipeline.frozen import freeze
from workflows.pipeline.kinds import Kinds
from workflows.pipeline.loader import load

SHOP = """\
pipeline: shop
title: Shop
timezone: UTC
languages: [en]
fields:
  gift_wrap: bool
stages:
  new:
    title: New
  paid:
    title: Paid
    triggers:
      - payment: paid
  completed:
    title: Completed
    kind: success
"""


def kinds() -> Kinds:
    """No rule kinds: the pipeline has no rules."""
    return Kinds([])


@cache
def frozen() -> str:
    """The pipeline as it is published."""
    loaded = load(SHOP, file="shop.yaml", kinds=kinds())
    assert loaded.pipeline is not None, loaded.problems
    return freeze(SHOP, loaded.pipeline, years=range(2026, 2028)).model_dump_json()
