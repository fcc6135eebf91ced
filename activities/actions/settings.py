"""Types that several rule kinds use in their settings: recipients, address types."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _unlisted(value: tuple[str, ...]) -> str | list[str]:
    return value[0] if len(value) == 1 else list(value)


#: Lets a setting of several values be written as one of them.
Listed = BeforeValidator(_listed)

#: One name or several.
Names = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=200)], ...],
    BeforeValidator(_listed),
    PlainSerializer(_unlisted),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "minLength": 1},
                {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1},
            ]
        }
    ),
]

#: One recipient or several: an employee's id, a department's, `responsible`, `role:NAME`.
Recipients = Names

#: Employees in the customer's place.
Employees = Annotated[
    Recipients,
    Field(
        description="Write to employees instead: ids, departments, `responsible`, `role:NAME`.",
        examples=["responsible", ["olga", "role:warehouse"]],
    ),
]

#: Which of the customer's phones or addresses: the first one listed, or the first of a type.
AddressType = Literal["auto", "mobile", "work", "home", "other"]
