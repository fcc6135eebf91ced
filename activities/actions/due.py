"""When a task is due: `2h`, or as a wait is written: `{for: 1d, at: "10:00"}`, `{before: order.delivery_date, …}`."""

from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from workflows.pipeline.durations import Duration, DurationSetting, parse_clock, wall
from workflows.pipeline.fields import OrderView
from workflows.pipeline.model import Pipeline
from workflows.pipeline.values import Scope


def _clock(value: object) -> object:
    return parse_clock(value) if isinstance(value, str) else value


#: A clock time in quotes.
ClockSetting = Annotated[
    time | None, BeforeValidator(_clock), WithJsonSchema({"type": "string", "pattern": r"^([01]\d|2[0-3]):[0-5]\d$"})
]


class DueTime(BaseModel):
    """A moment counted from when the rule runs, or from a date of the order."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    length: DurationSetting = Field(default=Duration(), alias="for", description="How long.", examples=["2h", "1d"])
    before: str = Field(
        default="", description="Count back from this date of the order.", examples=["order.delivery_date"]
    )
    after: str = Field(
        default="", description="Count on from this date of the order.", examples=["order.delivery_date"]
    )
    at: ClockSetting = Field(default=None, description="The clock time of that day.", examples=["10:00"])

    @model_validator(mode="after")
    def _one_anchor(self) -> Self:
        if self.before and self.after:
            raise ValueError("write before: or after:, not both")
        if self.anchor and not self.anchor.startswith("order."):
            raise ValueError("the date is one of the order's, like order.delivery_date")
        return self

    @property
    def anchor(self) -> str:
        """The date of the order it counts from; empty when it counts from when the rule runs."""
        return self.before or self.after


def _read(value: object) -> object:
    return {"for": value} if isinstance(value, str) else value


#: Not due at any moment.
NEVER = DueTime()

#: A setting that is such a moment; a plain text is a duration.
DueSetting = Annotated[
    DueTime,
    BeforeValidator(_read),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": r"^\s*(\d+\s*[dhms]\s*)+$"},
                DueTime.model_json_schema(),
            ]
        }
    ),
]


def due_moment(due: DueTime, *, pipeline: Pipeline, view: OrderView, now: datetime) -> datetime | None:
    """Count the moment, in UTC; None for never, and when the order's date is not known."""
    if due == NEVER:
        return None
    zone = pipeline.zone
    start: object = now
    if due.anchor:
        start = Scope(pipeline=pipeline, view=view).value(tuple(due.anchor.split(".")))
    if not isinstance(start, datetime):
        return None
    moment = due.length.before(start, zone=zone) if due.before else due.length.after(start, zone=zone)
    if due.at is None:
        return moment.astimezone(UTC)
    # As in a rule's wait: the clock time of the day the length ends on; alone, the next time the clock shows it.
    local = moment.astimezone(zone)
    passed = not due.anchor and due.length == Duration() and local.time() > due.at
    day = local.date() + timedelta(days=1 if passed else 0)
    return wall(datetime.combine(day, due.at), zone=zone)
