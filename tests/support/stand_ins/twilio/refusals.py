"""Why the stand-in refuses a request: what is missing or wrong in its form, and Twilio's magic numbers.

Source: https://www.twilio.com/docs/iam/test-credentials
"""

import re
from collections.abc import Mapping

_ADDRESS = re.compile(r"(whatsapp:)?\+[1-9][0-9]{6,14}|messenger:[0-9A-Za-z_-]+")

_MESSAGES_TO = {"+15005550001": 21211, "+15005550002": 21612, "+15005550003": 21408, "+15005550004": 21610}
_MESSAGES_TO["+15005550009"] = 21614
_MESSAGES_FROM = {"+15005550001": 21212, "+15005550007": 21606, "+15005550008": 21611}
_CALLS_TO = {"+15005550001": 21217, "+15005550002": 21214, "+15005550003": 21215, "+15005550004": 13225}
_CALLS_FROM = {"+15005550001": 21212}


def of_message(form: Mapping[str, str]) -> int:
    """Return the code with which a message is refused, 0 if it is not."""
    to, sender = form.get("To", ""), form.get("From", "")
    if not to:
        return 21604
    if not _ADDRESS.fullmatch(to):
        return 21211
    if not sender and not form.get("MessagingServiceSid"):
        return 21603
    if not form.get("Body") and not form.get("ContentSid"):
        return 21602
    if len(form.get("Body", "")) > 1600:
        return 21617
    period = form.get("ValidityPeriod", "1")
    if not period.isdecimal() or not 1 <= int(period) <= 36_000:
        return 21626
    return _MESSAGES_TO.get(to, 0) or _MESSAGES_FROM.get(sender, 0)


def of_call(form: Mapping[str, str]) -> int:
    """Return the code with which a call is refused, 0 if it is not."""
    to, sender = form.get("To", ""), form.get("From", "")
    if not to:
        return 21201
    if not _ADDRESS.fullmatch(to):
        return 21217
    if not sender:
        return 21213
    if not form.get("Url", "").startswith(("http://", "https://")) and not form.get("Twiml"):
        return 21205
    return _CALLS_TO.get(to, 0) or _CALLS_FROM.get(sender, 0)
