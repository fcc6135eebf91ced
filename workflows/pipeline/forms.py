"""Forms of a pipeline: what visitors fill in (T08), or ask to be called back with (T09). Texts by language."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

Texts = Mapping[str, str]


class FieldKind(StrEnum):
    """What a field takes."""

    TEXT = "text"
    EMAIL = "email"
    PHONE = "phone"
    TEXTAREA = "textarea"
    SELECT = "select"
    CHECKBOX = "checkbox"
    DATE = "date"


@dataclass(frozen=True)
class FormField:
    """One field. `options` of a select: what is stored, and how it is shown."""

    name: str
    label: Texts
    kind: FieldKind = FieldKind.TEXT
    is_required: bool = False
    hint: Texts = field(default_factory=dict)
    options: Mapping[str, Texts] = field(default_factory=dict)


@dataclass(frozen=True)
class Form:
    """A form. Texts that are not given are empty; `country` is where phone numbers without + belong."""

    id: str
    title: Texts
    fields: tuple[FormField, ...]
    text: Texts = field(default_factory=dict)
    submit: Texts = field(default_factory=dict)
    thanks: Texts = field(default_factory=dict)
    consent: Texts = field(default_factory=dict)
    is_callback: bool = False
    country: str = ""

    @property
    def event_type(self) -> str:
        """The type of the event that filling it in causes."""
        return "callback.requested" if self.is_callback else "form.submitted"

    def of_kind(self, kind: FieldKind) -> tuple[FormField, ...]:
        """List the fields of a kind, in the order of the form."""
        return tuple(one for one in self.fields if one.kind is kind)
