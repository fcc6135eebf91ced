"""What commands do while Temporal is down: read, journal, and say so; nothing is lost."""

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
