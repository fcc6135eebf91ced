"""How many parts a text message is billed as. Covers C2."""

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
        ("€" * 81, 2),
        ("€" * 200, 3),
        ("д" * 70, 1),
        ("д" * 71, 2),
        ("д" * 200, 3),
        ("😀" * 35, 1),
        ("😀" * 200, 6),
        ("a" * 199 + "’", 3),
    ],
    ids=lambda value: None if isinstance(value, str) else str(value),
)
def test_segments_are_counted_as_providers_do(text: str, count: int) -> None:
    assert segments(text) == count
