"""The two model bases of the contracts: strict for what we write ourselves, tolerant for what outsiders send."""

from pydantic import BaseModel, ConfigDict


class Contract(BaseModel):
    """A frozen message between our own parts; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Tolerant(BaseModel):
    """A message an outsider may have written; unknown keys are dropped, not refused."""

    model_config = ConfigDict(extra="ignore", frozen=True)
