"""A published version keeps its zone rules and holidays, whatever is installed later (M24)."""

from base64 import b64encode
from datetime import UTC, date, datetime

import pytest

from tests.pipeline.builders import FRAME, NOW, pipeline_of, view, warsaw
from tests.pipeline.kinds import KINDS
from workflows.pipeline.calendars import is_open
from workflows.pipeline.frozen import FrozenPipeline, freeze, thaw
from workflows.pipeline.kinds import Kinds
from workflows.pipeline.planning import moment
from workflows.pipeline.zones import zone_bytes

TEXT = f"""{FRAME}
    stages:
      new:
        rules:
          - comment: hello
            wait: {{for: 1d, at: "10:00"}}
            hours: office
      won:
        kind: success
        triggers: [{{payment: paid}}]
"""


def frozen() -> FrozenPipeline:
    from textwrap import dedent

    text = dedent(TEXT)
    return freeze(text, pipeline_of(TEXT), years=range(2026, 2029))


def test_a_version_holds_the_holidays_and_the_zone_rules() -> None:
    """Covers M24."""
    version = frozen()
    assert date(2026, 11, 11) in version.holidays["PL"]
    assert {day.year for day in version.holidays["PL"]} == {2026, 2027, 2028}
    assert version.zones == {"Europe/Warsaw": b64encode(zone_bytes("Europe/Warsaw")).decode()}
    assert version.tzdata
    assert version.holidays_release


def test_a_version_survives_being_stored_as_json() -> None:
    version = frozen()
    assert FrozenPipeline.model_validate_json(version.model_dump_json()) == version


def test_a_thawed_pipeline_is_the_published_one() -> None:
    """Covers M24, M71."""
    thawed, loaded = thaw(frozen(), KINDS), pipeline_of(TEXT)
    assert thawed.stages == loaded.stages
    due = moment(thawed, stage="new", rule="comment", view=view(), anchor=NOW)
    assert due == moment(loaded, stage="new", rule="comment", view=view(), anchor=NOW)


def test_only_the_frozen_holidays_count() -> None:
    """Covers M24."""
    changed = frozen().model_copy(update={"holidays": {"PL": [date(2026, 11, 19)]}})
    office = thaw(changed, KINDS).calendars["office"]
    assert is_open(office, warsaw("2026-11-11 10:00"))
    assert not is_open(office, warsaw("2026-11-19 10:00"))


def test_only_the_frozen_zone_rules_count() -> None:
    """Covers M24."""
    other = b64encode(zone_bytes("Asia/Tokyo")).decode()
    changed = frozen().model_copy(update={"zones": {"Europe/Warsaw": other}})
    office = thaw(changed, KINDS).calendars["office"]
    assert is_open(office, datetime(2026, 11, 18, 0, 30, tzinfo=UTC))
    assert not is_open(office, datetime(2026, 11, 18, 10, 0, tzinfo=UTC))


def test_a_version_whose_rules_are_gone_says_so() -> None:
    with pytest.raises(ValueError, match="unknown rule 'comment'"):
        thaw(frozen(), Kinds([KINDS["sms"]]))
