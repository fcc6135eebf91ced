"""Rule kinds as the pipeline sees them: the settings model each action declares, and what the loader must know of it.

Actions live a layer above; they hand their kinds in, so that a new rule kind is one file there.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from workflows.pipeline.mistakes import Mistake


class RuleSettings(BaseModel):
    """Base of a rule kind's settings. The field named like the kind holds the kind key's value (`sms: thanks`)."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class TextFormat(StrEnum):
    """How a text is written: as it is, or as Markdown."""

    PLAIN = "plain"
    MARKDOWN = "markdown"


class Reference(StrEnum):
    """What a setting's value must name; the loader checks that it exists."""

    STAGE = "stage"
    ORDER_FIELDS = "order_fields"  # a mapping whose keys are editable fields of the order
    RECIPIENTS = "recipients"  # people, departments, `responsible`, `role:…`, `chat:…`
    URL = "url"  # an https address
    DOCUMENT = "document"  # a template in the folder `documents/` beside the file
    MADE = "made"  # documents that rules of the pipeline make: by their template, or the rule's id


@dataclass(frozen=True)
class TextField:
    """A setting that is a Liquid text.

    `is_message`: it may name an entry of `messages:`; `may_be_literal`: it may be the text itself. `limit`: most
    code points, checked on the fixed part at load and on the rendered text before sending (C2).
    """

    name: str
    is_message: bool = False
    may_be_literal: bool = True
    format: TextFormat = TextFormat.PLAIN
    limit: int = 10_000
    has_subject: bool = False


@dataclass(frozen=True)
class Wording:
    """The languages of a rule's text: its message's, or all of the pipeline's where the rule holds the text itself.

    `first` is the pipeline's first language, which customers of any other get.
    """

    languages: tuple[str, ...]
    first: str
    is_message: bool


@dataclass(frozen=True)
class RuleKind:
    """A rule kind: its key in the file, its settings, and how its runs are carried out.

    `is_record`: it only touches our own records (a local activity, idempotent by run id). `reaches_customer`: it
    writes to or calls the customer unless its `to` names somebody else. `results`: names and types later rules may
    use, a StrEnum for a text of a closed set; `results_of`: those of one rule, where its settings choose them.
    `seconds`: bound of one attempt. `title`: what the Temporal UI shows of a run; no person's data. `hints`: what a
    rule is warned of when the file is read, each with the setting it is about; asked about the first of `texts`.
    """

    name: str
    settings: type[RuleSettings]
    is_record: bool = True
    reaches_customer: bool = False
    queue: str = "orders"
    texts: tuple[TextField, ...] = ()
    references: Mapping[str, Reference] = field(default_factory=dict)
    results: Mapping[str, type] = field(default_factory=dict)
    results_of: Callable[[RuleSettings], Mapping[str, type]] | None = None
    wakes_on_customer: bool = False
    wait_setting: str = ""  # the setting that is the rule's own longest wait (`at_most` of wait_for)
    seconds: int = 30
    title: Callable[[RuleSettings], str] | None = None
    hints: Callable[[RuleSettings, Wording], Iterable[tuple[str, Mistake]]] | None = None


class Kinds:
    """The rule kinds that are registered, by name."""

    def __init__(self, kinds: Iterable[RuleKind]) -> None:
        self._kinds = {kind.name: kind for kind in kinds}

    def __contains__(self, name: object) -> bool:
        return name in self._kinds

    def __getitem__(self, name: str) -> RuleKind:
        return self._kinds[name]

    def __iter__(self) -> Iterator[RuleKind]:
        return iter(self._kinds.values())

    def names(self) -> list[str]:
        """List the kinds' names, in the order of their registration."""
        return list(self._kinds)
