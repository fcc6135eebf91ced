"""A pipeline file in its one form: indentation, line ends and spaces; comments, order and quotes are kept."""

import re
from io import StringIO
from typing import TYPE_CHECKING

from workflows.pipeline.mistakes import Mistake

if TYPE_CHECKING:
    from ruamel.yaml import YAML

_BLANK_LINES = re.compile(r"\n{3,}")


def formatted(text: str) -> str:
    """Return the file formatted; formatting it again changes nothing. Raise Mistake for what is not YAML."""
    from ruamel.yaml import YAML  # noqa: PLC0415  # needed by one command only
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415

    from workflows.pipeline.file.document import Misplaced, parse  # noqa: PLC0415
    from workflows.pipeline.file.settings import plain  # noqa: PLC0415

    lines = [line.rstrip() for line in text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")]
    tidy = _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip("\n") + "\n"
    try:
        document = parse(tidy)
        if document.mistakes:
            raise document.mistakes[0][0]
        stable = _stable(tidy, yaml=YAML(typ="rt", pure=True))
        if plain(parse(stable).root) != plain(document.root):
            raise Mistake("D101", "a key that is not a word would change when it is formatted", help="Quote it: '~'.")
        return _with_comments_in_line(stable)
    except Misplaced as misplaced:
        raise misplaced.mistake from None
    except (YAMLError, ValueError, TypeError, AttributeError, RecursionError) as error:
        if isinstance(error, Mistake):
            raise
        raise Mistake("D101", f"the file cannot be formatted ({type(error).__name__})") from None


def _stable(text: str, *, yaml: "YAML") -> str:
    yaml.preserve_quotes = True
    yaml.width = 100_000
    yaml.indent(mapping=2, sequence=4, offset=2)
    # Comments that are moved settle on the second pass.
    for _ in range(4):
        out = StringIO()
        yaml.dump(yaml.load(text), out)
        again = "\n".join(line.rstrip() for line in out.getvalue().split("\n"))
        if again == text:
            return again
        text = again
    raise Mistake("D101", "the file does not settle when it is formatted", help="Simplify its comments.")


def _with_comments_in_line(text: str) -> str:
    # The YAML library leaves the lines of comments where they were: put each above what it speaks of.
    from workflows.pipeline.file.document import parse  # noqa: PLC0415
    from workflows.pipeline.file.settings import plain  # noqa: PLC0415

    lines = text.split("\n")
    below = ""
    for place in range(len(lines) - 1, -1, -1):
        bare = lines[place].lstrip()
        if bare.startswith("#"):
            lines[place] = below + bare
        elif bare:
            below = lines[place][: len(lines[place]) - len(bare)]
    moved = "\n".join(lines)
    # A line of a text block may look like a comment; then everything stays.
    return moved if plain(parse(moved).root) == plain(parse(text).root) else text
