"""How an exactly-once run goes, and what is left out of it so that the run must find what is then broken."""

from dataclasses import dataclass
from enum import StrEnum

from tests.chaos_sends.pipeline import SENDS


class Without(StrEnum):
    """What a run leaves out. Nothing but tests can leave it out."""

    NOTHING = ""
    POLICY = "policy"  # an unknown outcome is sent again at once
    TURNS = "turns"  # messages that Twilio's list cannot tell apart leave at the same time


@dataclass(frozen=True)
class Weather:
    """How a run goes. A worker is killed every `every` seconds on average, at least `least` times; `chance` is that of
    dying at a step around a send. With `asks_fail` Twilio cannot be asked now and then, which makes a run longer. One
    that is `is_deaf` has no good answer and no callback from Twilio: its list alone can tell. It ends early
    once the promise `until` is broken, and is given up when nothing changes for `patience` seconds.
    """

    sends: int = 60
    at_once: int = 12
    store: str = "sqlite"
    seed: int = 1
    every: float = 3.0
    least: int = 2
    chance: float = 0.004
    asks_fail: bool = False
    patience: float = 90.0
    is_deaf: bool = False
    until: str = ""
    without: Without = Without.NOTHING

    @property
    def orders(self) -> int:
        """How many orders make that many sends."""
        return -(-self.sends // SENDS)
