"""A pipeline as a drawing: stages with their chains of rules, triggers and moves between them; Mermaid and Graphviz."""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from workflows.contracts.state import StageKind
from workflows.pipeline.kinds import Reference
from workflows.pipeline.model import Pipeline, Rule, Stage
from workflows.pipeline.moments import own_wait
from workflows.pipeline.planning import title_of


@dataclass(frozen=True)
class _Arrow:
    start: str
    end: str
    words: str
    is_rule: bool


def as_mermaid(pipeline: Pipeline) -> str:
    """Draw the pipeline as a Mermaid flowchart."""
    lines = ["flowchart LR"]
    for place, stage in enumerate(pipeline.stages.values()):
        lines.append(f'  subgraph s{place}["{_mermaid(_label(stage))}"]')
        lines += [f'    {_node(place, rule)}["{_mermaid(_rule_label(pipeline, rule))}"]' for rule in stage.rules]
        lines += [
            f"    {_node(place, before)} --> {_node(place, rule)}"
            for rule in stage.rules
            if (before := stage.rule(rule.after or "")) is not None
        ]
        lines += [] if stage.rules else [f'    e{place}[" "]']
        lines.append("  end")
    for arrow in _arrows(pipeline):
        line = "-.->" if arrow.is_rule else "-->"
        lines.append(f'  {arrow.start} {line}|"{_mermaid(arrow.words)}"| {arrow.end}')
    return "\n".join(lines) + "\n"


def as_dot(pipeline: Pipeline) -> str:
    """Draw the pipeline in Graphviz's language."""
    lines = ["digraph pipeline {", "  rankdir=LR;", "  compound=true;", "  node [shape=box];"]
    for place, stage in enumerate(pipeline.stages.values()):
        lines += [f"  subgraph cluster_s{place} {{", f"    label={_dot(_label(stage))};"]
        lines.append(f"    s{place} [shape=point, style=invis];")
        lines += [f"    {_node(place, rule)} [label={_dot(_rule_label(pipeline, rule))}];" for rule in stage.rules]
        lines += [
            f"    {_node(place, before)} -> {_node(place, rule)};"
            for rule in stage.rules
            if (before := stage.rule(rule.after or "")) is not None
        ]
        lines.append("  }")
    for arrow in _arrows(pipeline):
        tail = f", ltail=cluster_{arrow.start}" if arrow.start.startswith("s") else ""
        style = ", style=dashed" if arrow.is_rule else ""
        label = _dot(arrow.words)
        lines.append(f"  {arrow.start} -> {arrow.end} [label={label}, lhead=cluster_{arrow.end}{tail}{style}];")
    return "\n".join([*lines, "}"]) + "\n"


def _arrows(pipeline: Pipeline) -> Iterator[_Arrow]:
    places = {name: place for place, name in enumerate(pipeline.stages)}
    for stage in pipeline.stages.values():
        for trigger in stage.triggers:
            # A trigger without `from:` is drawn from the stage before, as it moves orders on from any.
            before = list(pipeline.stages)[max(0, places[stage.id] - 1)]
            back = ", may go back" if trigger.back else ""
            for source in trigger.sources or (before,):
                if source in places and source != stage.id:
                    words = f"{trigger.title or trigger.event_type}{back}"
                    yield _Arrow(f"s{places[source]}", f"s{places[stage.id]}", words, is_rule=False)
        for rule in stage.rules:
            for target in _targets(pipeline, rule):
                if target in places:
                    yield _Arrow(_node(places[stage.id], rule), f"s{places[target]}", "moves", is_rule=True)


def _targets(pipeline: Pipeline, rule: Rule) -> list[str]:
    references = pipeline.kinds[rule.kind].references
    found = [getattr(rule.settings, name, "") for name, one in references.items() if one is Reference.STAGE]
    return [one for one in found if isinstance(one, str)]


def _label(stage: Stage) -> str:
    return stage.title if stage.kind is StageKind.OPEN else f"{stage.title} ({stage.kind})"


def _rule_label(pipeline: Pipeline, rule: Rule) -> str:
    own = own_wait(pipeline, rule=rule)
    parts = [str(rule.wait) if rule.wait else "", f"at most {own}" if own else "", rule.hours or ""]
    wait = ", ".join(part for part in parts if part)
    return f"{title_of(pipeline, rule=rule)} [{wait}]" if wait else title_of(pipeline, rule=rule)


def _node(place: int, rule: Rule) -> str:
    return f"r{place}_{rule.id.replace('-', '_')}"


def _mermaid(words: str) -> str:
    # Mermaid reads `#` as the start of an entity; within quotes HTML entities are safe.
    return escape(words, quote=False).replace('"', "&quot;").replace("#", "&num;")


def _dot(words: str) -> str:
    escaped = words.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
    return f'"{escaped}"'
