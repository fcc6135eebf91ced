"""What an action gets and gives: a rule kind is one file with `KIND` and either `record` or `compose`."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar
from uuid import UUID, uuid5

from activities.providers.protocol import Message
from activities.runtime.replies import Replies
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
    are those the administrator has connected (none: any); `default_mailbox` sends mails without a sender. `replies`
    gives customers' mails the addresses that they are answered to.
    """

    public_url: str = ""
    tokens: Tokens | None = None
    default_mailbox: str = ""
    mailboxes: frozenset[str] = frozenset()
    replies: Replies | None = None


@dataclass(frozen=True)
class RunContext:
    """One run about to be carried out; its condition held and its visit is current.

    `run` is the run's id; `attempt` counts from 1 how often its message is sent because it reached nobody.
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
    attempt: int = 1

    @property
    def send_id(self) -> UUID:
        """The id of the send of a rule that writes to the customer."""
        return attempt_id(self.run, attempt=self.attempt)

    def settings(self, model: type[Settings]) -> Settings:
        """Return the rule's settings as the kind's model."""
        settings = self.rule.settings
        if not isinstance(settings, model):
            raise TypeError(f"rule {self.rule.id} holds {type(settings).__name__}, not {model.__name__}")
        return settings


@dataclass(frozen=True)
class Ended:
    """How a run ended. `events` are (type, data) the run caused for its own order; `words` hold no person's data.

    With `deletes_order` the order's record is deleted once the rules of its visit have ended.
    """

    status: RunStatus
    reason: RunReason
    words: str = ""
    results: dict[str, object] = field(default_factory=dict)
    events: tuple[tuple[str, dict[str, object]], ...] = ()
    deletes_order: bool = False


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
    """Return the id of a send: that of the run's attempt, or one per employee where the run writes to employees."""
    attempt = attempt_id(run, attempt=message.attempt)
    return uuid5(attempt, message.addressee) if message.addressee else attempt


def attempt_id(run: UUID, *, attempt: int) -> UUID:
    """Return the id of a run's attempt; the first one's is the run's own."""
    return uuid5(run, f"attempt-{attempt}") if attempt > 1 else run


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
