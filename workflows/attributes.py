"""The search attributes of an order's workflow: their names, types and values. Ids and figures only."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from temporalio.common import SearchAttributeKey, SearchAttributeUpdate, TypedSearchAttributes

from workflows.contracts.state import OrderState

NUMBER = SearchAttributeKey.for_keyword("OrderNumber")
STAGE = SearchAttributeKey.for_keyword("OrderStage")
STAGE_KIND = SearchAttributeKey.for_keyword("OrderStageKind")
SHOP = SearchAttributeKey.for_keyword("OrderShop")
PIPELINE = SearchAttributeKey.for_keyword("OrderPipeline")
ATTENTION = SearchAttributeKey.for_keyword("OrderAttention")
RESPONSIBLE = SearchAttributeKey.for_keyword("OrderResponsible")
TOTAL = SearchAttributeKey.for_float("OrderTotal")
PAID = SearchAttributeKey.for_bool("OrderPaid")
NEXT_AT = SearchAttributeKey.for_datetime("OrderNextAt")
TAGS = SearchAttributeKey.for_keyword_list("OrderTags")

KEYS: tuple[SearchAttributeKey[Any], ...] = (
    NUMBER,
    STAGE,
    STAGE_KIND,
    SHOP,
    PIPELINE,
    ATTENTION,
    RESPONSIBLE,
    TOTAL,
    PAID,
    NEXT_AT,
    TAGS,
)


#: What never changes of an order; whoever starts its workflow says it at once.
_FIXED = (NUMBER, SHOP)


def at_start(found: TypedSearchAttributes) -> dict[SearchAttributeKey[Any], Any]:
    """Return the fixed values that the workflow was started with: they need no upsert.

    The others do, even where a run continues another: a history that upserts must always find its upsert.
    """
    given = {key: found.get(key) for key in _FIXED}
    return {key: value for key, value in given.items() if value is not None}


def values(state: OrderState, *, next_at: datetime | None) -> dict[SearchAttributeKey[Any], Any]:
    """Return the value of each attribute; None where it is to be unset."""
    return {
        NUMBER: state.number,
        SHOP: state.shop,
        STAGE: state.stage or None,
        STAGE_KIND: state.stage_kind.value if state.stage else None,
        PIPELINE: state.pipeline or None,
        ATTENTION: state.attention or None,
        RESPONSIBLE: state.responsible or None,
        TOTAL: float(state.total),
        PAID: state.paid,
        NEXT_AT: next_at,
        TAGS: state.tags or None,
    }


def updates(
    old: Mapping[SearchAttributeKey[Any], Any], new: Mapping[SearchAttributeKey[Any], Any]
) -> list[SearchAttributeUpdate[Any]]:
    """Return what must be upserted to come from the old values to the new ones; nothing where nothing changed."""
    return [
        key.value_unset() if value is None else key.value_set(value)
        for key, value in new.items()
        if old.get(key) != value
    ]
