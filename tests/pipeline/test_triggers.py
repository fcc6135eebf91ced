"""The 22 trigger families: names, settings, matching (T01-T22)."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pipeline.builders import event, pipeline_with
from workflows.contracts.events import EVENT_TYPES
from workflows.pipeline.triggers import HAPPENINGS, families, fits_pattern, happening_of, misfit


def test_every_row_of_the_catalogue_has_its_trigger() -> None:
    """Covers T01-T22."""
    rows = {one.ids for one in HAPPENINGS.values()} | {"T16"}
    assert rows == {f"T{number:02}" for number in range(1, 23)}
    assert "webhook" in families()


def test_every_trigger_listens_to_a_known_event() -> None:
    assert set(HAPPENINGS) <= set(EVENT_TYPES)


@pytest.mark.parametrize("name", sorted(HAPPENINGS), ids=str)
def test_every_trigger_can_be_written_with_all_its_settings(name: str) -> None:
    """Covers T01-T22."""
    happening = HAPPENINGS[name]
    written = [(one.name, str(one.example).lower() if one.is_flag else repr(one.example)) for one in happening.settings]
    keys = "".join(f", {key}: {value}" for key, value in written)
    rules = "  rules: [{id: pay-link, comment: a}]"
    triggers = f"  triggers: [{{{happening.family}: {happening.name}{keys}}}]"
    text = f"new:\n{rules}\nwon:\n  kind: success\n{triggers}\n"
    (trigger,) = pipeline_with(text).stages["won"].triggers
    assert trigger.event_type == name
    assert set(trigger.settings) == {one.name for one in happening.settings}


@pytest.mark.parametrize(
    ("name", "settings", "data", "fits"),
    [
        pytest.param(
            "email.received", {"mailbox": "Orders@Shop.example"}, {"mailbox": "orders@shop.example"}, True, id="case"
        ),
        pytest.param("email.received", {"mailbox": "a@x"}, {}, False, id="not-given"),
        pytest.param(
            "email.received", {"subject_contains": "INVOICE"}, {"subject": "Re: your invoice"}, True, id="contains"
        ),
        pytest.param("email.sent", {}, {"automation": True}, False, id="mail-of-rules-does-not-count"),
        pytest.param("email.sent", {"include_automation": True}, {"automation": True}, True, id="unless-asked-for"),
        pytest.param("email.sent", {}, {}, True, id="mail-of-people-counts"),
        pytest.param("email.link_clicked", {"url": "*/pay/*"}, {"url": "https://s.example/pay/7"}, True, id="wildcard"),
        pytest.param("email.link_clicked", {"url": "*/pay/*"}, {"url": "https://s.example/"}, False, id="other-link"),
        pytest.param("shipment.shipped", {}, {"all": False}, False, id="not-every-shipment"),
        pytest.param("shipment.shipped", {"any": True}, {"all": False}, True, id="the-first-is-enough"),
        pytest.param("shipment.shipped", {}, {}, True, id="one-shipment"),
        pytest.param("shipment.updated", {"status": "in_transit"}, {"status": "lost"}, False, id="status"),
        pytest.param("chat.message", {"channel": "whatsapp"}, {"channel": "WhatsApp"}, True, id="channel"),
        pytest.param("document.viewed", {"template": "invoice"}, {"template": 7}, False, id="nonsense"),
    ],
)
def test_settings_narrow_an_event(name: str, settings: dict[str, Any], data: dict[str, Any], fits: bool) -> None:
    """Covers T02-T22."""
    happening = happening_of(name)
    assert happening is not None
    assert (misfit(happening, settings=settings, event=event(name, **data)) is None) is fits


@given(st.text("ab*", max_size=8), st.text("abAB", max_size=10))
def test_a_pattern_with_stars_fits_as_a_regular_expression_would(pattern: str, text: str) -> None:
    expected = re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), text, re.I | re.S)
    assert fits_pattern(pattern, text=text) is (expected is not None)


def test_a_hostile_pattern_is_quick() -> None:
    assert not fits_pattern("*a" * 200, text="b" * 10_000)
