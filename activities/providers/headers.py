"""What the mail providers have in common: header values that stay one line, and the mark of an automatic mail."""

import re
from collections.abc import Mapping

#: RFC 3834: automatic answers and out-of-office notes are not sent to such mails.
AUTOMATIC: Mapping[str, str] = {"Auto-Submitted": "auto-generated"}

_BREAKS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]+")


def one_line(text: str) -> str:
    """Return a value without line breaks and control characters: after one, another header could begin."""
    return _BREAKS.sub(" ", text).strip()
