"""Places orders: the record and the event of its creation in one transaction; the same request again, the same order.

What a request held is kept with the event as a fingerprint, by which its repetition is known, whatever way it comes.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from activities.runtime import faults
from activities.runtime.faults import Step
from activities.shelf import Shelf
from activities.store import journal, orders
from activities.store.database import Conflict, NotFound, Store, Tx
from activities.store.journal import Arrival, Delivery
from activities.store.records import NewOrder, OrderRecord
from workflows.contracts.ids import OrderKey

#: Under this source the parts of the product journal what happens to an order's record.
SOURCE = "orders"


class NoSuchStage(ValueError):
    """The order names a stage that its pipeline does not have: it could never move. `stages` are those there are."""

    def __init__(self, new: NewOrder, *, stages: tuple[str, ...]) -> None:
        super().__init__(f"pipeline '{new.pipeline}' has no stage '{new.stage}'")
        self.stages = stages


@dataclass(frozen=True)
class Placement:
    """An order to place. `raw` is what the request held; `grace` leaves the event so long to the caller's own relay."""

    new: NewOrder
    raw: bytes
    at: datetime
    grace: timedelta = timedelta(0)


@dataclass(frozen=True)
class Placed:
    """The order as it is now. `deliveries` are those this call made; a repetition makes none."""

    record: OrderRecord
    is_new: bool
    deliveries: tuple[Delivery, ...] = ()


async def place(store: Store, placement: Placement, *, shelf: Shelf) -> Placed:
    """Create an order and journal its creation, or find it where the same request has created it before.

    Raise NotFound for a pipeline, customer or employee that does not exist, NoSuchStage, and Conflict where another
    order has the number or the token.
    """
    try:
        async with store.write() as tx:
            await _check_stage(tx, shelf, new=placement.new)
            record = await orders.create(tx, placement.new, now=placement.at)
            journalled = await journal.append(
                tx, _creation(record, placement=placement), now=placement.at, are_known=True
            )
    except Conflict:
        return Placed(await _placed_before(store, new=placement.new), is_new=False)
    faults.reach(Step.JOURNALLED)
    return Placed(record, is_new=True, deliveries=journalled.deliveries)


def created_id(key: OrderKey) -> str:
    """Return the id of the event that an order's creation is."""
    return f"{key}:created"


async def _check_stage(tx: Tx, shelf: Shelf, *, new: NewOrder) -> None:
    pipeline, _ = await shelf.latest(tx, name=new.pipeline)
    if new.stage and new.stage not in pipeline.stages:
        raise NoSuchStage(new, stages=tuple(pipeline.stages))


def _creation(record: OrderRecord, *, placement: Placement) -> Arrival:
    new = placement.new
    return Arrival(
        source=SOURCE,
        id=created_id(record.key),
        type="order.created",
        at=placement.at,
        data={"request": _digest(new)} | ({"stage": new.stage} if new.stage else {}),
        raw=placement.raw,
        orders=(record.key,),
        grace=placement.grace,
    )


async def _placed_before(store: Store, *, new: NewOrder) -> OrderRecord:
    """Return the order a repeated request made before; raise Conflict if it was another one's number or token."""
    async with store.read() as tx:
        key = OrderKey(shop=new.shop, number=new.number or "")
        record = await _found(tx, key)
        before = record and await journal.event_for(tx, key, source=SOURCE, id=created_id(key))
    if record is None:
        raise Conflict(f"The token '{new.token}' belongs to another order; give this one another token or none.")
    if not before or before.data.get("request") != _digest(new):
        raise Conflict(f"Order {new.number} exists with other content; change it with PATCH /v1/orders/{new.number}.")
    return record


async def _found(tx: Tx, key: OrderKey) -> OrderRecord | None:
    try:
        return await orders.get(tx, key)
    except NotFound:
        return None


def _digest(new: NewOrder) -> str:
    """Return the fingerprint of a request's content.

    The order of keys does not count, nor do defaults: a later version may have more of them.
    """
    text = json.dumps(new.model_dump(mode="json", exclude_defaults=True), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
