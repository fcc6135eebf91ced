"""`orders test-call`: an author hears a call before customers do. Covers C1."""

import json
import sqlite3
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.commands.running import Orders, Up

PIPELINE = """
pipeline: shop
stages:
  new:
    rules:
      - {id: ready, robocall: ready, voice: {rate: 80}}
      - {id: recorded, robocall: "", audio: "https://shop.example/ready.mp3"}
      - {id: hole, robocall: "Code {{ order.note }}"}
      - {id: text, sms: ready}
  won: {kind: success, triggers: [{payment: paid}]}
messages:
  ready: {en: "{{ customer.first_name }}, your order {{ order.number }} is ready."}
"""


@pytest.fixture
def ringing(orders: Orders) -> Orders:
    """The command with a pipeline that calls, and an order of Ada's."""
    orders.must("db", "upgrade")
    (orders.directory / "shop.yaml").write_text(PIPELINE)
    orders.must("pipeline", "publish", "shop.yaml")
    orders.must("order", "create", "--number", "1001", "--total", "49.00", "--first-name", "Ada")
    return orders


def test_without_a_phone_the_words_are_shown_and_nobody_is_called(ringing: Orders) -> None:
    ended = ringing.must("test-call", "1001", "ready")
    assert ended.out == "Ada, your order 1001 is ready.\n"
    assert "Voice: Polly.Joanna-Neural (en-US), speed 80 %, volume +0 dB" in ended.err
    assert _outbox(ringing) == []


def test_with_a_phone_the_author_is_called_and_the_order_is_as_before(ringing: Orders) -> None:
    before = ringing.must("order", "show", "1001", "--json").json
    ended = ringing.must("test-call", "1001", "ready", "--to", "+48 501 000 999")
    assert "It went to the outbox, as no account for calls is set" in ended.err
    assert "Outcome: answered" in ended.err
    assert _outbox(ringing) == [("voice", "+48501000999", "Ada, your order 1001 is ready.")]
    assert ringing.must("order", "show", "1001", "--json").json == before


def test_each_test_call_is_a_send_of_its_own_in_the_ledger(ringing: Orders) -> None:
    """Covers M61."""
    for _ in range(2):
        ringing.must("test-call", "1001", "ready", "--to", "+48501000999")
    with sqlite3.connect(ringing.directory / "orders.db") as connection:
        states = connection.execute("SELECT state, rule FROM ledger").fetchall()
        kept = connection.execute("SELECT text, rate FROM calls").fetchall()
    assert states == [("accepted", "ready")] * 2
    assert kept == [("Ada, your order 1001 is ready.", 80)] * 2


def test_a_recording_is_named(ringing: Orders) -> None:
    assert ringing.must("test-call", "1001", "recorded").out == "Plays https://shop.example/ready.mp3\n"


def test_programs_get_json(ringing: Orders) -> None:
    told = ringing.must("test-call", "1001", "ready", "--to", "+48501000999", "--json").json
    assert (told["order"], told["rule"], told["text"]) == ("1001", "ready", "Ada, your order 1001 is ready.")
    assert (told["speech"]["voice"], told["outcome"]["outcome"]) == ("Polly.Joanna-Neural", "answered")


def test_mistakes_say_what_to_do(ringing: Orders) -> None:
    unknown = ringing("test-call", "1001", "text")
    assert unknown.code == 1
    assert "The pipeline 'shop' has no call named 'text'" in unknown.err
    assert "help: its calls: ready, recorded, hole" in unknown.err
    hole = ringing("test-call", "1001", "hole")
    assert (hole.code, "order.note is empty" in hole.err) == (1, True)
    nobody = ringing("test-call", "1001", "ready", "--to", "501000999")
    assert (nobody.code, "write it with + and the country's code" in nobody.err) == (2, True)
    lost = ringing("test-call", "9999", "ready")
    assert (lost.code, "9999" in lost.err) == (1, True)


def test_an_account_that_is_not_connected_is_named(ringing: Orders) -> None:
    ended = ringing("test-call", "1001", "ready", "--to", "+48501000999", env={"ORDERS_VOICE_PROVIDER": "twilio"})
    assert (ended.code, "ORDERS_VOICE_PROVIDER" in ended.err) == (1, True)


def test_beside_stand_ins_the_call_is_made_over_them(tmp_path: Path) -> None:
    """A command in another terminal is connected to what `orders up --with-stand-ins` plays."""
    (tmp_path / "shop.yaml").write_text(PIPELINE)
    up = Up(tmp_path, "--no-demo", "--with-stand-ins", "--pipeline", "shop.yaml")
    try:
        up.wait_until_ready()
        note = tmp_path / ".orders" / "up.json"
        assert note.stat().st_mode & 0o777 == 0o600
        orders = Orders(tmp_path, is_set=False)
        orders.must("order", "create", "--number", "1001", "--total", "49.00", "--first-name", "Ada")
        ended = orders.must("test-call", "1001", "ready", "--to", "+48 501 000 999")
        assert "twilio calls +48501000999" in ended.err
        assert "Outcome: answered" in ended.err
        with urlopen(json.loads(note.read_text())["settings"]["ORDERS_TWILIO_BASE"] + "/stand-in/calls") as answer:
            [call] = json.load(answer)
        assert (call["to"], call["status"]) == ("+48501000999", "completed")
    finally:
        assert up.stop() == 0


def _outbox(orders: Orders) -> list[tuple[str, ...]]:
    with sqlite3.connect(orders.directory / "orders.db") as connection:
        return connection.execute("SELECT channel, address, body FROM outbox").fetchall()
