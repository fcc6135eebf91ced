"""Looks into a PDF: the letters that its text can be copied as."""

import re
import zlib

_STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.DOTALL)
_MAPPED = re.compile(rb"<[0-9A-Fa-f]{2,4}> <([0-9A-Fa-f]{4,})>")


def letters(pdf: bytes) -> set[str]:
    """Return every letter of the file's ToUnicode maps (PDF 32000-1:2008, 9.10.3)."""
    found: set[str] = set()
    for stream in _STREAM.findall(pdf):
        try:
            content = zlib.decompress(stream)
        except zlib.error:
            content = stream
        if b"beginbfchar" in content or b"beginbfrange" in content:
            found.update("".join(bytes.fromhex(one.decode()).decode("utf-16-be") for one in _MAPPED.findall(content)))
    return found
