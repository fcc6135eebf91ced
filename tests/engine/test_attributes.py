"""What is upserted of an order's search attributes: what changed, and nothing that its start has said."""

from temporalio.common import SearchAttributePair, TypedSearchAttributes

from workflows import attributes
from workflows.contracts.state import OrderState

STATE = OrderState(shop="shop", number="1", stage="new", pipeline="shop@1", total=100.0)
NAMED = TypedSearchAttributes(
    [SearchAttributePair(attributes.NUMBER, "1"), SearchAttributePair(attributes.SHOP, "shop")]
)
CARRIED = TypedSearchAttributes([*NAMED, SearchAttributePair(attributes.STAGE, "new")])


def upserted(found: TypedSearchAttributes, state: OrderState = STATE) -> set[str]:
    """Return the names that the first upsert of a workflow with these attributes tells."""
    values = attributes.values(state, next_at=None)
    return {update.key.name for update in attributes.updates(attributes.at_start(found), values)}


def test_an_order_whose_start_named_it_is_not_named_again() -> None:
    assert upserted(NAMED) == {"OrderStage", "OrderStageKind", "OrderPipeline", "OrderTotal", "OrderPaid"}


def test_an_order_that_was_started_by_hand_is_named_by_its_first_upsert() -> None:
    assert {"OrderNumber", "OrderShop"} <= upserted(TypedSearchAttributes.empty)


def test_an_order_of_another_name_than_its_start_said_is_named_anew() -> None:
    assert "OrderNumber" in upserted(NAMED, STATE.model_copy(update={"number": "2"}))


def test_a_run_that_continues_another_upserts_again() -> None:
    """Its history has an upsert, which a replay must find: only the names are left out."""
    assert upserted(CARRIED) == upserted(NAMED)


def test_even_an_unknown_order_upserts_something() -> None:
    assert upserted(NAMED, OrderState(shop="shop", number="1")) == {"OrderTotal", "OrderPaid"}


def test_what_stays_is_not_upserted_and_what_goes_is_unset() -> None:
    before = attributes.values(STATE.model_copy(update={"attention": "look"}), next_at=None)
    (only,) = attributes.updates(before, attributes.values(STATE, next_at=None))
    assert only.key is attributes.ATTENTION
    assert only.value is None
