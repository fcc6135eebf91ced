"""Files of the lab in, plain values with their places out: problems read as those of a pipeline file do."""

from collections.abc import Mapping
from decimal import Decimal
from typing import TypeAlias, TypeVar

from pydantic import BaseModel, ValidationError

from starter.misfits import misfits
from workflows.pipeline.file.document import Block, Listing, Misplaced, Node, Scalar, read
from workflows.pipeline.file.report import Report, Spot
from workflows.pipeline.mistakes import nearest
from workflows.pipeline.problems import Problem

#: The codes of problems in the lab's files: unreadable values, unknown names, what cannot be played.
BAD_VALUE = "L201"
UNKNOWN_NAME = "L202"
UNPLAYABLE = "L203"

Plain: TypeAlias = "bool | int | float | str | list[Plain] | dict[str, Plain] | None"
Model = TypeVar("Model", bound=BaseModel)


class Unreadable(Exception):
    """Files of the lab have problems; all of them."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = problems


def root_of(text: str, *, report: Report, help: str) -> Spot | None:
    """Read a YAML or JSON text; None, with a problem, if it cannot be read."""
    try:
        node, mistakes = read(text.removeprefix("\ufeff"), help=help)
    except Misplaced as misplaced:
        report.place(misplaced.mistake, place=misplaced.place)
        return None
    for mistake, place in mistakes:
        report.place(mistake, place=place)
    return Spot(node)


def plain(node: Node) -> Plain:
    """Turn a value into plain JSON."""
    if isinstance(node, Block):
        return {entry.key.text: plain(entry.value) for entry in node.entries}
    if isinstance(node, Listing):
        return [plain(item) for item in node.items]
    return float(node.value) if isinstance(node.value, Decimal) else node.value


def checked(model: type[Model], values: Mapping[str, Plain], *, at: Spot, report: Report) -> Model | None:
    """Make a record of values; None, with a problem at each of its places, if they do not fit."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        for misfit in misfits(error.errors(include_url=False), kind=model):
            place = _spot(at, misfit.place)
            name = ".".join(str(part) for part in misfit.place)
            if misfit.is_unknown:
                close = nearest(place.name, list(model.model_fields))
                help = f"Did you mean '{close}'?" if close and place.path.count(".") == at.path.count(".") else ""
                report.error(UNKNOWN_NAME, f"unknown key '{name}'", at=place.at_key(), help=help)
            else:
                report.error(BAD_VALUE, f"{name}: {misfit.words}" if name else misfit.words, at=place)
        return None


def is_text(spot: Spot) -> bool:
    """Say whether a value is a text that is not empty."""
    return isinstance(spot.node, Scalar) and isinstance(spot.node.value, str) and bool(spot.node.value.strip())


def _spot(root: Spot, loc: tuple[int | str, ...]) -> Spot:
    """Find the value of a path; as much of it as there is."""
    here = root
    for part in loc:
        if isinstance(part, int):
            items = here.items() if isinstance(here.node, Listing) else []
            found = items[part] if part < len(items) else None
        else:
            found = here.get(part)
        if found is None:
            return here
        here = found
    return here
