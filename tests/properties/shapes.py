"""Random pipelines: drawn as small frozen shapes, written as YAML, loaded by the product's own loader."""

import json
from dataclasses import dataclass, replace
from functools import cache, lru_cache

from hypothesis import strategies as st

from activities.actions import KINDS
from workflows.pipeline.loader import load
from workflows.pipeline.model import Pipeline, Rule, Stage, StageKind, Trigger
from workflows.pipeline.problems import as_text

#: The event types that triggers of these pipelines listen to; one is the customer's, one is a fact of the order.
EVENTS = ("payment.paid", "call.incoming", "webhook.go", "shipment.delivered")

WAITS = ("2h", "1d", '{for: 1d, at: "10:00"}', "{before: order.delivery_date, for: 1d}")

CONDITIONS = ("not order.paid", "order.note == 'x'")

HEAD = """pipeline: shop
title: Shop
timezone: Europe/Warsaw
languages: [en]
quiet_hours: off
calendars:
  office: {days: mon-fri, hours: "09:00-18:00"}
stages:
"""


@dataclass(frozen=True)
class RuleShape:
    """A rule: its kind with its value, and everything that bears on when it runs."""

    id: str
    kind: str
    after: str = ""
    wait: str = ""
    hours: str = ""
    when: str = ""
    once: bool = False
    continues: bool = False

    def line(self) -> str:
        """Write it as one line of YAML."""
        parts = [f"id: {self.id}", self.kind]
        parts += [f"after: {self.after}"] if self.after else []
        parts += [f"wait: {self.wait}"] if self.wait else []
        parts += [f"hours: {self.hours}"] if self.hours else []
        parts += [f"when: {json.dumps(self.when)}"] if self.when else []
        parts += ["once: true"] if self.once else []
        parts += ["on_failure: continue"] if self.continues else []
        return f"      - {{{', '.join(parts)}}}\n"


@dataclass(frozen=True)
class TriggerShape:
    """A trigger."""

    event: str
    back: bool = False
    when: str = ""

    def line(self) -> str:
        """Write it as one line of YAML."""
        family, _, name = self.event.partition(".")
        parts = [f"{family}: {name}"]
        parts += ["back: true"] if self.back else []
        parts += [f"when: {json.dumps(self.when)}"] if self.when else []
        return f"      - {{{', '.join(parts)}}}\n"


@dataclass(frozen=True)
class StageShape:
    """A stage."""

    id: str
    is_final: bool
    triggers: tuple[TriggerShape, ...]
    rules: tuple[RuleShape, ...]

    def lines(self) -> str:
        """Write it as YAML."""
        text = f"  {self.id}:\n    title: {self.id}\n"
        text += "    kind: success\n" if self.is_final else ""
        text += "    triggers:\n" + "".join(one.line() for one in self.triggers) if self.triggers else ""
        text += "    rules:\n" + "".join(one.line() for one in self.rules) if self.rules else ""
        return text


def yaml_of(stages: "Shape") -> str:
    """Write a pipeline."""
    return HEAD + "".join(stage.lines() for stage in stages)


Shape = tuple[StageShape, ...]


def loaded(text: str) -> Pipeline:
    """Load a pipeline; a shape that is no pipeline is a mistake of these strategies."""
    found = load(text, file="shop.yaml", kinds=KINDS)
    assert found.pipeline is not None, f"{as_text(found.errors)}\n{text}"
    return found.pipeline


@lru_cache(maxsize=10_000)
def pipeline_of(shape: Shape) -> Pipeline:
    """Put a pipeline together of parts that were loaded before: the loader alone would be most of a test's time."""
    frame = _frame(tuple(stage.id for stage in shape))
    return replace(frame, stages={stage.id: _stage(frame.stages[stage.id], stage) for stage in shape}, compiled={})


def _stage(empty: Stage, shape: StageShape) -> Stage:
    return replace(
        empty,
        kind=StageKind.SUCCESS if shape.is_final else StageKind.OPEN,
        triggers=tuple(replace(_trigger(one), position=place) for place, one in enumerate(shape.triggers)),
        rules=tuple(_rule(one) for one in shape.rules),
    )


@cache
def _frame(ids: tuple[str, ...]) -> Pipeline:
    return loaded(yaml_of(tuple(StageShape(one, False, (), ()) for one in ids)))


@cache
def _trigger(shape: TriggerShape) -> Trigger:
    return _alone(triggers=(shape,)).triggers[0]


def _rule(shape: RuleShape) -> Rule:
    return replace(
        _part(RuleShape("r1", shape.kind)),
        id=shape.id,
        after=shape.after or None,
        wait=_part(RuleShape("r1", "log: Noted", wait=shape.wait)).wait,
        hours=shape.hours or None,
        when=_part(RuleShape("r1", "log: Noted", when=shape.when)).when,
        once=shape.once,
        continues_on_failure=shape.continues,
    )


@cache
def _part(shape: RuleShape) -> Rule:
    return _alone(rules=(shape,)).rules[0]


def _alone(*, triggers: tuple[TriggerShape, ...] = (), rules: tuple[RuleShape, ...] = ()) -> Stage:
    others = tuple(StageShape(one, False, (), ()) for one in ("s1", "s2", "s3"))
    here = StageShape("here", False, triggers, rules)
    return loaded(yaml_of((*others, here))).stages["here"]


@st.composite
def pipelines(draw: st.DrawFn) -> Shape:
    """Draw a pipeline."""
    count = draw(st.integers(2, 3))
    ids = [f"s{place}" for place in range(1, count + 1)]
    return tuple(draw(_stages(ids, place=place)) for place in range(count))


@st.composite
def changed(draw: st.DrawFn, shape: Shape) -> Shape:
    """Draw another version of a pipeline: one stage is another."""
    ids = [stage.id for stage in shape]
    place = draw(st.integers(0, len(ids) - 1))
    return (*shape[:place], draw(_stages(ids, place=place)), *shape[place + 1 :])


@st.composite
def _stages(draw: st.DrawFn, ids: list[str], *, place: int) -> StageShape:
    others = [one for one in ids if one != ids[place]]
    triggers = draw(st.lists(_triggers(), min_size=0 if place == 0 else 1, max_size=2))
    size = draw(st.integers(0, 4))
    rules = [draw(_rules(others, place=n)) for n in range(size)]
    if draw(st.booleans()):
        rules.reverse()  # a chain may be written in any order
    return StageShape(ids[place], draw(st.booleans()) if place else False, tuple(triggers), tuple(rules))


@st.composite
def _triggers(draw: st.DrawFn) -> TriggerShape:
    return TriggerShape(
        event=draw(st.sampled_from(EVENTS)),
        back=draw(st.booleans()),
        when=draw(st.sampled_from(("", "", "", *CONDITIONS))),
    )


@st.composite
def _rules(draw: st.DrawFn, stages: list[str], *, place: int) -> RuleShape:
    kind = draw(
        st.sampled_from(
            (
                "log: Noted",
                *["webhook: 'https://erp.example/hook'"] * 4,
                *['log: "{{ order.note }}"'] * 2,  # fails while the note is empty (M40)
                "wait_for: customer, at_most: 1d",
                f"move: {draw(st.sampled_from(stages))}",
                "set: {note: x}",
                "mark_paid: true",
            )
        )
    )
    return RuleShape(
        id=f"r{place + 1}",
        kind=kind,
        after=f"r{draw(st.integers(1, place))}" if place and draw(st.booleans()) else "",
        wait=draw(st.sampled_from(("", "", "", "", "", "", *WAITS))),
        hours=draw(st.sampled_from(("", "", "", "", "", "", "office"))),
        when=draw(st.sampled_from(("", "", "", "", *CONDITIONS))),
        once=draw(st.sampled_from((False, False, False, True))),
        continues=draw(st.sampled_from((False, False, True))),
    )
