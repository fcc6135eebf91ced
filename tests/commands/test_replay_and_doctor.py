"""`orders replay` and `orders doctor` beside a running `orders up`."""

import json

import pytest

from tests.commands.running import Orders

_FAX = """{"events": [{
  "eventId": "1", "eventType": "EVENT_TYPE_WORKFLOW_EXECUTION_STARTED",
  "workflowExecutionStartedEventAttributes": {"workflowType": {"name": "Fax"}}
}]}"""


def test_histories_of_the_server_replay_against_this_code(house: Orders, order: str) -> None:
    folder = house.directory / "histories"
    query = f"OrderNumber = '{order}'"
    ended = house.must("replay", "--query", query, "--export", str(folder), "--json")
    assert ended.json == [{"id": f"order:shop:{order}", "is_same": True, "words": ""}]
    again = house.must("replay", str(folder))
    assert again.out.startswith("✓ ")
    assert "All 1 histories replay as recorded" in again.err


def test_a_history_of_other_code_is_a_difference(house: Orders, order: str) -> None:
    folder = house.directory / "changed"
    house.must("replay", "--query", f"OrderNumber = '{order}'", "--export", str(folder))
    (file,) = folder.glob("*.json")
    history = json.loads(file.read_text())
    timers = [event for event in history["events"] if "timerStartedEventAttributes" in event]
    timers[0]["timerStartedEventAttributes"]["timerId"] = "other"
    timers[0]["eventType"] = "EVENT_TYPE_ACTIVITY_TASK_SCHEDULED"
    timers[0]["activityTaskScheduledEventAttributes"] = {"activityId": "x", "activityType": {"name": "fax"}}
    del timers[0]["timerStartedEventAttributes"]
    file.write_text(json.dumps(history))
    ended = house("replay", str(folder))
    assert ended.code == 5
    assert ended.out.startswith("✗ ")
    assert "error: 1 of 1 histories do not replay" in ended.err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("{]", "order.json is not a workflow's history", id="no json"),
        pytest.param("{}", "order.json is not a workflow's history", id="no events"),
        pytest.param("[]", "order.json is not a workflow's history", id="a list"),
        pytest.param(_FAX, "is the history of a workflow 'Fax', not of an order", id="another workflow"),
    ],
)
def test_a_file_that_is_no_orders_history_is_named(orders: Orders, text: str, words: str) -> None:
    (orders.directory / "order.json").write_text(text)
    ended = orders("replay", "order.json")
    assert ended.code == 2
    assert words in ended.err


def test_a_shops_own_workflows_are_not_replayed(house: Orders, order: str) -> None:
    """`run:` rules start workflows whose code is not here."""
    ended = house.must("replay", "--query", f"OrderNumber = '{order}' OR WorkflowType != 'Order'", "--json")
    assert {one["id"] for one in ended.json} == {f"order:shop:{order}"}


def test_a_list_filter_that_temporal_does_not_understand_is_wrong_usage(house: Orders) -> None:
    ended = house("replay", "--query", "OrderStage ~ 1")
    assert ended.code == 2
    assert "error: Temporal does not understand --query" in ended.err


def test_doctor_finds_everything_in_order(house: Orders) -> None:
    ended = house.must("doctor")
    assert "✗" not in ended.out
    assert "shop@" in ended.out


def test_doctor_names_a_provider_that_is_not_connected(house: Orders) -> None:
    """Covers C2: else every text message fails, one after the other."""
    ended = house("doctor", env={"ORDERS_SMS_PROVIDER": "pigeon"})
    assert ended.code == 1
    assert "✗ sms                'pigeon' is not connected for sms; connected: outbox" in ended.out
    assert "correct ORDERS_SMS_PROVIDER" in ended.out


def test_doctor_says_of_half_an_account_what_is_wrong(house: Orders) -> None:
    ended = house("doctor", env={"ORDERS_TWILIO_ACCOUNT_SID": "me"})
    assert ended.code == 1
    assert "it is not written as it should be: The account's id" in ended.out
    assert "correct ORDERS_TWILIO_ACCOUNT_SID" in ended.out
