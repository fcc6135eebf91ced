"""Carries TwiML out, as far as our calls use it: what is said, played, put through; or why it cannot be read."""

import xml.etree.ElementTree as ET
from dataclasses import dataclass, field

#: Document parse failure, schema violation; https://www.twilio.com/docs/api/errors/12100
UNREADABLE, INVALID = 12100, 12200

_VERBS = ("Say", "Play", "Pause", "Hangup", "Dial", "Redirect", "Gather", "Record", "Reject")


@dataclass
class Heard:
    """What the person on the phone heard."""

    parts: list[str] = field(default_factory=list)
    error: int = 0


def listen(twiml: str) -> Heard:
    """Return what is heard: the texts of Say (and how they are spoken), the addresses of Play."""
    try:
        root = ET.fromstring(twiml)
    except ET.ParseError:
        return Heard(error=UNREADABLE)
    if root.tag != "Response" or any(verb.tag not in _VERBS for verb in root):
        return Heard(error=INVALID)
    heard = Heard()
    for verb in root:
        if verb.tag == "Hangup":
            break
        if verb.tag in ("Say", "Play"):
            heard.parts.append("".join(verb.itertext()).strip())
    return heard
