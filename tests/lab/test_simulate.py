"""`orders pipeline simulate` as people run it: files in, a timeline out; every problem at once."""

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.commands.running import Orders

_ORDER = """{
  "number": "7", "total": "49.00", "responsible": "olga",
  "customer": {"first_name": "Ada", "phones": [{"number": "+48601234567"}], "emails": [{"email": "ada@mail.example"}]},
  "employees": [{"id": "olga"}]
}"""

_EVENTS = """
- {at: +2h, type: payment.paid}
- {at: "+1d 3h", command: move, stage: completed, by: olga}
"""


@pytest.fixture
def orders(tmp_path: Path) -> Orders:
    """The command in a directory with an order, events, and neither store nor Temporal."""
    (tmp_path / "order.json").write_text(_ORDER)
    (tmp_path / "events.yaml").write_text(_EVENTS)
    return Orders(tmp_path)


def _simulate(orders: Orders, *more: str) -> list[str]:
    files = ("--order", "order.json", "--events", "events.yaml")
    return ["pipeline", "simulate", str(orders.example), *files, "--start", "2026-11-23T10:00", *more]


def test_the_timeline_says_when_what_to_whom_and_why_not(orders: Orders) -> None:
    ended = orders.must(*_simulate(orders, "--until", "2d"))
    assert "Times are those of Europe/Warsaw." in ended.out
    assert "10:00:00  stage    new" in ended.out
    assert "sms to +48601234567\n                | Juniper Home: order 7 is accepted." in ended.out
    assert "12:00:00  event    payment.paid: moved" in ended.out
    assert "remind [email] stopped (stage_left)" in ended.out
    assert "call-back [task] skipped (condition_false)\n              where customer.vip = false" in ended.out
    assert "the order is in stage completed" in ended.out
    assert "review [email] waits until" in orders.must(*_simulate(orders, "--until", "28h")).out


def test_the_same_files_give_the_same_bytes_and_nothing_is_written(orders: Orders) -> None:
    before = sorted(orders.directory.iterdir())
    first, second = (orders.must(*_simulate(orders, "--json")) for _ in range(2))
    assert first.out == second.out
    assert sorted(orders.directory.iterdir()) == before
    told = first.json
    assert (told["order"], told["zone"], told["start"]) == ("7", "Europe/Warsaw", "2026-11-23T10:00:00+01:00")
    sent = [said for entry in told["entries"] for said in entry.get("said", ()) if said["how"] == "email"]
    assert {said["to"] for said in sent} == {"ada@mail.example"}


def test_the_files_of_the_documentation_are_played(orders: Orders) -> None:
    """`docs/testing-your-pipeline.md` says all that they need."""
    text = (Path(__file__).resolve().parents[2] / "docs" / "testing-your-pipeline.md").read_text()
    blocks = dict(re.findall(r"```(json|yaml|python)\n(.*?)```", text, re.DOTALL))
    pipeline = re.search(r'PIPELINE = """\n(.*?)"""', blocks["python"], re.DOTALL)
    assert pipeline is not None
    for name, content in (("shop.yaml", pipeline[1]), ("order.json", blocks["json"]), ("events.yaml", blocks["yaml"])):
        (orders.directory / name).write_text(content)
    files = ("shop.yaml", "--order", "order.json", "--events", "events.yaml")
    ended = orders.must("pipeline", "simulate", *files, "--start", "2026-11-23T10:00")
    assert "Order 1001 waits for payment." in ended.out
    assert "task to piotr: Pack order 1001" in ended.out


def test_people_may_stand_in_a_file_of_their_own(orders: Orders) -> None:
    (orders.directory / "people.yaml").write_text(
        "employees: [{id: piotr, roles: [warehouse], head: dana}, {id: dana}]"
    )
    assert "task to piotr" in orders.must(*_simulate(orders, "--people", "people.yaml")).out


def test_an_id_that_two_files_give_is_refused_at_both_places(orders: Orders) -> None:
    (orders.directory / "people.yaml").write_text("employees:\n  - {id: dana}\n  - {id: olga}\n")
    ended = orders(*_simulate(orders, "--people", "people.yaml"))
    assert ended.code == 2
    assert "the id 'olga' is in the other file, too" in ended.err
    assert "people.yaml:3:" in ended.err
    assert "order.json:4:" in ended.err
    assert "2 problems in what was given; nothing was simulated" in ended.err


def test_a_head_or_department_may_stand_in_the_other_file(orders: Orders) -> None:
    (orders.directory / "people.yaml").write_text(
        "{employees: [{id: piotr, roles: [warehouse], head: olga, department: stock}],"
        " departments: [{id: stock, head: olga}]}"
    )
    assert "task to piotr" in orders.must(*_simulate(orders, "--people", "people.yaml")).out


def test_every_problem_is_told_at_once_with_its_place(orders: Orders) -> None:
    bad = json.loads(_ORDER) | {"totl": "1", "responsible": "ola", "stage": "nwe"}
    (orders.directory / "order.json").write_text(json.dumps(bad, indent=1))
    (orders.directory / "events.yaml").write_text(
        "- {at: 1 week, type: payment.received}\n"
        "- {at: +1h, type: payment.payd}\n"
        "- {at: +1h, command: mov}\n"
        "- {at: +1h, command: move, stage: piad}\n"
        "- {at: +1h, provider: sms, is: asleep}\n"
        "- {type: payment.paid, dat: {}}\n"
        "- nonsense\n"
    )
    ended = orders(*_simulate(orders))
    assert ended.code == 2
    for words in (
        "unknown key 'totl'",
        "there is no employee 'ola'",
        "the pipeline has no stage 'nwe'",
        "'1 week' is not a moment",
        "did you mean 'payment.paid'?",
        "Events of your own are webhook.CODE",
        "there is no command 'mov'",
        "Did you mean 'paid'?",
        "One of up, down, refusing, silent, unanswered.",
        "an entry needs its moment",
        "unknown key 'dat'",
        "events.yaml:7:3",
    ):
        assert words in ended.err, words
    assert ended.out == ""


@pytest.mark.parametrize(
    ("values", "words"),
    [
        pytest.param({"total": "many"}, "total: must be a number", id="number"),
        pytest.param({"note": 1}, "note: must be a text", id="text"),
        pytest.param({"customer": {"emails": [{}]}}, "customer.emails.0.email: is missing", id="missing"),
        pytest.param({"customer": {"kind": "robot"}}, "customer.kind: must be one of contact, company", id="choice"),
        pytest.param({"items": {}}, "items: must be a list", id="list"),
        pytest.param({"total": "1e9999999999"}, "total: the amount is below 10^15", id="beyond all numbers"),
        pytest.param({"number": ""}, "number: must be written like 2026-00117", id="pattern"),
    ],
)
def test_a_value_that_does_not_fit_is_told_in_our_words(orders: Orders, values: dict[str, object], words: str) -> None:
    (orders.directory / "order.json").write_text(json.dumps(values))
    ended = orders(*_simulate(orders))
    assert ended.code == 2
    assert words in ended.err
    assert "Input should" not in ended.err


@pytest.mark.parametrize(
    ("file", "text", "words", "code"),
    [
        pytest.param("order.json", b"\xff\xfe{", "is not UTF-8", 2, id="not UTF-8"),
        pytest.param("events.yaml", b"\xff\xfe{", "is not UTF-8", 2, id="events not UTF-8"),
        pytest.param("shop.yaml", b"\xff\xfe{", "is not UTF-8", 3, id="pipeline not UTF-8"),
        pytest.param(
            "events.yaml",
            b"- {at: +1h, type: payment.received, data: {amount: '1e9999999999'}}",
            "error[L203]: 'amount' is an amount",
            2,
            id="a payment beyond all numbers",
        ),
        pytest.param("order.json", "", "the file is empty", 2, id="empty"),
        pytest.param("order.json", "[1]", "not a block of keys", 2, id="list"),
        pytest.param("order.json", '{"number": "1', "error[D101]", 2, id="broken"),
        pytest.param("events.yaml", "type: payment.paid", "the events are not a list", 2, id="no list"),
        pytest.param("events.yaml", "- {at: 2020-01-01, type: payment.paid}", "before the start", 2, id="too early"),
        pytest.param(
            "events.yaml", "- {at: +1h, type: payment.received}", "error[L203]", 2, id="a payment without its amount"
        ),
        pytest.param(
            "order.json",
            '{"employees": [{"id": "olga"}, {"id": "jan"}, {"id": "olga"}]}',
            "the id 'olga' is there twice",
            2,
            id="two of one id",
        ),
        pytest.param(
            "order.json",
            '{"employees": [{"id": "olga", "head": "dan"}, {"id": "dana"}]}',
            "order.json:1:39",
            2,
            id="an unknown head, with its place",
        ),
        pytest.param(
            "order.json",
            '{"employees": [{"id": "olga", "department": "sale"}], "departments": [{"id": "sales"}]}',
            "there is no department 'sale'",
            2,
            id="an unknown department",
        ),
        pytest.param(
            "order.json",
            '{"departments": [{"id": "sales", "head": "nobody"}]}',
            "there is no employee 'nobody'",
            2,
            id="an unknown head of a department",
        ),
        pytest.param(
            "events.yaml",
            "- {at: +1h, type: payment.paid}\n---\n- {at: +2h, type: payment.paid}",
            "a file holds one document",
            2,
            id="two documents",
        ),
        pytest.param("shop.yaml", "pipeline: shop\nstages: {}\n", "nothing was simulated", 3, id="pipeline"),
    ],
)
def test_bad_files_end_with_a_clear_line(orders: Orders, file: str, text: str | bytes, words: str, code: int) -> None:
    (orders.directory / "shop.yaml").write_text(orders.example.read_text())
    shutil.copytree(orders.example.with_name("documents"), orders.directory / "documents")
    (orders.directory / file).write_bytes(text if isinstance(text, bytes) else text.encode())
    given = _simulate(orders)
    ended = orders(*[part if part != str(orders.example) else "shop.yaml" for part in given])
    assert ended.code == code, ended.err
    assert words in ended.err


@pytest.mark.parametrize(
    "more",
    [
        ("--until", "soon"),
        ("--start", "tomorrow"),
        ("--until", "2020-01-01"),
        ("--order", "no.json"),
        ("--start", "0001-01-01T00:00"),
        ("--until", "9999-12-31"),
    ],
)
def test_bad_options_end_with_exit_code_two(orders: Orders, more: tuple[str, str]) -> None:
    ended = orders(*_simulate(orders, *more))
    assert ended.code == 2
    assert ended.err.startswith("error: ")


def test_only_one_file_can_be_standard_input(orders: Orders) -> None:
    ended = orders(*_simulate(orders, "--order", "-", "--events", "-"), stdin=_ORDER)
    assert ended.code == 2
    assert "error: Only one of the files can be standard input" in ended.err


def test_events_that_come_too_late_are_told(orders: Orders) -> None:
    ended = orders.must(*_simulate(orders, "--until", "3h"))
    assert "1 of 2 events come after --until and are left out" in ended.err


def test_an_event_of_a_customer_whom_nobody_knows_is_told(orders: Orders) -> None:
    (orders.directory / "events.yaml").write_text("- {at: +1h, type: call.missed, customer: {phone: '+48601000000'}}\n")
    ended = orders.must(*_simulate(orders, "--until", "3h"))
    assert "11:00:00  event    call.missed: unmatched" in ended.out
    assert "it goes to no order" in ended.out
