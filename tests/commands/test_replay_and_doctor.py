"""`orders replay` and `orders doctor` beside a running `orders up`."""

import json

from tests.commands.running import Orders


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


def test_a_file_that_is_no_history_is_named(orders: Orders) -> None:
    file = orders.directory / "order.json"
    file.write_text("{]")
    ended = orders("replay", str(file))
    assert ended.code == 2
    assert "order.json is not a workflow's history" in ended.err


def test_a_list_filter_that_temporal_does_not_understand_is_wrong_usage(house: Orders) -> None:
    ended = house("replay", "--query", "OrderStage ~ 1")
    assert ended.code == 2
    assert "error: Temporal does not understand --query" in ended.err


def test_doctor_finds_everything_in_order(house: Orders) -> None:
    ended = house.must("doctor")
    assert "✗" not in ended.out
    assert "shop@" in ended.out
