"""What an action gets and gives: a rule kind is one file with `KIND` and either `record` or `compose`."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar
from uuid import UUID, uuid5

from activities.providers.protocol import Message
from activities.runtime.tokens import Tokens
from activities.store.database import Tx
from workflows.contracts.ids import OrderKey
from workflows.contracts.reasons import RunReason, RunStatus
from workflows.pipeline.fields import OrderView
from workflows.pipeline.kinds import RuleKind, RuleSettings
from workflows.pipeline.model import Pipeline, Rule

Settings = TypeVar("Settings", bound=RuleSettings)


@dataclass(frozen=True)
class Premises:
    """What rules that leave the house may know of the installation.

    `public_url` is the gateway's address from outside, without a slash at its end; `tokens` signs links. `mailboxes`
    are those the administrator has connected (none: any); `default_mailbox` sends mails without a sender.
    """

    public_url: str = ""
    tokens: Tokens | None = None
    default_mailbox: str = ""
    mailboxes: frozenset[str] = frozenset()


@dataclass(frozen=True)
class RunContext:
    """One run about to be carried out; its condition held and its visit is current.

    `run` is the run's id.
    """

    key: OrderKey
    visit: int
    stage: str
    rule: Rule
    pipeline: Pipeline
    view: OrderView
    now: datetime
    run: UUID
    premises: Premises = Premises()

    def settings(self, model: type[Settings]) -> Settings:
        """Return the rule's settings as the kind's model."""
        settings = self.rule.settings
        if not isinstance(settings, model):
            raise TypeError(f"rule {self.rule.id} holds {type(settings).__name__}, not {model.__name__}")
        return settings


@dataclass(frozen=True)
class Ended:
    """How a run ended. `events` are (type, data) the run caused for its own order; `words` hold no person's data."""

    status: RunStatus
    reason: RunReason
    words: str = ""
    results: dict[str, object] = field(default_factory=dict)
    events: tuple[tuple[str, dict[str, object]], ...] = ()


def done(
    words: str = "",
    *,
    results: dict[str, object] | None = None,
    events: tuple[tuple[str, dict[str, object]], ...] = (),
) -> Ended:
    """End a run well."""
    return Ended(RunStatus.DONE, RunReason.DONE, words, results or {}, events)


def skipped(reason: RunReason, words: str = "", *, results: dict[str, object] | None = None) -> Ended:
    """End a run without doing anything; the chain goes on."""
    return Ended(RunStatus.SKIPPED, reason, words, results or {})


def failed(reason: RunReason, words: str = "") -> Ended:
    """End a run for good; the rest of its chain does not run, and a person is told."""
    return Ended(RunStatus.FAILED, reason, words)


def send_id(run: UUID, *, message: Message) -> UUID:
    """Return the id of a send: the run's own, or one per employee where the run writes to employees."""
    return uuid5(run, message.addressee) if message.addressee else run


#: A record-only rule: acts inside the frame's one transaction, which also checks the visit and records the end.
Record = Callable[[RunContext, Tx], Awaitable[Ended]]

#: What a rule that leaves the house wants: one message, one per employee, or an end without any.
Composed = Message | tuple[Message, ...] | Ended

#: A rule that leaves the house: says what is to be sent; claiming, sending and recording are the frame's.
Compose = Callable[[RunContext, Tx], Awaitable[Composed]]


@dataclass(frozen=True)
class Action:
    """A registered rule kind: exactly one of `record` and `compose` is set."""

    kind: RuleKind
    record: Record | None = None
    compose: Compose | None = None
