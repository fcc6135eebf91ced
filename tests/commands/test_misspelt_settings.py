"""A misspelt setting is told where something is started, and by `orders doctor`: its name, never its value."""

import pytest

from tests.commands.running import Orders

MISSPELT = {"ORDERS_TWILIO_ACOUNT_SID": "AC-s3cret"}


def test_doctor_names_the_setting_and_the_nearest_one(stored: Orders) -> None:
    ended = stored("doctor", "--json", env=MISSPELT)
    [found] = [finding for finding in ended.json if finding["what"] == "settings"]
    assert (found["is_warning"], found["words"]) == (True, "nobody reads ORDERS_TWILIO_ACOUNT_SID")
    assert found["help"] == "did you mean ORDERS_TWILIO_ACCOUNT_SID?"
    assert "s3cret" not in ended.out + ended.err


def test_doctor_says_when_all_are_read(stored: Orders) -> None:
    [found] = [finding for finding in stored("doctor", "--json").json if finding["what"] == "settings"]
    assert (found["is_good"], found["is_warning"]) == (True, False)


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("worker",), id="worker, which ends as Temporal is down"),
        pytest.param(("gateway",), id="gateway, whose port is taken away"),
        pytest.param(("up", "--pipeline", "nowhere.yaml"), id="up, whose pipeline is not there"),
    ],
)
def test_a_part_that_starts_tells_it_in_a_line(stored: Orders, arguments: tuple[str, ...]) -> None:
    ended = stored(*arguments, env={**MISSPELT, "ORDERS_GATEWAY_HOST": "192.0.2.1"})
    [line] = [line for line in ended.err.splitlines() if "ORDERS_TWILIO_ACOUNT_SID" in line]
    assert "ORDERS_TWILIO_ACCOUNT_SID" in line
    assert "s3cret" not in ended.out + ended.err
