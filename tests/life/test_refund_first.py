"""An order whose refund is heard of before its payment moves as if both had come in their sequence. Covers T10."""

import pytest

from activities.store import visits
from tests.gateway.calling import Caller
from tests.life.pipelines import stages
from tests.life.test_every_trigger import NUMBER, accounts, gateway
from tests.sources import test_payments_and_parcels as parcels
from tests.sources.calls import send
from tests.sources.test_refunds_before_payments import payment, refund
from tests.support.house import House

__all__ = ["accounts", "gateway"]

PIPELINE = stages("""\
  new:
    title: New
  paid:
    triggers: [{payment: paid}]
  returned:
    triggers: [{payment: refunded}]
""")


@pytest.mark.parametrize(
    ("units", "path"),
    [(3_000, ["new", "paid", "returned"]), (10_000, ["new", "returned"])],
    ids=["a part", "all of it"],
)
async def test_a_refund_that_comes_first_moves_the_order_after_its_payment(
    shop: House, gateway: Caller, units: int, path: list[str]
) -> None:
    """Where all of it went back before the payment was heard of, nothing was ever paid (case 48)."""
    await shop.publish(PIPELINE)
    await shop.order(NUMBER)
    await shop.until_stage(NUMBER, "new")
    for told in (refund(units), payment(order=NUMBER, units=10_000)):
        assert (await send(gateway, parcels.stripe_call(told)))[0] == 204
    await shop.until_stage(NUMBER, "returned")
    async with shop.store.read() as tx:
        assert [visit.stage for visit in await visits.visits_of(tx, shop.key(NUMBER))] == path
