"""The address that a customer answers a mail to: one for each mail, which proves the answer to be an answer to it.

`reply@shop.example` becomes `reply+TOKEN@shop.example` (subaddressing, RFC 5233). The token is the send's id and what
only we can make of it: who knows it has got the mail, whatever SPF and DKIM say of the server that brought the answer.
"""

from base64 import b32decode, b32encode
from collections.abc import Iterable
from uuid import UUID

from activities.runtime.tokens import MARK, Tokens

_PURPOSE = "reply"
_ID = 16


class Replies:
    """The addresses of answers, under an address such as `reply@shop.example`."""

    def __init__(self, address: str, *, tokens: Tokens) -> None:
        self._local, _, self._domain = address.strip().lower().rpartition("@")
        self._tokens = tokens

    @classmethod
    def of(cls, address: str, *, tokens: Tokens | None) -> "Replies | None":
        """Give them as the settings say; None where there is no address, or no key to sign with."""
        return cls(address, tokens=tokens) if address and tokens is not None else None

    def address(self, send_id: UUID) -> str:
        """Return the address that a mail is answered to."""
        mark = self._tokens.mark(send_id.bytes, purpose=_PURPOSE)
        # Letters of one case: servers on the way may change it. The local part stays under 64 characters (RFC 5321).
        token = b32encode(send_id.bytes + mark).decode().rstrip("=").lower()
        return f"{self._local}+{token}@{self._domain}"

    def send_of(self, recipients: Iterable[str]) -> UUID | None:
        """Return the send that a mail to these addresses answers; None where no token among them is ours."""
        return next((found for one in recipients if (found := self._read(one)) is not None), None)

    def _read(self, address: str) -> UUID | None:
        local, _, domain = address.strip().lower().rpartition("@")
        name, _, token = local.rpartition("+")
        if name != self._local or domain != self._domain:
            return None
        try:
            known = b32decode(token.upper() + "=" * (-len(token) % 8))
        except ValueError:  # also of letters that are none of its alphabet
            return None
        id, mark = known[:_ID], known[_ID:]
        if len(mark) != MARK or not self._tokens.is_marked(id, mark=mark, purpose=_PURPOSE):
            return None
        return UUID(bytes=id)
