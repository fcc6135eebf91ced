"""Random codes for later rules. Covers E20, M41."""

import string

import pytest

from tests.rules.desk import Desk


@pytest.mark.parametrize(
    ("shape", "length", "characters"),
    [
        ("{}", 6, string.digits),
        ("{length: 12, alphabet: letters}", 12, string.ascii_uppercase),
        ("{length: 64, alphabet: [digits, letters]}", 64, string.digits + string.ascii_uppercase),
        ("{length: 8, alphabet: symbols}", 8, "!#$%&*+-=?@"),
        ("{length: 30, characters: ABC}", 30, "ABC"),
    ],
    ids=["default", "letters", "combination", "symbols", "own characters"],
)
async def test_code_has_the_shape_asked_for(desk: Desk, shape: str, length: int, characters: str) -> None:
    run = await desk.run(await desk.order(), f"code: {shape}")
    assert len(run.results["value"]) == length
    assert set(run.results["value"]) <= set(characters)


async def test_codes_differ_from_order_to_order(desk: Desk) -> None:
    codes = set()
    for number in ("1001", "1002", "1003"):
        codes.add((await desk.run(await desk.order(number), "code: {length: 16}")).results["value"])
    assert len(codes) == 3


async def test_repeated_run_keeps_the_code_that_was_sent(desk: Desk) -> None:
    key = await desk.order()
    visit = await desk.enter(key, "code: {length: 16}")
    first = await desk.carry_out(key, visit=visit)
    again = await desk.carry_out(key, visit=visit)
    assert again.results == first.results


async def test_later_rule_sends_the_code(desk: Desk) -> None:
    key = await desk.order(customer={"phones": [{"number": "+48501000111"}]})
    visit = await desk.enter(
        key, "id: pickup-code\ncode: {length: 8}", "sms: 'Your code: {{ results.pickup_code.value }}'\nafter: previous"
    )
    made = await desk.carry_out(key, visit=visit)
    await desk.carry_out(key, visit=visit, rule="sms")
    assert [sent.body for sent in await desk.outbox()] == [f"Your code: {made.results['value']}"]
