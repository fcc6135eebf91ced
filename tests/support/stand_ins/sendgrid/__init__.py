"""A SendGrid for tests and demonstrations: stateful, over real HTTP, with faults and signed events.

python -m tests.support.stand_ins.sendgrid --port 4020 --public-url http://127.0.0.1:8080
"""

from tests.support.stand_ins.sendgrid.events import EventFaults, Events, Habits, signing_key
from tests.support.stand_ins.sendgrid.faults import HALF, Fate, Faults
from tests.support.stand_ins.sendgrid.server import Exchange, Mail, SendGridStandIn, StandInOptions

__all__ = [
    "HALF",
    "EventFaults",
    "Events",
    "Exchange",
    "Fate",
    "Faults",
    "Habits",
    "Mail",
    "SendGridStandIn",
    "StandInOptions",
    "signing_key",
]
