"""`orders messages`: what may have left and nobody can tell is listed, sent again, laid aside; `doctor` counts it."""

import asyncio
from uuid import UUID, uuid4

import pytest

from activities.store.database import Store
from tests.commands.running import Orders
from tests.store.test_courier import Clock, Post
from tests.store.test_held import lost_notice


@pytest.fixture
def held(stored: Orders) -> UUID:
    """The id of a notice to Olga whose outcome nobody can tell."""

    async def lose() -> UUID:
        store = await Store.open(stored.environment["ORDERS_STORE_URL"])
        try:
            return await lost_notice(store, Clock(), Post())
        finally:
            await store.close()

    return asyncio.run(lose())


def test_a_held_notice_is_listed_and_sent_again(stored: Orders, held: UUID) -> None:
    """Covers M61."""
    listed = stored.must("messages", "held")
    assert str(held) in listed.out
    assert "orders messages repeat ID" in listed.err
    [record] = stored.must("messages", "held", "--json").json["items"]
    assert (record["id"], record["way"], record["to"]) == (str(held), "email", "olga")
    for _ in range(2):  # said again, it changes nothing
        repeated = stored.must("messages", "repeat", str(held), "--by", "ann")
        assert repeated.out == "The notice to olga is sent again (planned)\n"
    assert stored.must("messages", "held", "--json").json == {"items": [], "next_cursor": None}


def test_a_held_notice_is_laid_aside_in_somebodys_name(stored: Orders, held: UUID) -> None:
    answer = stored.must("messages", "dismiss", str(held), "--by", "ann", "--json").json
    assert (answer["state"], answer["words"]) == ("skipped", "laid aside by ann")
    ended = stored("messages", "repeat", str(held))
    assert (ended.code, "The notice is not held: it is skipped" in ended.err) == (1, True)


def test_doctor_counts_what_is_held(stored: Orders, held: UUID) -> None:
    findings = {found["what"]: found for found in stored("doctor", "--json").json}
    found = findings["held messages"]
    assert (found["is_good"], found["is_warning"]) == (True, True)
    assert found["words"] == "1 may have left, and nobody can tell (of rules 0, notices 1, answers 0)"
    assert "orders messages held" in found["help"]


def test_an_unknown_id_and_a_foreign_cursor_are_refused(stored: Orders) -> None:
    ended = stored("messages", "repeat", str(uuid4()))
    assert (ended.code, "`orders messages held` lists them" in ended.err) == (1, True)
    assert stored("messages", "repeat", "7").code == 2
    assert stored("messages", "held", "--cursor", "zzz").code == 2
