"""A Twilio for tests and demonstrations: stateful, over real HTTP, with faults and signed callbacks.

python -m tests.support.stand_ins.twilio --port 4010 --public-url http://127.0.0.1:8080 --auth-token TOKEN
"""

from tests.support.stand_ins.twilio.faults import CallbackFaults, Fate, Faults
from tests.support.stand_ins.twilio.records import Accepted, CallState, MessageState
from tests.support.stand_ins.twilio.server import ACCOUNT, Exchange, StandInOptions, TwilioStandIn

__all__ = [
    "ACCOUNT",
    "Accepted",
    "CallState",
    "CallbackFaults",
    "Exchange",
    "Fate",
    "Faults",
    "MessageState",
    "StandInOptions",
    "TwilioStandIn",
]
