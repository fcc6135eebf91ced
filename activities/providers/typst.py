"""Makes PDFs of typst templates: their files and `data` (a variable, JSON) in, the bytes into the store.

A template sees nothing but its own files: typst reads nothing outside its root and has no network
(https://typst.app/docs/reference/syntax/#paths); packages, which it would download, are refused.
"""

import asyncio
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from uuid import UUID

from activities.providers.errors import NotSent, Rejected
from activities.providers.protocol import Accepted, Message
from activities.providers.registry import Connecting
from activities.store import documents
from activities.store.database import Store, StoreDown

if TYPE_CHECKING:
    from typst import Fonts

#: Longest that one document may take; a usual one takes a tenth of a second.
_LIMIT = timedelta(seconds=15)

_PACKAGE = re.compile(rb'"@[a-z0-9-]+/')

#: The first place of a diagnostic, in a file of the template's folder.
_PLACE = re.compile(r"┌─ (?:.*[\\/])?([^\\/\n]+:\d+:\d+)")


class BadTemplate(Exception):
    """A template that cannot be made into a document. `place` is file, line and column, empty where unknown.

    `words` may quote the document's data.
    """

    def __init__(self, words: str, *, place: str = "") -> None:
        super().__init__(place or "a template cannot be used")
        self.words = words
        self.place = place


class TypstProvider:
    """Fill documents that their rule reserved; one that is filled stays as it is."""

    name = "typst"
    channels: tuple[str, ...] = ("document",)
    grace = timedelta(0)

    def __init__(self, store: Store, *, limit: timedelta = _LIMIT) -> None:
        self._store = store
        self._limit = limit

    async def send(self, message: Message, *, send_id: UUID) -> Accepted:
        """Make the PDF and store it."""
        try:
            async with self._store.read() as tx:
                reserved = await documents.find(tx, id=send_id)
            if reserved is None or not reserved.name:
                raise Rejected("gone", "The document's place is gone: its order was erased")
            if not reserved.content:
                content = await self._made(message, moment=reserved.created_at)
                async with self._store.write() as tx:
                    await documents.fill(tx, id=send_id, content=content)
        except StoreDown as error:
            raise NotSent(str(error)) from error
        return Accepted(_provider_id(send_id))

    async def lookup(self, message: Message, *, send_id: UUID) -> Accepted | None:
        """Say whether the document was stored."""
        async with self._store.read() as tx:
            found = await documents.find(tx, id=send_id)
        return Accepted(_provider_id(send_id)) if found is not None and found.content else None

    async def _made(self, message: Message, *, moment: datetime) -> bytes:
        files = {one.name: one.content for one in message.attachments}
        data = message.variables.get("data", "{}")
        try:
            # A thread cannot be stopped; typst itself ends endless loops and calls.
            async with asyncio.timeout(self._limit.total_seconds()):
                return await asyncio.to_thread(typeset, files, template=message.template, data=data, moment=moment)
        except BadTemplate as error:
            at = f" at {error.place}" if error.place else ""
            words = f"The template '{message.template}' does not fit this order{at}: correct it and publish it again"
            raise Rejected("template", words) from error
        except TimeoutError:
            words = f"The template '{message.template}' takes too long: make it simpler and publish it again"
            raise Rejected("slow", words) from None


def connect(given: Connecting) -> TypstProvider:
    """Build the provider; it needs no account."""
    return TypstProvider(given.store)


def typeset(files: Mapping[str, bytes], *, template: str, data: str, moment: datetime) -> bytes:
    """Return the PDF of a template; its data are read by `json(bytes(sys.inputs.data))`. Raise BadTemplate.

    The same files, data and moment give the same bytes.
    """
    import typst  # noqa: PLC0415 - heavy: only where a document is made

    if f"{template}.typ" not in files:
        raise BadTemplate("there is no such template")
    for name, content in files.items():
        if _PACKAGE.search(content) and name.endswith(".typ"):
            raise BadTemplate("packages are not available: copy what you need into the folder", place=name)
    with TemporaryDirectory(prefix="orders-document-") as folder:
        for name, content in files.items():
            # `name` only: a template's files stand side by side, and nothing is written outside the folder.
            (Path(folder) / Path(name).name).write_bytes(content)
        try:
            made = typst.compile(
                str(Path(folder) / f"{template}.typ"),
                root=folder,
                font_paths=_fonts(),
                sys_inputs={"data": data},
                timestamp=int(moment.timestamp()),
                format="pdf",
            )
        except typst.TypstError as error:
            found = _PLACE.search(error.diagnostic or "")
            words = error.message.replace(folder, "").replace(" (searched at ", " (")
            raise BadTemplate(words, place=found[1] if found else "") from None
    if not isinstance(made, bytes):
        raise BadTemplate("it has no pages")
    return made


@cache
def _fonts() -> "Fonts":
    """Find the fonts once: typst's own, then the machine's, for letters that those do not have."""
    from typst import Fonts  # noqa: PLC0415

    return Fonts(include_system_fonts=True, include_embedded_fonts=True)


def _provider_id(send_id: UUID) -> str:
    return f"document-{send_id}"
