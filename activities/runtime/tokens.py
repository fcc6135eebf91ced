"""Signed tokens for links that leave the house: unsubscribing, visitors, chats. They carry ids, never a person's data.

In: a purpose and a value. Out: text that fits into an URL. Several keys: the first signs, all are accepted.
"""

import hmac
from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256

from itsdangerous import BadData, URLSafeTimedSerializer
from itsdangerous.encoding import base64_decode, base64_encode
from pydantic import SecretStr

#: Bytes of a mark: nobody tries 2^80 of them on a gateway.
MARK = 10


class Tokens:
    """Sign and read tokens; a token of one purpose is worth nothing for another. `keys`: the first signs."""

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys or any(len(key) < 32 for key in keys):
            raise ValueError("ORDERS_TOKEN_KEYS: give keys of at least 32 characters, separated by commas")
        self._keys = list(reversed(keys))  # the library signs with the last one

    def __repr__(self) -> str:
        return "Tokens(…)"

    @classmethod
    def of(cls, setting: SecretStr | None) -> "Tokens | None":
        """Read the keys of a setting; None where there is none. Raise ValueError for a key that is too short."""
        keys = [key.strip() for key in setting.get_secret_value().split(",")] if setting else []
        return cls(keys) if keys else None

    def sign(self, value: object, *, purpose: str) -> str:
        """Return a token that carries the value (JSON) and the moment it was made."""
        return str(self._serializer(purpose).dumps(value))

    def read(self, token: str, *, purpose: str, age: timedelta | None = None) -> object | None:
        """Return a token's value; None for one that is forged, older than `age`, or of another purpose."""
        if not _is_as_written(token):
            return None
        try:
            value: object = self._serializer(purpose).loads(token, max_age=int(age.total_seconds()) if age else None)
        except (BadData, ValueError, UnicodeError):
            return None
        return value

    def mark(self, value: bytes, *, purpose: str) -> bytes:
        """Return the `MARK` bytes that prove a value to be ours, for places where a token is too long."""
        return self._marked(self._keys[-1], value, purpose=purpose)

    def is_marked(self, value: bytes, *, mark: bytes, purpose: str) -> bool:
        """Say whether a mark proves that value, by any of the keys."""
        return any(hmac.compare_digest(self._marked(key, value, purpose=purpose), mark) for key in self._keys)

    @staticmethod
    def _marked(key: str, value: bytes, *, purpose: str) -> bytes:
        return hmac.digest(key.encode(), f"orders.{purpose}:".encode() + value, sha256)[:MARK]

    def _serializer(self, purpose: str) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(self._keys, salt=f"orders.{purpose}")


def _is_as_written(token: str) -> bool:
    """Say whether a token's signature is written as we write it: base64's decoder passes over foreign signs and bits.

    What stands before it is signed as text, so only one text is a token.
    """
    signature = token.rpartition(".")[2]
    try:
        return base64_encode(base64_decode(signature)).decode() == signature
    except (BadData, ValueError):
        return False
