"""What commands do while Temporal is down: read, journal, and say so; nothing is lost."""

import sqlite3

from tests.commands.running import Orders


def test_an_order_and_an_event_are_journalled_for_later(stored: Orders) -> None:
    """Covers M51."""
    made = stored("order", "create", "--number", "1001", "--total", "49.00")
    assert made.code == 0
    assert made.out == "1001\n"
    assert "warning: Temporal does not take the event now. It is journalled" in made.err
    told = stored("order", "event", "1001", "payment.paid", "--id", "pay-1", "--json")
    assert told.code == 0
    assert told.json["delivered"] is False
    record = stored.must("order", "show", "1001", "--json").json
    assert record["paid"] is True
    assert record["stage"] == ""


def test_the_same_order_again_is_the_same_order_and_another_one_is_refused(stored: Orders) -> None:
    order = ("order", "create", "--number", "1001", "--total", "49.00")
    first = stored.must(*order, "--json")
    again = stored.must(*order, "--json")
    other = stored("order", "create", "--number", "1001", "--total", "50.00")
    assert again.json == first.json
    assert "Order 1001 had been created before, with the same content" in stored.must(*order).err
    assert other.code == 1
    assert "Order 1001 exists with other content" in other.err
    assert "help: leave --number out" in other.err


def test_an_event_is_refused_as_over_http(stored: Orders) -> None:
    for number in ("1001", "1002"):
        stored.must("order", "create", "--number", number, "--total", "49.00")
    stored.must("order", "event", "1001", "payment.paid", "--id", "e-1")
    other_order = stored("order", "event", "1002", "payment.paid", "--id", "e-1")
    other_type = stored("order", "event", "1001", "chat.message", "--id", "e-1")
    own_source = stored("order", "event", "1001", "payment.paid", "--source", "operator")
    assert (other_order.code, other_type.code, own_source.code) == (1, 1, 2)
    assert "was used for order 1001; give each event an id of its own" in other_order.err
    assert "was used for an event payment.paid; give each event an id of its own" in other_type.err
    assert "source: 'operator' is the name of a part of this product" in own_source.err


def test_an_event_that_was_given_up_is_listed_and_replayed(stored: Orders) -> None:
    stored.must("order", "create", "--number", "1001", "--total", "49.00")
    with sqlite3.connect(stored.directory / "orders.db") as connection:
        connection.execute("UPDATE deliveries SET state = 'dead', attempts = 10, error = 'no such queue'")
    [dead] = stored.must("events", "dead", "--json").json["items"]
    assert (dead["number"], dead["type"], dead["error"]) == ("1001", "order.created", "no such queue")
    assert "no such queue" in stored.must("events", "dead").out

    replayed = stored.must("events", "replay", str(dead["id"]))

    assert replayed.out == "order.created is to be delivered to 1001 (event shop:1001:created)\n"
    assert "warning: Temporal does not take the event now" in replayed.err
    assert stored.must("events", "dead", "--json").json["items"] == []
    again = stored("events", "replay", str(dead["id"]))
    assert again.code == 1
    assert f"There is no dead delivery '{dead['id']}'" in again.err
    assert "help: `orders events dead` lists them" in again.err


def test_why_says_that_nothing_has_taken_the_event_up(stored: Orders) -> None:
    stored("order", "create", "--number", "1001", "--total", "49.00")
    answer = stored.must("order", "why", "1001")
    assert "order.created  not decided yet" in answer.out
    assert "Is a worker running?" in answer.out


def test_a_command_needs_temporal(stored: Orders) -> None:
    stored("order", "create", "--number", "1001", "--total", "49.00")
    for arguments in (("move", "1001", "paid"), ("hold", "1001"), ("skip", "1001", "remind", "--yes")):
        ended = stored("order", *arguments)
        assert ended.code == 4
        assert "error: No Temporal server answers at 127.0.0.1:9" in ended.err
        assert "help: start everything with `orders up`" in ended.err


def test_doctor_says_what_is_reached_and_what_is_not(stored: Orders) -> None:
    ended = stored("doctor", "--json")
    assert ended.code == 4
    found = {one["what"]: one for one in ended.json}
    assert found["store"]["is_good"]
    assert found["pipelines"]["words"] == "shop@1"
    assert not found["Temporal"]["is_good"]
    assert "TEMPORAL_ADDRESS" in found["Temporal"]["help"]
    assert "error: Not in order: Temporal" in ended.err


def test_doctor_of_nothing_at_all_says_how_to_begin(orders: Orders) -> None:
    ended = orders("doctor")
    assert ended.code == 4
    assert "✗ store" in ended.out
    assert "orders db upgrade" in ended.out


def test_a_worker_without_temporal_ends_with_exit_code_4(stored: Orders) -> None:
    assert stored("worker").code == 4


def test_a_worker_of_an_unknown_queue_is_wrong_usage(house: Orders) -> None:
    ended = house("worker", "--queue", "orders-fax")
    assert ended.code == 2
    assert "orders-fax" in ended.err


def test_replay_of_a_server_that_is_down_ends_with_exit_code_4(stored: Orders) -> None:
    assert stored("replay", "--query", "OrderStage = 'new'").code == 4
