"""The one exception for what a shop wrote wrongly: words for people, a code, help, and where in the value."""

from difflib import get_close_matches


class Mistake(ValueError):
    """Say what is wrong with one value of the file.

    `start` and `end` are offsets within the value (end 0: the whole value). The loader adds file, line and column.
    """

    def __init__(self, code: str, words: str, *, help: str = "", start: int = 0, end: int = 0) -> None:
        super().__init__(words)
        self.code = code
        self.words = words
        self.help = help
        self.start = start
        self.end = end


def nearest(name: str, names: list[str], *, likeness: float = 0.6) -> str:
    """Return the valid name that looks most like `name`, or the empty text; `likeness` 1 is the same name."""
    found = get_close_matches(name, names, n=1, cutoff=likeness)
    return found[0] if found else ""


def suggestion(name: str, names: list[str], *, label: str = "") -> str:
    """Write the help for an unknown name: the nearest valid one, then the list of them after `label`."""
    close = nearest(name, names)
    guess = f"Did you mean '{close}'?" if close else ""
    listing = f"{label}: {', '.join(names)}." if label and names else ""
    return " ".join(part for part in (guess, listing) if part)
