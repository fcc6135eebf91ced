"""Every reason of the closed lists has its words (M64)."""

import pytest

from workflows.contracts.reasons import EventReason, RunReason
from workflows.pipeline.explaining import explain_event, explain_run


@pytest.mark.parametrize("reason", list(RunReason), ids=str)
def test_every_reason_of_a_run_is_explained(reason: RunReason) -> None:
    """Covers M64."""
    assert str(explain_run(reason)).endswith(".")


@pytest.mark.parametrize("reason", list(EventReason), ids=str)
def test_every_reason_of_an_event_is_explained(reason: EventReason) -> None:
    """Covers M64."""
    assert str(explain_event(reason)).endswith(".")
