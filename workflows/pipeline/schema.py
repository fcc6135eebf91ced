"""The JSON Schema (2020-12) of the pipeline file, for editors: every key with its words and an example."""

from collections.abc import Mapping
from typing import Any

from workflows.pipeline.file import keys
from workflows.pipeline.kinds import Kinds, RuleKind
from workflows.pipeline.triggers import HAPPENINGS, WEBHOOK, Setting, families, happenings_of

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(kinds: Kinds) -> Schema:
    """Return the schema of a pipeline file with these rule kinds."""
    properties: Schema = {key.name: key.described() for key in keys.PIPELINE}
    properties["calendars"] |= {"additionalProperties": _block(keys.CALENDAR)}
    properties["vars"] |= {"additionalProperties": keys.TEXT}
    properties["fields"] |= {"additionalProperties": keys.one_of(*keys.FIELD_TYPES)}
    properties["defaults"] = _defaults(kinds, described=properties["defaults"])
    properties["stages"] |= {"propertyNames": keys.NAME, "additionalProperties": {"$ref": "#/$defs/stage"}}
    properties["messages"] |= {"propertyNames": keys.NAME, "additionalProperties": {"$ref": "#/$defs/message"}}
    properties["forms"] |= {"propertyNames": keys.NAME, "additionalProperties": _form()}
    definitions: Schema = {"stage": _stage(), "trigger": _trigger(), "rule": {}, "message": _message()}
    definitions["rule"] = _rule(kinds, definitions=definitions)
    return {
        "$schema": DIALECT,
        "title": "Order pipeline",
        "description": "What an online store's order automation does.",
        "type": "object",
        "additionalProperties": False,
        "required": [key.name for key in keys.PIPELINE if key.is_required],
        "properties": properties,
        "$defs": definitions,
    }


def _block(entries: tuple[keys.Key, ...]) -> Schema:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {key.name: key.described() for key in entries},
    }


def _stage() -> Schema:
    stage = _block(keys.STAGE)
    stage["properties"]["triggers"] |= {"items": {"$ref": "#/$defs/trigger"}}
    stage["properties"]["rules"] |= {"items": {"$ref": "#/$defs/rule"}}
    # A stage without anything in it is written `name:` alone.
    return {**stage, "type": ["object", "null"]}


def _message() -> Schema:
    subject = {"anyOf": [keys.TEXT, {"type": "object", "additionalProperties": keys.TEXT}]}
    described = {**subject, "description": "The subject of mails, by language.", "examples": [{"en": "Thank you"}]}
    return {"type": "object", "properties": {"subject": described}, "additionalProperties": keys.TEXT}


def _form() -> Schema:
    form = _block(keys.FORM)
    field = {**_block(keys.FORM_FIELD), "required": ["label"]}
    form["properties"]["fields"] |= {"additionalProperties": field}
    return {**form, "required": [key.name for key in keys.FORM if key.is_required]}


def _trigger() -> Schema:
    trigger = _block(keys.TRIGGER)
    settings = {setting.name: setting for one in HAPPENINGS.values() for setting in one.settings}
    trigger["properties"] |= {name: _trigger_setting(setting) for name, setting in settings.items()}
    for family in families():
        trigger["properties"][family] = _family(family)
    trigger["oneOf"] = [{"required": [family]} for family in families()]
    return trigger


def _family(family: str) -> Schema:
    if family == WEBHOOK:
        return {
            "type": "string",
            "pattern": "^[a-z0-9._-]{1,64}$",
            "description": "An outside system calls the trigger's own address with this code.",
            "examples": ["erp-packed"],
        }
    names = happenings_of(family)
    words = [f"{name}: {HAPPENINGS[f'{family}.{name}'].description}" for name in names]
    return {"enum": names, "description": " ".join(words), "examples": names[:1]}


def _trigger_setting(setting: Setting) -> Schema:
    schema = keys.FLAG if setting.is_flag else keys.TEXT
    return {**schema, "description": setting.description, "examples": [setting.example]}


def _rule(kinds: Kinds, *, definitions: Schema) -> Schema:
    rule = _block(keys.RULE)
    found: dict[str, list[Schema]] = {}
    for kind in kinds:
        for name, schema in _settings(kind, definitions=definitions).items():
            found.setdefault(name, []).append(schema)
    rule["properties"] |= {name: _merged(schemas) for name, schemas in found.items()}
    rule["oneOf"] = [{"required": [kind.name]} for kind in kinds]
    return rule


def _defaults(kinds: Kinds, *, described: Schema) -> Schema:
    common = {key.name: key.described() for key in keys.RULE if key.name in keys.DEFAULT_RULE}
    blocks = {}
    for kind in kinds:
        settings = {name: one for name, one in _settings(kind, definitions={}).items() if name != kind.name}
        blocks[kind.name] = {"type": "object", "additionalProperties": False, "properties": {**common, **settings}}
    return {**described, "additionalProperties": False, "properties": blocks}


def _settings(kind: RuleKind, *, definitions: Schema) -> Schema:
    schema = kind.settings.model_json_schema(by_alias=True, ref_template="#/$defs/{model}")
    for name, definition in schema.get("$defs", {}).items():
        definitions[name] = _tidy(definition)
    return {name: _tidy(one) for name, one in schema["properties"].items()}


def _merged(schemas: list[Schema]) -> Schema:
    distinct: list[Schema] = []
    for schema in schemas:
        if schema not in distinct:
            distinct.append(schema)
    return distinct[0] if len(distinct) == 1 else {"anyOf": distinct}


def _tidy(schema: object) -> Any:
    # Editors would offer `null`, and generated titles and defaults, as values to write.
    if isinstance(schema, list):
        return [_tidy(one) for one in schema if one != {"type": "null"}]
    if not isinstance(schema, Mapping):
        return schema
    kept = {name: _tidy(one) for name, one in schema.items() if name == "properties" or not _is_noise(name, one)}
    branches = kept.get("anyOf")
    if isinstance(branches, list) and len(branches) == 1:
        del kept["anyOf"]
        kept = {**branches[0], **kept}
    return kept


def _is_noise(name: str, value: object) -> bool:
    return (name == "title" and isinstance(value, str)) or (name == "default" and value in (None, "", [], {}))
