"""Raw mail in, its message out, for bounded work: the library's parser takes minutes for headers made to hurt it.

Long headers are cut, and of a mail with too many or too deep parts the headers alone are read.
"""

from email import message_from_bytes
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from email.policy import EmailPolicy
from itertools import count

#: What is kept of a header, in characters; of those that say how a body is written, less: every part has them.
_LONGEST, _LONGEST_OF_BODY = 4_000, 500

#: A comment in a header costs a call inside a call, and so do parts inside parts.
_MOST_COMMENTS, _MOST_PARTS = 20, 200

_LONGEST_HEAD = 100_000


class _TooManyParts(Exception):
    pass


class _Limited(EmailPolicy):
    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        """Cut a header that is too long."""
        name, value = super().header_source_parse(sourcelines)
        if value.count("(") > _MOST_COMMENTS:
            return name, ""
        return name, value[: _LONGEST_OF_BODY if name.lower().startswith("content-") else _LONGEST]

    def header_fetch_parse(self, name: str, value: str) -> str:
        """Give a header that the library's parser breaks on as it is written: the parser of parts asks for some."""
        try:
            found: str = super().header_fetch_parse(name, value)
        except RecursionError:
            raise
        except Exception:  # IndexError for `; name*0`, ValueError, AttributeError
            found = " ".join(value.splitlines())
        return found


def parsed(raw: bytes) -> EmailMessage:
    """Parse a raw mail; whatever is wrong with it, a message comes out."""
    numbers = count()

    def part(policy: EmailPolicy | None = None) -> EmailMessage:
        if next(numbers) > _MOST_PARTS:
            raise _TooManyParts
        return EmailMessage(policy)

    try:
        message = message_from_bytes(raw, policy=_Limited(message_factory=part))  # type: ignore[call-overload]  # the stubs know factories of Message only
    except (_TooManyParts, RecursionError):
        head = raw[:_LONGEST_HEAD]
        message = BytesHeaderParser(policy=_Limited()).parsebytes(head)
    assert isinstance(message, EmailMessage)
    return message
