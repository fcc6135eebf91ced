"""`orders pipeline simulate`, `orders order fork`: what would happen, on a virtual clock. Nothing leaves the lab."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from starter.cli.connections import known_settings, opened_store, run
from starter.cli.named import JSON, NUMBER, SHOP, key_of
from starter.cli.output import Exit, Failure, note, say, say_json
from starter.cli.reading import STDIN, read_file

if TYPE_CHECKING:
    from starter.lab.forking import Fork
    from starter.lab.opening import Opening
    from starter.lab.script import Step
    from starter.lab.story import Story
    from workflows.contracts.ids import OrderKey
    from workflows.pipeline.file.report import Report
    from workflows.pipeline.model import Pipeline

#: What comes before or after a moment must be a moment, too.
_FIRST_YEAR, _LAST_YEAR = 1970, 9000

_EVENTS = Annotated[
    str,
    typer.Option(
        help="What happens, as a YAML list: - {at: +2h, type: payment.paid}; - reads standard input.",
        metavar="FILE",
    ),
]
_UNTIL = Annotated[str, typer.Option(help="How far to look: 30d, or a moment such as 2026-12-24T18:00.")]
_START = Annotated[
    str, typer.Option(help="The moment it begins, as ISO 8601, in the pipeline's zone if it names none; default: now.")
]
_FROM = Annotated[str, typer.Option(help="The moment from which +2h and --until 30d count; default: now.")]


def simulate(
    file: Annotated[str, typer.Argument(help="The pipeline file; - reads standard input.", metavar="FILE")],
    order: Annotated[str, typer.Option(help="The order as JSON, as POST /v1/orders takes it.", metavar="FILE")],
    events: _EVENTS = "",
    people: Annotated[str, typer.Option(help="Employees and departments, as YAML or JSON.", metavar="FILE")] = "",
    until: _UNTIL = "30d",
    start: _START = "",
    json: JSON = False,
) -> None:
    """Show what a pipeline does with an order: when, what, to whom, which text, or why not. Nothing is sent."""
    from starter.lab.playing import Plot, Unplayable
    from starter.lab.playing import simulate as played

    if [file, order, events, people].count(STDIN) > 1:
        raise Failure("Only one of the files can be standard input", help="name the others", code=Exit.USAGE)
    text = read_file(file, unreadable=Exit.INVALID)
    pipeline = _pipeline(text, file=file)
    minute = datetime.now(UTC).replace(second=0, microsecond=0)
    begin = _moment(start, option="--start", start=minute, pipeline=pipeline)
    end = _end(until, begin=begin, pipeline=pipeline)
    given = _Given(pipeline, begin=begin)
    opening = given.opening(order, people=people)
    steps = given.steps(events)
    given.refuse()
    _tell_of_late(steps, end=end)
    assert opening is not None  # else there was a problem
    plot = Plot(pipeline, text, opening, steps, start=begin, until=end)
    try:
        story = played(plot)
    except Unplayable as error:
        raise given.failure(error.words, step=error.step) from error
    _show(story, pipeline=pipeline, begin=begin, end=end, is_json=json)


def fork(
    number: NUMBER,
    events: _EVENTS = "",
    until: _UNTIL = "30d",
    start: _FROM = "",
    shop: SHOP = "",
    json: JSON = False,
) -> None:
    """Show what would happen to a live order if the events came. The order is only read, nothing is sent."""
    from starter.lab.forking import Branch
    from starter.lab.playing import Unplayable

    key, taken = run(_taken(number, shop=shop))
    pipeline = taken.pipeline
    now = datetime.now(UTC)
    begin = _moment(start, option="--start", start=now, pipeline=pipeline)
    if begin < now:
        words = "--start is in the past; the order is taken as it stands now"
        raise Failure(words, help="leave it out, or name a later moment", code=Exit.USAGE)
    end = _end(until, begin=begin, pipeline=pipeline)
    given = _Given(pipeline, begin=begin)
    steps = given.steps(events)
    given.refuse()
    _tell_of_late(steps, end=end)
    try:
        story = taken.play(Branch(key, steps, start=now, until=end))
    except Unplayable as error:
        raise given.failure(error.words, step=error.step) from error
    _show(story, pipeline=pipeline, begin=now, end=end, is_json=json)


async def _taken(number: str, *, shop: str) -> "tuple[OrderKey, Fork]":
    from starter.lab.forking import Fork

    settings = known_settings()
    key = key_of(number, shop=shop, settings=settings)
    async with opened_store(settings) as store:
        return key, await Fork.take(store, key)


class _Given:
    """The files a command was given, and everything that is wrong with them."""

    def __init__(self, pipeline: "Pipeline", *, begin: datetime) -> None:
        self._pipeline = pipeline
        self._begin = begin
        self._reports: list[Report] = []
        self._events: Report | None = None

    def opening(self, order: str, *, people: str) -> "Opening | None":
        """Read the order and the people."""
        from starter.lab.opening import read_order, read_people

        staff = None
        if people:
            text = read_file(people)
            staff = read_people(text, report=self._report(text, file=people))
        text = read_file(order)
        return read_order(text, report=self._report(text, file=order), pipeline=self._pipeline, staff=staff)

    def steps(self, events: str) -> "list[Step]":
        """Read what happens; without a file, nothing does."""
        from starter.lab.script import Setting, read_script

        if not events:
            return []
        text = read_file(events)
        self._events = self._report(text, file=events)
        return read_script(text, report=self._events, setting=Setting(self._pipeline, self._begin))

    def refuse(self) -> None:
        """End the command with all problems, if there are any."""
        from workflows.pipeline.problems import as_text

        problems = [problem for report in self._reports for problem in report.problems()]
        if problems:
            note(as_text(problems))
            count = len(problems)
            words = f"{count} problem{'s' if count > 1 else ''} in what was given; nothing was simulated"
            raise Failure(words, help="correct them; docs/testing-your-pipeline.md shows the forms", code=Exit.USAGE)

    def failure(self, words: str, *, step: "Step | None") -> Failure:
        """Return what cannot be played as the command's failure, with its place."""
        from starter.lab.reading import UNPLAYABLE
        from workflows.pipeline.problems import as_text

        if step is None or step.spot is None or self._events is None:
            return Failure(words, help="correct the order's file", code=Exit.USAGE)
        self._events.error(UNPLAYABLE, words, at=step.spot)
        note(as_text(self._events.problems()))
        return Failure("The events cannot be played", help="correct what stands there", code=Exit.USAGE)

    def _report(self, text: str, *, file: str) -> "Report":
        from workflows.pipeline.file.report import Report

        report = Report(text.removeprefix("\ufeff"), file="<stdin>" if file == "-" else file)
        self._reports.append(report)
        return report


def _pipeline(text: str, *, file: str) -> "Pipeline":
    from activities.actions import KINDS
    from activities.papers import documents_beside
    from workflows.pipeline.loader import load
    from workflows.pipeline.problems import as_text

    documents = documents_beside(file)
    loaded = load(text, file="<stdin>" if file == "-" else file, kinds=KINDS, documents=documents)
    if loaded.pipeline is None:
        note(as_text(loaded.errors))
        count = len(loaded.errors)
        words = f"{file} has {count} error{'s' if count != 1 else ''}; nothing was simulated"
        raise Failure(words, help="correct them and check with `orders pipeline check`", code=Exit.INVALID)
    return loaded.pipeline


def _tell_of_late(steps: "list[Step]", *, end: datetime) -> None:
    late = sum(1 for step in steps if step.at > end)
    if late:
        note(f"{late} of {len(steps)} events come after --until and are left out")


def _end(until: str, *, begin: datetime, pipeline: "Pipeline") -> datetime:
    end = _moment(until, option="--until", start=begin, pipeline=pipeline)
    if end < begin:
        raise Failure("--until is before the start", help="write --until 30d", code=Exit.USAGE)
    return end


def _moment(text: str, *, option: str, start: datetime, pipeline: "Pipeline") -> datetime:
    from starter.lab.moments import parse_moment
    from workflows.pipeline.mistakes import Mistake

    if not text:
        return start
    try:
        found = parse_moment(text, start=start, zone=pipeline.zone)
    except Mistake as mistake:
        raise Failure(f"{option}: {mistake.words}", help=mistake.help, code=Exit.USAGE) from mistake
    if not _FIRST_YEAR <= found.year <= _LAST_YEAR:
        raise Failure(f"{option} lies between the years {_FIRST_YEAR} and {_LAST_YEAR}", code=Exit.USAGE)
    return found


def _show(story: "Story", *, pipeline: "Pipeline", begin: datetime, end: datetime, is_json: bool) -> None:
    from starter.lab.writing import Frame, as_json, as_text

    frame = Frame(pipeline.id, pipeline.timezone, pipeline.zone, start=begin, until=end)
    if is_json:
        say_json(as_json(story, frame=frame))
    else:
        say(as_text(story, frame=frame))
