"""For tests of a shop's own pipeline: place an order, let things happen, say what is expected.

    from starter.lab.testing import given_order

    def test_who_pays_gets_a_receipt():
        order = given_order("shop.yaml", total="49.00", customer={"first_name": "Ada", "phones": [{"number": "+48…"}]})
        order.when("payment.paid", after="2h").expect_stage("paid").expect_sms(text="Thank you", within="1m")

Every expectation plays the whole story in the lab up to its moment, so days cost nothing; one that fails prints it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from activities.actions import KINDS
from activities.papers import documents_beside
from activities.providers.stand_in import Mood
from activities.shelf import Shelf
from activities.store.records import CustomerRef, Department, NewEmployee, NewOrder
from starter.gateway.event_types import known_type
from starter.lab.moments import parse_moment
from starter.lab.opening import NUMBER, Opening
from starter.lab.playing import Plot, simulate
from starter.lab.script import CHANNELS, COMMANDS, Behaves, Commanded, Happens, Step
from starter.lab.story import Entry, Story, What
from starter.lab.writing import Frame, as_text
from workflows.pipeline.loader import load
from workflows.pipeline.mistakes import suggestion
from workflows.pipeline.model import Pipeline
from workflows.pipeline.problems import as_text as problems_as_text

__all__ = ["OrderInLab", "Unexpected", "given_order"]

#: A failure shows the test's line, not this file's (pytest looks for this name).
__tracebackhide__ = True

#: When an order is placed unless a test says otherwise: a Monday morning in the pipeline's zone.
START = "2026-11-23T10:00"
_MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

#: How messages leave the house; everything else a rule says stays in it.
_OUTSIDE = ("sms", "email", "webhook", "voice", "chat")


class Unexpected(AssertionError):
    """The story is not as expected; the message holds what was expected, and the story."""


def given_order(
    pipeline: str | Path,
    *,
    start: str = START,
    employees: Sequence[Mapping[str, Any]] = (),
    departments: Sequence[Mapping[str, Any]] = (),
    **order: Any,
) -> "OrderInLab":
    """Place an order; its fields are those of POST /v1/orders. `pipeline` is a file, or the text of one.

    Raise ValueError for a pipeline with errors or an order that cannot be read.
    """
    text = _text(pipeline)
    known = _loaded(text, "" if text is pipeline else str(pipeline))
    given = {"number": NUMBER, "pipeline": known.id, **order}
    opening = Opening(
        NewOrder.model_validate(given),
        tuple(NewEmployee.model_validate(dict(one)) for one in employees),
        tuple(Department.model_validate(dict(one)) for one in departments),
    )
    moment = parse_moment(start, start=_MONDAY, zone=known.zone)
    plot = Plot(known, text, opening, (), start=moment, until=moment)
    return OrderInLab(plot, at=moment, since=moment)


@dataclass(frozen=True)
class OrderInLab:
    """An order, what happened to it so far, and the moment of the last step (`at`); each step gives a new one.

    Expectations look at what came since the last step: at once, or `within` a time. They return the same order.
    """

    plot: Plot
    at: datetime
    since: datetime

    def when(
        self, event: str, *, after: str = "0s", customer: Mapping[str, str] | None = None, **data: Any
    ) -> "OrderInLab":
        """Let an event happen, so long after the last step: `when("payment.received", after="2h", amount="49.00")`.

        With `customer={"phone": "+48…"}` it names a customer, as a call does, in place of the order.
        """
        who = CustomerRef.model_validate(dict(customer)) if customer is not None else None
        return self._then(Happens(known_type(event), data, who), after=after)

    def when_told(self, command: str, *, after: str = "0s", **arguments: Any) -> "OrderInLab":
        """Let an operator give a command: `when_told("move", stage="paid")`, `when_told("hold")`."""
        if command not in COMMANDS:
            raise ValueError(f"there is no command '{command}'; there are {', '.join(COMMANDS)}")
        if "stage" in arguments:
            self._check(str(arguments["stage"]), among=list(self.plot.pipeline.stages), what="stage")
        if "rule" in arguments:
            self._check_rule(str(arguments["rule"]))
        return self._then(Commanded(command, COMMANDS[command][0].model_validate(arguments)), after=after)

    def when_provider(self, channel: str, *, is_: str, after: str = "0s") -> "OrderInLab":
        """Let a channel's provider be `up`, `down`, `refusing`, `silent` or `unanswered` from then on."""
        self._check(channel, among=list(CHANNELS), what="channel")
        return self._then(Behaves(channel, Mood(is_)), after=after)

    def after(self, time: str) -> "OrderInLab":
        """Let time pass; expectations look at what comes from then on."""
        at = self._later(time)
        return replace(self, at=at, since=at)

    def expect_sms(self, *, to: str = "", text: str = "", within: str = "0s") -> "OrderInLab":
        """Expect a text message; `text` is a part of it."""
        return self._expect_said("sms", to=to, text=text, within=within)

    def expect_email(self, *, to: str = "", subject: str = "", text: str = "", within: str = "0s") -> "OrderInLab":
        """Expect a mail; `subject` and `text` are parts of it."""
        return self._expect_said("email", to=to, text=text, subject=subject, within=within)

    def expect_call(self, *, to: str = "", text: str = "", within: str = "0s") -> "OrderInLab":
        """Expect a call; `text` is a part of what it says."""
        return self._expect_said("voice", to=to, text=text, within=within)

    def expect_chat(self, *, to: str = "", text: str = "", within: str = "0s") -> "OrderInLab":
        """Expect a chat message; `text` is a part of it."""
        return self._expect_said("chat", to=to, text=text, within=within)

    def expect_webhook(self, *, to: str = "", text: str = "", within: str = "0s") -> "OrderInLab":
        """Expect a call of a shop's system; `text` is a part of its body."""
        return self._expect_said("webhook", to=to, text=text, within=within)

    def expect_task(self, *, to: str = "", title: str = "", within: str = "0s") -> "OrderInLab":
        """Expect a task for an employee; `title` is a part of its title."""
        return self._expect_said("task", to=to, subject=title, within=within)

    def expect_notice(self, *, to: str = "", text: str = "", within: str = "0s") -> "OrderInLab":
        """Expect a notice in an employee's inbox."""
        return self._expect_said("notice", to=to, text=text, within=within)

    def expect_nothing_sent(self, *, within: str = "0s") -> "OrderInLab":
        """Expect that no message leaves the house."""
        story = self._story(within)
        for entry in self._new(story):
            for said in entry.said:
                if said.how in _OUTSIDE:
                    self._fail(f"nothing to be sent, but {entry.name} sent {said.how} to {said.to}", story, within)
        return self

    def expect_stage(self, stage: str, *, within: str = "0s") -> "OrderInLab":
        """Expect the order to be in a stage at the end of that time."""
        self._check(stage, among=list(self.plot.pipeline.stages), what="stage")
        story = self._story(within)
        if story.stage != stage:
            self._fail(f"stage {stage}, but the order is in {story.stage}", story, within)
        return self

    def expect_done(self, rule: str, *, within: str = "0s") -> "OrderInLab":
        """Expect a rule to be carried out."""
        return self._expect_rule(rule, status="done", because="", within=within)

    def expect_skipped(self, rule: str, *, because: str = "", within: str = "0s") -> "OrderInLab":
        """Expect a rule to be skipped, for a reason such as `condition_false`."""
        return self._expect_rule(rule, status="skipped", because=because, within=within)

    def expect_failed(self, rule: str, *, because: str = "", within: str = "0s") -> "OrderInLab":
        """Expect a rule to fail for good, for a reason such as `empty_value`."""
        return self._expect_rule(rule, status="failed", because=because, within=within)

    def expect_stopped(self, rule: str, *, because: str = "", within: str = "0s") -> "OrderInLab":
        """Expect a rule to be stopped, for a reason such as `stage_left`."""
        return self._expect_rule(rule, status="stopped", because=because, within=within)

    def expect_waiting(self, rule: str, *, until: str = "", within: str = "0s") -> "OrderInLab":
        """Expect a rule to wait at the end of that time; `until` is a moment such as 2026-11-24T10:00."""
        self._check_rule(rule)
        story = self._story(within)
        found = next((one for one in story.waiting if one.rule == rule), None)
        if found is None:
            self._fail(f"rule {rule} to wait, but it does not", story, within)
        wanted = parse_moment(until, start=self.at, zone=self.plot.pipeline.zone) if until else None
        if wanted is not None and (found is None or found.due != wanted):
            self._fail(f"rule {rule} to wait until {until}, but it waits for another moment", story, within)
        return self

    def timeline(self, *, within: str = "0s") -> str:
        """Return the story so far, as `orders pipeline simulate` prints it."""
        story, plot = self._story(within), self.plot
        zone = plot.pipeline.zone
        frame = Frame(plot.pipeline.id, plot.pipeline.timezone, zone, start=plot.start, until=self._later(within))
        return as_text(story, frame=frame)

    # --- underneath ----------------------------------------------------------------------------------------------

    def _then(self, what: Happens | Commanded | Behaves, *, after: str) -> "OrderInLab":
        at = self._later(after)
        return replace(self, plot=replace(self.plot, steps=(*self.plot.steps, Step(at, what))), at=at, since=at)

    def _later(self, time: str) -> datetime:
        moment = parse_moment(time, start=self.at, zone=self.plot.pipeline.zone)
        if moment < self.at:
            raise ValueError(f"'{time}' is before the last step, {self.at.astimezone(self.plot.pipeline.zone)}")
        return moment

    def _check_rule(self, name: str) -> None:
        rules = [rule.id for stage in self.plot.pipeline.stages.values() for rule in stage.rules]
        self._check(name, among=rules, what="rule")

    def _check(self, name: str, *, among: list[str], what: str) -> None:
        """A name that nothing has would let a test pass that looks at nothing."""
        if name not in among:
            known = suggestion(name, among, label=f"{what.capitalize()}s")
            raise ValueError(f"there is no {what} '{name}'. {known}")

    def _story(self, within: str) -> Story:
        plot = replace(self.plot, until=self._later(within))
        return simulate(plot, shelf=_shelf(plot.text, plot.start.year))

    def _new(self, story: Story) -> list[Entry]:
        return [entry for entry in story.entries if entry.at >= self.since]

    def _expect_said(self, how: str, *, to: str, within: str, text: str = "", subject: str = "") -> "OrderInLab":
        story = self._story(within)
        for entry in self._new(story):
            for said in entry.said:
                is_meant = said.how == how and to in ("", said.to, *said.to.split(", "))
                if is_meant and text in said.text and subject in said.subject:
                    return self
        told = [f"to {to}" if to else "", f"with '{subject}'" if subject else "", f"saying '{text}'" if text else ""]
        self._fail(" ".join(part for part in (how, *told) if part), story, within)
        return self

    def _expect_rule(self, rule: str, *, status: str, because: str, within: str) -> "OrderInLab":
        self._check_rule(rule)
        story = self._story(within)
        ended = [entry for entry in self._new(story) if entry.what is What.RULE and entry.name == rule]
        if any(entry.status == status and because in ("", entry.reason) for entry in ended):
            return self
        wanted = f"rule {rule} {status}" + (f" ({because})" if because else "")
        was = f"it is {ended[-1].status} ({ended[-1].reason})" if ended else "it has not ended"
        self._fail(f"{wanted}, but {was}", story, within)
        return self

    def _fail(self, wanted: str, story: Story, within: str) -> None:
        zone = self.plot.pipeline.zone
        span = "at once" if self._later(within) == self.at else f"within {within}"
        told = self.timeline(within=within)
        raise Unexpected(f"expected {wanted}, {span} from {self.at.astimezone(zone):%a %d %b %H:%M} on\n\n{told}")


def _text(pipeline: str | Path) -> str:
    if isinstance(pipeline, str) and "\n" in pipeline:
        return pipeline
    return Path(pipeline).read_text(encoding="utf-8")


@lru_cache(maxsize=32)
def _loaded(text: str, file: str) -> Pipeline:
    documents = documents_beside(file) if file else None
    loaded = load(text, file="the pipeline", kinds=KINDS, documents=documents)
    if loaded.pipeline is None:
        raise ValueError(f"the pipeline has errors\n{problems_as_text(loaded.errors)}")
    return loaded.pipeline


@lru_cache(maxsize=32)
def _shelf(text: str, year: int) -> Shelf:
    # Holidays and zone rules are frozen for the years around the start.
    return Shelf(KINDS)
