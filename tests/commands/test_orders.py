"""`orders order …` beside a running `orders up`: creating, events, reasons, operators' commands."""

import json

import pytest

from tests.commands.running import Orders, until


def _new(house: Orders, *arguments: str) -> str:
    number = house.must("order", "create", "--total", "49.00", *arguments).out.strip()
    house.settled(number, stage="new")
    return number


def _paid(house: Orders) -> tuple[str, dict[str, object]]:
    number = _new(house)
    told = house.must("order", "event", number, "payment.paid", "--id", f"pay-{number}", "--json").json
    return number, dict(told)


def _rule(house: Orders, number: str, rule: str) -> dict[str, object]:
    visits = house.must("order", "why", number, "--rule", rule, "--json").json["visits"]
    return dict(visits[-1]["rules"][0])


def test_an_order_is_created_and_its_automation_starts(house: Orders) -> None:
    """Covers M01."""
    made = house.must(
        *("order", "create", "--number", "C-1", "--total", "49.00", "--currency", "PLN"),
        *("--first-name", "Ada", "--email", "ada@mail.example", "--language", "pl"),
    )
    assert made.out == "C-1\n"
    house.settled("C-1", stage="new")
    shown = house.must("order", "show", "C-1").out
    assert "49.00 PLN" in shown
    assert "thanks" in shown
    assert "C-1" in [order["number"] for order in house.must("order", "list", "--json").json["items"]]


def test_an_order_is_read_from_standard_input(house: Orders) -> None:
    order = {"number": "C-2", "items": [{"name": "Lamp", "quantity": 2, "price": "10.50"}]}
    record = house.must("order", "create", "-", "--json", stdin=json.dumps(order)).json
    assert record["total"] == "21.00"
    assert record["created_at"].endswith("Z")


@pytest.mark.parametrize(
    ("order", "words"),
    [
        pytest.param("nonsense", "is not JSON", id="no JSON"),
        pytest.param("[]", "is not a JSON object", id="a list"),
        pytest.param('{"totl": "1"}', "unknown field 'totl'; did you mean 'total'?", id="unknown field"),
        pytest.param('{"currency": "XXY"}', "'XXY' is not a currency", id="unknown currency"),
        pytest.param('{"customer": {"phones": [{"number": "hello"}]}}', "is not a phone number", id="not a phone"),
        pytest.param('{"stage": "gone"}', "Pipeline 'shop' has no stage 'gone'", id="unknown stage"),
    ],
)
def test_an_order_that_cannot_be_read_is_refused(house: Orders, order: str, words: str) -> None:
    ended = house("order", "create", "-", stdin=order)
    assert ended.code == 2
    assert words in ended.err
    assert ended.out == ""


def test_an_order_of_an_unknown_pipeline_is_refused(house: Orders) -> None:
    ended = house("order", "create", "--pipeline", "none", "--total", "1")
    assert ended.code == 1
    assert "There is no pipeline 'none'" in ended.err
    assert "orders pipeline publish FILE" in ended.err


def test_a_number_that_is_taken_is_refused(house: Orders, order: str) -> None:
    ended = house("order", "create", "--number", order, "--total", "1")
    assert ended.code == 1
    assert "help: leave --number out" in ended.err


def test_an_event_moves_the_order_and_counts_once(house: Orders) -> None:
    """Covers M50, M51."""
    number, first = _paid(house)
    assert first["orders"] == [number]
    while not first["delivered"]:  # a command waits for 5 s; then a relay delivers, and here another order is tried
        number, first = _paid(house)
    house.settled(number, stage="paid")
    again = house.must("order", "event", number, "payment.paid", "--id", f"pay-{number}")
    assert f"payment.paid had been taken before for {number}" in again.out


def test_an_event_of_a_customer_reaches_their_open_orders(house: Orders) -> None:
    """Covers M56."""
    number = _new(house, "--phone", "+48512000111")
    told = house.must("order", "event", "-", "call.missed", "--customer", "+48512000111", "--json").json
    assert told["orders"] == [number]
    nobody = house.must("order", "event", "-", "call.missed", "--customer", "+48512000999", "--json").json
    assert nobody["unmatched"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        pytest.param(("payment.payed",), 2, "did you mean 'payment.paid'?", id="unknown type"),
        pytest.param(("payment.paid", "--data", "{"), 2, "--data is not JSON", id="no JSON"),
        pytest.param(("payment.paid", "--set", "amount"), 2, "'amount' is not NAME=VALUE", id="no value"),
        pytest.param(("payment.received", "--set", "amount=much"), 1, "amount", id="not an amount"),
        pytest.param(("responsible.changed", "--set", "employee=nobody"), 1, "nobody", id="unknown employee"),
    ],
)
def test_an_event_that_cannot_be_is_refused(
    house: Orders, order: str, arguments: tuple[str, ...], code: int, words: str
) -> None:
    ended = house("order", "event", order, *arguments)
    assert ended.code == code
    assert words in ended.err


def test_an_unknown_order_is_named(house: Orders) -> None:
    for arguments in (("show", "X-1"), ("why", "X-1"), ("event", "X-1", "payment.paid"), ("move", "X-1", "paid")):
        ended = house("order", *arguments)
        assert ended.code == 1
        assert "There is no order" in ended.err
        assert "X-1" in ended.err
        assert "help: `orders order list` shows the orders" in ended.err


def test_why_answers_for_every_rule_and_event_with_the_values_compared(house: Orders) -> None:
    """Covers M52, M64."""
    number = _new(house)
    house.must("order", "event", number, "payment.paid", "--id", f"why-{number}")
    house.settled(number, stage="paid")
    until(lambda: _rule(house, number, "tell-erp")["status"] == "skipped", what="the rule tell-erp")
    until(lambda: _rule(house, number, "bill")["status"] == "done", what="the rule bill")
    answer = house.must("order", "why", number, "--json").json
    rules = {rule["rule"]: rule for visit in answer["visits"] for rule in visit["rules"]}
    assert rules["remind"]["reason"] == "stage_left"
    assert rules["tell-erp"]["reason"] == "condition_false"
    assert rules["tell-erp"]["compared"] == [["order.tags", ""]]
    assert all(rule["words"] for rule in rules.values())
    events = {event["type"]: event for event in answer["events"]}
    assert events["payment.paid"]["reason"] == "moved"
    text = house.must("order", "why", number).out
    assert "tell-erp" in text
    assert "order.tags =" in text
    assert "results.file = invoice-" in text
    assert "trigger payment.paid -> paid: moved" in text


def test_an_operator_moves_holds_and_resumes_an_order(house: Orders) -> None:
    """Covers M06."""
    number = _new(house)
    assert house.must("order", "move", number, "paid", "--by", "olga", "--json").json["state"]["stage"] == "paid"
    assert house.must("order", "hold", number, "--json").json["state"]["held"]
    assert "held" in house.must("order", "show", number).out
    assert not house.must("order", "resume", number, "--deadlines", "shift", "--json").json["state"]["held"]


def test_an_operator_acts_on_one_rule(house: Orders) -> None:
    """Covers M06."""
    number = _new(house, "--first-name", "Ada", "--email", "ada2@mail.example")
    until(lambda: _rule(house, number, "thanks")["status"] == "done", what="the rule thanks")
    house.must("order", "hold", number)
    house.must("order", "resume", number)
    ended = house("order", "run-now", number, "remind", "--by", "olga")
    assert ended.code == 0, ended.err
    until(lambda: _rule(house, number, "remind")["status"] == "done", what="the rule remind")
    assert house("order", "skip", number, "give-up", "--yes").code == 0
    until(lambda: _rule(house, number, "give-up")["status"] == "skipped", what="the rule give-up")
    assert house("order", "stop-waiting", number, "--yes").code == 0


def test_a_command_that_cannot_be_is_refused_with_its_reason(house: Orders, order: str) -> None:
    unknown = house("order", "move", order, "gone")
    assert unknown.code == 1
    assert "gone" in unknown.err
    assert house("order", "run-now", order, "no-such-rule").code == 1


def test_what_cannot_be_undone_needs_yes_where_nobody_can_be_asked(house: Orders, order: str) -> None:
    for arguments in (("skip", order, "remind"), ("stop-waiting", order)):
        ended = house("order", *arguments)
        assert ended.code == 2
        assert "help: add --yes" in ended.err


def test_list_narrows_and_pages(house: Orders) -> None:
    for _ in range(2):
        _new(house)
    page = house.must("order", "list", "--stage", "new", "--most", "1", "--json").json
    assert len(page["items"]) == 1
    following = house.must("order", "list", "--stage", "new", "--most", "1", "--cursor", page["next_cursor"], "--json")
    assert following.json["items"][0]["number"] != page["items"][0]["number"]
    assert house.must("order", "list", "--kind", "failure", "--find", "none-such").out.split() == [
        *("NUMBER", "STAGE", "SINCE", "TOTAL", "FACTS", "NOTE")
    ]


def test_a_cursor_of_another_list_is_refused(house: Orders) -> None:
    ended = house("order", "list", "--cursor", "%%%")
    assert ended.code == 2
    assert "cursor" in ended.err
