"""Documents and their numbers; links of messages."""

import asyncio
from uuid import UUID, uuid5

import pytest

from activities.store import documents, ledger, links
from activities.store.database import NotFound, Store
from activities.store.documents import NewDocument
from tests.store.builders import KEY, NOW, claim_of, later, planned, put_order
from workflows.contracts.ids import OrderKey, run_id

NAMESPACE = UUID(int=13)
SEND = run_id(KEY, 1, "sms")


def new_document(seed: str = "a", **more: object) -> NewDocument:
    values: dict[str, object] = {
        "id": uuid5(NAMESPACE, seed),
        "key": KEY,
        "template": "invoice",
        "number": "2026-0001",
        "name": "invoice-2026-0001.pdf",
        "language": "pl",
        "rule": "bill",
    }
    return NewDocument(**(values | more))  # type: ignore[arg-type]


async def test_a_document_is_reserved_once_and_filled_once(store: Store) -> None:
    """Covers E13: a repeated run meets the same number, token and file."""
    await put_order(store)
    async with store.write() as tx:
        reserved = await documents.put(tx, new_document(), now=NOW)
        again = await documents.put(tx, new_document(number="2026-0002"), now=later(hours=1))
        assert again == reserved
        assert await documents.by_token(tx, token=reserved.token) is None
        assert await documents.newest(tx, KEY, name="invoice") is None
        await documents.fill(tx, id=reserved.id, content=b"%PDF-1")
        await documents.fill(tx, id=reserved.id, content=b"%PDF-2")
        opened = await documents.by_token(tx, token=reserved.token)
    assert opened is not None
    assert (opened.key, opened.number, opened.content, opened.viewed_at) == (KEY, "2026-0001", b"%PDF-1", None)
    assert len(opened.token) >= 32


async def test_the_newest_document_is_found_by_template_or_rule(store: Store) -> None:
    await put_order(store)
    async with store.write() as tx:
        await documents.put(tx, new_document("a", content=b"a"), now=NOW)
        await documents.put(tx, new_document("b", content=b"b", rule="bill-again"), now=later(hours=1))
        await documents.put(tx, new_document("c", content=b"c", template="quote", rule="offer"), now=later(hours=2))
        names = ("invoice", "bill", "bill-again", "quote", "other")
        newest = {name: await documents.newest(tx, KEY, name=name) for name in names}
        listed = [(one.template, one.content) for one in await documents.of_order(tx, KEY)]
    found = {name: document.content if document is not None else None for name, document in newest.items()}
    assert found == {"invoice": b"b", "bill": b"a", "bill-again": b"b", "quote": b"c", "other": None}
    assert listed == [("invoice", b""), ("invoice", b""), ("quote", b"")]


async def test_numbers_count_by_shop_template_and_year(store: Store) -> None:
    async def given(**of: object) -> str:
        values: dict[str, object] = {"shop": "shop", "template": "invoice", "year": 2026, **of}
        async with store.write() as tx:
            return await documents.next_number(tx, **values)  # type: ignore[arg-type]

    assert [await given(), await given()] == ["2026-0001", "2026-0002"]
    assert [await given(template="quote"), await given(year=2027), await given(shop="b")] == [
        "2026-0001",
        "2027-0001",
        "2026-0001",
    ]
    assert sorted(await asyncio.gather(*[given() for _ in range(5)])) == [f"2026-000{n}" for n in range(3, 8)]


async def test_a_document_is_viewed_for_the_first_time_once(store: Store) -> None:
    await put_order(store)
    async with store.write() as tx:
        document = await documents.put(tx, new_document(content=b"x"), now=NOW)
        assert await documents.viewed(tx, id=document.id, now=later(hours=1))
        assert not await documents.viewed(tx, id=document.id, now=later(hours=2))
        assert (await documents.get(tx, id=document.id)).viewed_at == later(hours=1)
        with pytest.raises(NotFound):
            await documents.get(tx, id=uuid5(NAMESPACE, "none"))


async def test_a_link_has_one_token_per_send_and_address(store: Store) -> None:
    """Covers T05: a repeated attempt writes the same mail."""
    await put_order(store)
    first, second = uuid5(NAMESPACE, "one"), uuid5(NAMESPACE, "two")
    async with store.write() as tx:
        tokens = [
            await links.put(tx, key=KEY, send_id=send, rule="pay", url=url, now=NOW)
            for send, url in ((first, "https://a"), (first, "https://a"), (first, links.PIXEL), (second, "https://a"))
        ]
    assert tokens[0] == tokens[1]
    assert len(set(tokens)) == 3
    async with store.write() as tx:
        assert await links.open(tx, token="none", now=NOW) is None
        opened = await links.open(tx, token=tokens[0], now=later(hours=1))
        pixel = await links.find(tx, token=tokens[2])
        again = await links.open(tx, token=tokens[0], now=later(hours=2))
    assert opened is not None
    assert again is not None
    assert pixel is not None
    assert (opened.key, opened.url, opened.clicked_at, again.clicked_at) == (
        OrderKey(shop="shop", number="1001"),
        "https://a",
        later(hours=1),
        later(hours=1),
    )
    assert pixel.is_pixel
    assert pixel.clicked_at is None
    assert opened.arrived_at == NOW


async def test_a_link_knows_when_its_message_left(store: Store) -> None:
    """Covers case 44: what opens it within two seconds is a scanner."""
    await put_order(store, runs=(planned(),))
    async with store.write() as tx:
        token = await links.put(tx, key=KEY, send_id=SEND, rule="sms", url="https://a", now=NOW)
        await ledger.claim(tx, claim=claim_of())
        await ledger.accepted(tx, send_id=SEND, provider_id="p", now=later(seconds=30))
        found = await links.find(tx, token=token)
    assert found is not None
    assert (found.created_at, found.arrived_at) == (NOW, later(seconds=30))


async def test_what_was_erased_is_not_made_again(store: Store) -> None:
    """Covers case 58: a document under way while its order is erased stays empty."""
    await put_order(store)
    async with store.write() as tx:
        erased = await documents.put(tx, new_document("e", name=""), now=NOW)
        await documents.fill(tx, id=erased.id, content=b"%PDF-1")
        assert (await documents.get(tx, id=erased.id)).content == b""
