"""How many segments a text message takes (3GPP TS 23.038)."""

import pytest

from workflows.pipeline.segments import segments


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 200, 2),
        ("€" * 80, 1),
        ("€" * 200, 3),
        ("ł" * 70, 1),
        ("ł" * 71, 2),
        ("п" * 200, 3),
        ("😀" * 200, 6),
        ("a" * 199 + "’", 3),
    ],
    ids=lambda value: f"{value[:1]}{len(value)}" if isinstance(value, str) else "",
)
def test_a_text_takes_segments(text: str, count: int) -> None:
    """Covers C2."""
    assert segments(text) == count
