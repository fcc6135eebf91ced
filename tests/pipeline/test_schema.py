"""The JSON Schema that editors use (M70)."""

from collections.abc import Iterator
from typing import Any

from tests.pipeline.kinds import KINDS
from workflows.pipeline.schema import json_schema
from workflows.pipeline.triggers import families

SCHEMA = json_schema(KINDS)


def _parts(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _parts(inner)
    if isinstance(value, list):
        for inner in value:
            yield from _parts(inner)


def test_it_is_a_schema_of_2020() -> None:
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert SCHEMA["required"] == ["pipeline", "stages"]
    assert SCHEMA["additionalProperties"] is False


def test_every_key_is_described_with_an_example() -> None:
    for block in (SCHEMA, SCHEMA["$defs"]["stage"], SCHEMA["$defs"]["trigger"]):
        for name, key in block["properties"].items():
            assert key["description"], name
            assert key["examples"], name


def test_a_rule_offers_every_kind_and_wants_exactly_one() -> None:
    rule = SCHEMA["$defs"]["rule"]
    assert set(KINDS.names()) <= set(rule["properties"])
    assert rule["oneOf"] == [{"required": [name]} for name in KINDS.names()]
    assert "from" in rule["properties"]
    assert "sender" not in rule["properties"]


def test_a_trigger_offers_every_family_and_its_happenings() -> None:
    trigger = SCHEMA["$defs"]["trigger"]
    assert set(families()) <= set(trigger["properties"])
    assert trigger["properties"]["payment"]["enum"] == ["paid", "received", "refunded"]
    assert trigger["oneOf"] == [{"required": [name]} for name in families()]


def test_null_is_never_offered() -> None:
    assert not [part for part in _parts(SCHEMA) if part.get("type") == "null" or part.get("default", "") is None]


def test_every_reference_leads_somewhere() -> None:
    for part in _parts(SCHEMA):
        if "$ref" in part:
            assert part["$ref"].removeprefix("#/$defs/") in SCHEMA["$defs"]
