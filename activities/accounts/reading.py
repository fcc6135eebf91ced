"""Reads an account from the settings: variables `ORDERS_<VENDOR>_<FIELD>`, or files of the secrets' folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from activities.providers.errors import Misconfigured


class Account(BaseModel):
    """Base of an account. Each field is the variable `prefix` + its name in capitals; secrets are SecretStr."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prefix: ClassVar[str]

    @classmethod
    def read(cls, environment: Mapping[str, str], *, folder: Path | None = None, prefix: str = "") -> Self | None:
        """Return the account; None where none of its settings is given. Raise Misconfigured, naming the setting.

        `prefix` is that of a further account of the same vendor.
        """
        names = {name: f"{prefix or cls.prefix}{name.upper()}" for name in cls.model_fields}
        given = {name: value for name, setting in names.items() if (value := _value(setting, environment, folder))}
        if not given:
            return None
        try:
            return cls.model_validate_strings(given)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            field = str(first["loc"][0]) if first["loc"] else next(iter(names))
            raise Misconfigured(names.get(field, prefix or cls.prefix), cls._words(field, first)) from None

    @classmethod
    def _words(cls, field: str, error: ErrorDetails) -> str:
        if error["type"] == "missing":
            return "it is missing"
        if error["type"] == "string_pattern_mismatch":  # nobody reads a pattern
            return f"it is not written as it should be: {cls.model_fields[field].description}"
        return error["msg"]


def _value(setting: str, environment: Mapping[str, str], folder: Path | None) -> str:
    value = environment.get(setting, "").strip()
    path = folder / setting if folder is not None and not value else None
    return path.read_text(encoding="utf-8").strip() if path is not None and path.is_file() else value
