"""`code:` makes a random code that later rules send: `{{ results.code.value }}`."""

import secrets
import string
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, field_validator

from activities.actions.protocol import Ended, RunContext, done
from activities.store.database import Tx
from workflows.pipeline.kinds import RuleKind, RuleSettings


class Alphabet(StrEnum):
    """What a code is made of."""

    DIGITS = "digits"
    LETTERS = "letters"
    SYMBOLS = "symbols"


_CHARACTERS = {
    Alphabet.DIGITS: string.digits,
    Alphabet.LETTERS: string.ascii_uppercase,
    Alphabet.SYMBOLS: "!#$%&*+-=?@",
}


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


Alphabets = Annotated[
    tuple[Alphabet, ...],
    BeforeValidator(_listed),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": [str(alphabet) for alphabet in Alphabet]},
                {"type": "array", "items": {"enum": [str(alphabet) for alphabet in Alphabet]}, "minItems": 1},
            ]
        }
    ),
]


class CodeShape(BaseModel):
    """How long the code is and what it is made of."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    length: int = Field(default=6, ge=1, le=64, description="How many characters.", examples=[6])
    alphabet: Alphabets = Field(
        default=(Alphabet.DIGITS,),
        min_length=1,
        description="`digits`, `letters` (capitals), `symbols`, or a list of them.",
        examples=["digits", ["digits", "letters"]],
    )
    characters: str = Field(
        default="",
        max_length=100,
        description="The characters themselves, in place of `alphabet`.",
        examples=["ABCDEFGHJKLMNPQRSTUVWXYZ23456789"],
    )

    @field_validator("characters")
    @classmethod
    def _usable(cls, value: str) -> str:
        if value and (len(set(value)) < 2 or len(set(value)) < len(value) or not value.isprintable() or " " in value):
            raise ValueError("write at least two different characters, each once, without spaces")
        return value

    def characters_used(self) -> str:
        """Return every character the code may hold."""
        return self.characters or "".join(_CHARACTERS[alphabet] for alphabet in dict.fromkeys(self.alphabet))


class Code(RuleSettings):
    """Make a random code for later rules."""

    code: CodeShape = Field(
        description="The shape of the code; `{}` means six digits.",
        examples=[{"length": 6, "alphabet": "digits"}],
    )


def _title(settings: RuleSettings) -> str:
    return f"Code of {settings.code.length} characters" if isinstance(settings, Code) else "Code"


KIND = RuleKind(name="code", settings=Code, results={"value": str}, title=_title)


async def record(context: RunContext, tx: Tx) -> Ended:
    """Make the code, once per visit: a run that is repeated keeps the one it gave."""
    return made(context, choose=secrets.choice)


def made(context: RunContext, *, choose: Callable[[str], str]) -> Ended:
    """Make the code of characters that `choose` draws: by chance, or in the lab by the run's id."""
    shape = context.settings(Code).code
    kept = context.view.results.get(context.rule.id.replace("-", "_"), {}).get("value")
    if isinstance(kept, str) and kept:
        return done("Kept the code of this visit", results={"value": kept})
    characters = shape.characters_used()
    value = "".join(choose(characters) for _ in range(shape.length))
    return done(f"Made a code of {shape.length} characters", results={"value": value})
