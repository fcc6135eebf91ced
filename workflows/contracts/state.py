"""An order's state as the workflow shows it: ids and figures, never people."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from workflows.contracts.base import Contract


class StageKind(StrEnum):
    """What a stage means for the order's life."""

    OPEN = "open"
    SUCCESS = "success"
    FAILURE = "failure"

    @property
    def is_final(self) -> bool:
        """Say whether the order's automation ends in such a stage."""
        return self is not StageKind.OPEN


class OrderState(Contract):
    """Where an order stands. `attention` is empty or says why a person is needed."""

    shop: str
    number: str
    stage: str = ""
    stage_kind: StageKind = StageKind.OPEN
    pipeline: str = ""
    visit: int = 0
    entered_at: datetime | None = None
    attention: str = ""
    responsible: str = ""
    total: float = 0.0
    currency: str = ""
    paid: bool = False
    tags: list[str] = Field(default_factory=list)
    held: bool = False
