"""What conditions and texts may see of an order comes with the latest version of its pipeline."""

from decimal import Decimal

from activities.store import pipelines, views
from activities.store.database import Store
from tests.store.builders import KEY, NOW, put_order


async def publish(store: Store, *, text: str, kind: str) -> int:
    """Publish a pipeline with a field of its own."""
    async with store.write() as tx:
        return await pipelines.publish(
            tx,
            name="shop",
            text=text,
            frozen_json="{}",
            reopens=[],
            fields={"weight": kind},
            author="test",
            now=NOW,
        )


async def test_before_a_pipeline_is_published_there_is_a_view_and_no_version(store: Store) -> None:
    await put_order(store)
    async with store.read() as tx:
        seen = await views.seen(tx, KEY, results={})
    assert (seen.view.order.number, seen.latest) == (KEY.number, None)


async def test_fields_are_seen_as_the_latest_version_declares_them(store: Store) -> None:
    """Covers M30."""
    first = await publish(store, text="one", kind="text")
    await put_order(store, fields={"weight": "1.50"})
    second = await publish(store, text="two", kind="number")
    async with store.read() as tx:
        seen = await views.seen(tx, KEY, results={"make-code": {"value": "7"}})
    assert (first, seen.latest) == (1, second)
    assert seen.view.order.fields == {"weight": Decimal("1.50")}
    assert seen.view.results == {"make_code": {"value": "7"}}
