"""The helper for a shop's own tests: what it expects, how it fails, and that its documentation is true."""

import re
from pathlib import Path
from typing import Any

import pytest

from starter.lab.testing import OrderInLab, Unexpected, given_order

_DOCS = Path(__file__).resolve().parents[2] / "docs" / "testing-your-pipeline.md"

_EXAMPLE = re.search(r"```python\n(.*?)```", _DOCS.read_text(), re.DOTALL)[1]  # type: ignore[index]


def _example() -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(_EXAMPLE, str(_DOCS), "exec"), names)
    return names


_TESTS = re.findall(r"def (test_\w+)", _EXAMPLE)


@pytest.mark.parametrize("name", _TESTS)
def test_the_example_of_the_documentation_works(name: str) -> None:
    _example()[name]()


def _placed() -> OrderInLab:
    placed: OrderInLab = _example()["placed"]()
    return placed


@pytest.mark.parametrize(
    ("expect", "words"),
    [
        pytest.param(
            lambda o: o.expect_sms(text="Hello", within="1h"), "expected sms saying 'Hello', within 1h", id="sms"
        ),
        pytest.param(lambda o: o.expect_email(to="x@y.example"), "expected email to x@y.example, at once", id="email"),
        pytest.param(lambda o: o.expect_stage("paid"), "expected stage paid, but the order is in new", id="stage"),
        pytest.param(
            lambda o: o.expect_nothing_sent(),
            "expected nothing to be sent, but thanks sent email to ada@mail.example",
            id="nothing",
        ),
        pytest.param(lambda o: o.expect_skipped("remind"), "rule remind skipped, but it has not ended", id="rule"),
        pytest.param(
            lambda o: o.expect_skipped("thanks", because="no_address"),
            "rule thanks skipped (no_address), but it is done (done)",
            id="reason",
        ),
        pytest.param(lambda o: o.expect_waiting("thanks"), "rule thanks to wait, but it does not", id="waiting"),
        pytest.param(
            lambda o: o.expect_waiting("remind", until="2026-11-25T11:00"), "it waits for another moment", id="until"
        ),
    ],
)
def test_an_expectation_that_is_not_met_says_so_and_prints_the_timeline(expect: Any, words: str) -> None:
    with pytest.raises(Unexpected) as failed:
        expect(_placed())
    assert words in str(failed.value)
    assert "16:00:00  stage    new" in str(failed.value)


def test_a_step_leaves_the_order_before_it_as_it_was() -> None:
    first = _placed()
    first.when("payment.paid").expect_stage("paid")
    first.expect_stage("new")


def test_expectations_look_at_what_came_since_the_last_step() -> None:
    order = _placed().when("call.missed", after="1h")
    order.expect_nothing_sent()
    order.after("1h").expect_nothing_sent()


async def test_the_helper_may_be_used_where_an_event_loop_runs() -> None:
    _placed().expect_email(text="Thank you")


def test_a_pipeline_with_errors_and_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match="the pipeline has errors"):
        given_order("pipeline: x\nstages: {}\n")
    with pytest.raises(ValueError, match=r"did you mean 'payment.paid'"):
        _placed().when("payment.payd")
    with pytest.raises(ValueError, match="there is no command 'mov'"):
        _placed().when_told("mov")


@pytest.mark.parametrize(
    ("act", "words"),
    [
        pytest.param(lambda o: o.when_told("move", stage="payd"), "there is no stage 'payd'", id="stage of a command"),
        pytest.param(lambda o: o.when_told("skip", rule="remnd"), "Did you mean 'remind'", id="rule of a command"),
        pytest.param(lambda o: o.when_provider("smss", is_="down"), "there is no channel 'smss'", id="channel"),
        pytest.param(lambda o: o.expect_stage("payd"), "Did you mean 'paid'", id="stage"),
        pytest.param(lambda o: o.expect_done("remnd"), "there is no rule 'remnd'", id="rule"),
        pytest.param(lambda o: o.expect_waiting("remnd"), "there is no rule 'remnd'", id="rule that waits"),
        pytest.param(lambda o: o.when("payment.paid", after="2026-11-01"), "before the last step", id="moment"),
    ],
)
def test_a_name_that_nothing_has_is_refused_rather_than_tested(act: Any, words: str) -> None:
    """Else a test would look at nothing, and pass."""
    with pytest.raises(ValueError, match=words):
        act(_placed())


_TALKING = """
pipeline: shop
languages: [en]
timezone: Europe/Warsaw
quiet_hours: off
stages:
  new:
    title: New
    rules:
      - {id: call, wait: 1h, robocall: "Order {{ order.number }} is ready"}
      - {id: chat, wait: 1h, chat: "Hello {{ customer.first_name }}"}
  asked:
    title: Asked
    triggers: [{call: missed}]
"""

_TALKER = {"first_name": "Ada", "phones": [{"number": "+48601234567"}]}


def test_calls_and_chats_are_expected_as_other_messages_are() -> None:
    order = given_order(_TALKING, customer=_TALKER)
    order.expect_call(to="+48601234567", text="Order 1001 is ready", within="1h")
    order.expect_skipped("chat", because="no_chat", within="1h")
    with pytest.raises(Unexpected, match="expected chat saying 'Hello'"):
        order.expect_chat(text="Hello", within="1h")


@pytest.mark.parametrize(("channel", "address"), [("web", ""), ("whatsapp", "+48601234567")])
def test_a_customer_who_wrote_is_answered_in_their_chat(channel: str, address: str) -> None:
    order = given_order(_TALKING, customer=_TALKER).when("chat.message", after="5m", channel=channel, text="Hi")
    order.expect_chat(to=address, text="Hello Ada", within="1h")


def test_an_event_may_name_the_customer_in_place_of_the_order() -> None:
    order = given_order(_TALKING, customer=_TALKER)
    order.when("call.missed", customer={"phone": "+48601234567"}).expect_stage("asked")
    order.when("call.missed", customer={"phone": "+48601000000"}).expect_stage("new")
