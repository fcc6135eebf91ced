"""`orders events parked` and `show`: why an event waits for a person, and who it was."""

from tests.commands.running import Orders


def test_an_event_of_nobody_is_explained_and_shows_who_it_was(stored: Orders) -> None:
    """Covers the events that nobody was found for: without the number a person could not give them to an order."""
    stored.must(
        "order", "event", "-", "call.missed", "--customer", "+48601999111", "--data", '{"line": "+48220000000"}'
    )
    listed = stored.must("events", "parked")
    assert "nobody known to the shop, or nobody with an open order" in listed.out
    assert "orders events show ID" in listed.err
    [event] = stored.must("events", "parked", "--json").json["items"]
    assert "+48601999111" not in listed.out + str(event)  # lists are pasted into tickets

    shown = stored.must("events", "show", str(event["id"]))
    assert "call.missed" in shown.out
    assert "+48220000000" in shown.out
    assert '"phone": "+48601999111"' in shown.out
    assert "+48601999111" in stored.must("events", "show", str(event["id"]), "--json").json["raw"]


def test_what_anybody_wrote_does_not_command_the_terminal(stored: Orders) -> None:
    data = '{"line": "\\u001b[2Jgone"}'
    stored.must("order", "event", "-", "call.missed", "--customer", "+48601999111", "--data", data)
    [event] = stored.must("events", "parked", "--json").json["items"]
    shown = stored.must("events", "show", str(event["id"])).out
    assert "\x1b" not in shown
    assert "\ufffd[2Jgone" in shown


def test_a_long_event_is_shown_in_part(stored: Orders) -> None:
    data = '{"line": "' + "x" * 6_000 + '"}'
    stored.must("order", "event", "-", "call.missed", "--customer", "+48601999111", "--data", data)
    [event] = stored.must("events", "parked", "--json").json["items"]
    assert "--json shows all" in stored.must("events", "show", str(event["id"])).err


def test_an_event_that_does_not_wait_is_not_shown(stored: Orders) -> None:
    ended = stored("events", "show", "7")
    assert ended.code == 1
    assert "There is no parked event '7'" in ended.err
