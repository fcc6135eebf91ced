"""Optional encryption of what Temporal keeps as payloads: AES-256-GCM, with the key's id, so that keys can rotate.

Setting `ORDERS_CODEC_KEYS`: `id:base64[,id:base64…]`; the first key encrypts, all of them decrypt. Workflow ids, search
attributes and failure messages are not payloads: they hold no people by themselves.
"""

import base64
import binascii
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadCodec

_ENCODING = b"binary/encrypted"
_NONCE_BYTES = 12


class WrongKey(ValueError):
    """A payload cannot be decrypted with the keys that are set, or the setting cannot be read."""


class EncryptingCodec(PayloadCodec):
    """Encrypt payloads with the first key, decrypt them with the key they name."""

    def __init__(self, keys: dict[str, bytes]) -> None:
        self._ciphers = {name: AESGCM(key) for name, key in keys.items()}
        self._first = next(iter(keys))

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Encrypt payloads."""
        return [self._encrypt(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Decrypt payloads; one that was never encrypted is returned as it is. Raise WrongKey."""
        return [self._decrypt(payload) for payload in payloads]

    def _encrypt(self, payload: Payload) -> Payload:
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[self._first].encrypt(nonce, payload.SerializeToString(), self._first.encode())
        return Payload(metadata={"encoding": _ENCODING, "key": self._first.encode()}, data=nonce + sealed)

    def _decrypt(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != _ENCODING:
            return payload
        name = payload.metadata.get("key", b"").decode("utf-8", "replace")
        cipher = self._ciphers.get(name)
        if cipher is None:
            raise WrongKey(f"a payload was encrypted with key '{name}', which is not in ORDERS_CODEC_KEYS")
        nonce, sealed = payload.data[:_NONCE_BYTES], payload.data[_NONCE_BYTES:]
        try:
            return Payload.FromString(cipher.decrypt(nonce, sealed, name.encode()))
        except InvalidTag:
            raise WrongKey(f"a payload does not fit key '{name}' of ORDERS_CODEC_KEYS") from None


def read_keys(setting: str) -> dict[str, bytes]:
    """Read `id:base64,…` into keys by id, in their order. Raise WrongKey, without the key, where it cannot be read."""
    keys: dict[str, bytes] = {}
    for part in filter(None, (part.strip() for part in setting.split(","))):
        name, _, text = part.partition(":")
        try:
            key = base64.b64decode(text, validate=True)
        except binascii.Error:
            raise WrongKey(f"key '{name}' of ORDERS_CODEC_KEYS is not base64") from None
        if not name or len(key) != 32:
            raise WrongKey(f"key '{name}' of ORDERS_CODEC_KEYS must have 32 bytes, it has {len(key)}")
        keys[name] = key
    return keys
