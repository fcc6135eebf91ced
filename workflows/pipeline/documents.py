"""The folder of document templates beside a pipeline file, as its reader found it: files in, names of templates out."""

from collections.abc import Mapping
from dataclasses import dataclass, field

#: What a template's file is called: `invoice.typ`. One that begins with `_` is a part of others.
SUFFIX = ".typ"


@dataclass(frozen=True)
class Documents:
    """The files by name (templates, and the pictures and labels they use).

    `broken` tells by template's name what is wrong with it; whoever read the folder has tried every one.
    """

    files: Mapping[str, bytes] = field(default_factory=dict)
    broken: Mapping[str, str] = field(default_factory=dict)

    @property
    def templates(self) -> list[str]:
        """List the names that `document:` rules may use."""
        return sorted(
            name.removesuffix(SUFFIX) for name in self.files if name.endswith(SUFFIX) and not name.startswith("_")
        )
