"""Erasing a customer over HTTP; the feed and the lists."""

from uuid import uuid4

from activities.store import lists, posts
from activities.store.database import Store
from activities.store.posts import NewPost
from starter.gateway.parts import Parts
from tests.gateway.calling import Caller, event
from tests.gateway.conftest import Serve
from tests.gateway.test_http_desk import KEY, NOW
from tests.gateway.test_http_people import ANNA


async def test_an_erased_customer_is_gone_with_their_orders(caller: Caller) -> None:
    await caller.created("1001", customer=ANNA, note="Ring at Nowak")
    answer = await caller.call("DELETE", "/v1/customers/c-1")
    assert (answer.status, answer.body) == (200, {"orders": ["1001"]})
    assert (await caller.get("/v1/customers/c-1")).status == 404
    order = (await caller.get("/v1/orders/1001")).body
    assert (order["is_deleted"], order["customer_id"], order["note"]) == (True, None, "")
    assert (await caller.get("/v1/orders")).body["items"] == []
    assert (await caller.post("/v1/orders/1001/events", event())).status == 404
    for page in ("why", "timeline", "tasks", "notices"):
        answer = await caller.get(f"/v1/orders/1001/{page}")
        assert answer.status == 200, page
        assert "Nowak" not in str(answer.body)


async def test_a_customer_who_is_not_there_cannot_be_erased(caller: Caller) -> None:
    assert (await caller.call("DELETE", "/v1/customers/nobody")).status == 404


async def test_erasing_needs_a_key_that_may_write_customers(serve: Serve, parts: Parts, caller: Caller) -> None:
    await caller.post("/v1/customers", ANNA)
    reader: Caller = await serve(parts, scopes=("customers:read",))
    assert (await reader.call("DELETE", "/v1/customers/c-1")).status == 403
    writer: Caller = await serve(parts, scopes=("customers:write",))
    assert (await writer.call("DELETE", "/v1/customers/c-1")).status == 200


async def test_the_feed_is_read_by_employee(caller: Caller, store: Store) -> None:
    """Covers E04."""
    await caller.created("1001")
    async with store.write() as tx:
        await posts.add(tx, KEY, post=NewPost(ref="p", title="Hooray", text="Sold", readers=("olga",)), now=NOW)
    assert [one["title"] for one in (await caller.get("/v1/feed?employee=olga")).body["items"]] == ["Hooray"]
    assert (await caller.get("/v1/feed?employee=marek")).body["items"] == []
    assert (await caller.get("/v1/feed")).pointers == ["query/employee"]


async def test_a_list_is_read_by_its_name(caller: Caller, store: Store) -> None:
    """Covers E14."""
    await caller.created("1001")
    async with store.write() as tx:
        await lists.add(tx, KEY, id=uuid4(), to="to-reorder", fields={"sku": "MUG"}, now=NOW)
    [item] = (await caller.get("/v1/lists/to-reorder")).body["items"]
    assert (item["fields"], item["number"]) == ({"sku": "MUG"}, "1001")
    assert (await caller.get("/v1/lists/other")).body["items"] == []
    assert (await caller.get("/v1/lists/to-reorder?cursor=x")).pointers == ["query/cursor"]


async def test_an_employee_chooses_how_notices_come(caller: Caller) -> None:
    """Covers E12."""
    olga = {"id": "olga", "notify": "chat", "chat": "https://chat.example/hook"}
    answer = await caller.put("/v1/employees/olga", olga)
    assert (answer.body["notify"], answer.body["chat"]) == ("chat", "https://chat.example/hook")
    assert (await caller.put("/v1/employees/olga", olga | {"notify": "pigeon"})).pointers == ["#/notify"]
    assert (await caller.put("/v1/employees/olga", olga | {"chat": "http://chat.example"})).pointers == ["#/chat"]
