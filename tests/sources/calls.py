"""A vendor's call over HTTP, and the ways in which its signature can be wrong: the same matrix for every source."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import aiohttp

from tests.gateway.calling import Caller


@dataclass(frozen=True)
class VendorCall:
    """A request as a vendor sends it. `signature` names the header that signs it."""

    path: str
    body: bytes
    headers: dict[str, str]
    signature: str

    def with_header(self, value: str | None) -> "VendorCall":
        """Sign it otherwise; None leaves the signature out."""
        headers = {name: text for name, text in self.headers.items() if name != self.signature}
        return replace(self, headers=headers if value is None else {**headers, self.signature: value})


#: What may be wrong with a signature that is otherwise right.
BREAKAGES: dict[str, Callable[[VendorCall], VendorCall]] = {
    "missing": lambda call: call.with_header(None),
    "empty": lambda call: call.with_header(""),
    "wrong": lambda call: call.with_header("A" * len(call.headers[call.signature])),
    "not base64": lambda call: call.with_header("%%%"),
    "cut off": lambda call: call.with_header(call.headers[call.signature][:-4]),
    "not ASCII": lambda call: call.with_header("\u017c\u00f3\u0142\u0107"),
    "other body": lambda call: replace(call, body=call.body[:-1] + b"9"),
    "no body": lambda call: replace(call, body=b""),
    "garbage": lambda call: replace(call, body=b"\xff\x00\xfe" * 40),
}


async def send(caller: Caller, call: VendorCall) -> tuple[int, str]:
    """Make the call; return status and body."""
    headers = {name: value.encode().decode("latin-1") for name, value in call.headers.items()}
    async with (
        aiohttp.ClientSession() as session,
        session.post(caller.url + call.path, data=call.body, headers=headers) as response,
    ):
        return response.status, await response.text()
