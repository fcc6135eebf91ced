"""How a call sounds: `voice:` of a rule in, the voice that reads a text aloud out."""

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from activities.actions import voices
from activities.actions.voices import Voice
from workflows.pipeline.mistakes import Mistake, suggestion

#: How many voices of a language are told; some have sixty.
_SHOWN = 8


class VoiceSettings(BaseModel):
    """How it sounds. What is left out is chosen by the language of the text."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    language: str = Field(
        default="",
        max_length=20,
        description="The language it speaks, as a tag. Default: that of the text. The texts of a message in other "
        "languages are read in voices of their own.",
        examples=["pl-PL", "en-GB"],
    )
    name: str = Field(
        default="",
        max_length=60,
        description="The voice. Default: the first one of the language.",
        examples=["Polly.Joanna-Neural", "Polly.Ewa"],
    )
    rate: int = Field(default=100, ge=50, le=200, description="The speed in per cent.", examples=[90])
    volume: int = Field(default=0, ge=-20, le=6, description="The volume in decibels, 0 being usual.", examples=[6])

    @field_validator("language")
    @classmethod
    def _is_spoken(cls, language: str) -> str:
        if language and language not in voices.LANGUAGES:
            help = suggestion(language, list(voices.LANGUAGES), label="Languages")
            raise Mistake("D202", f"no voice speaks '{language}'", help=help)
        return language

    @field_validator("name")
    @classmethod
    def _is_known(cls, name: str) -> str:
        if name and voices.named(name) is None:
            raise Mistake("D202", f"no voice is called '{name}'", help=suggestion(name, voices.names_in("")))
        return name

    @model_validator(mode="after")
    def _fits(self) -> "VoiceSettings":
        voice = voices.named(self.name)
        if voice is None:
            return self
        if self.language not in ("", voice.language):
            help = f"Voices of {self.language}: {_some(voices.names_in(self.language))}."
            raise Mistake("D218", f"the voice '{voice.name}' speaks {voice.language}, not {self.language}", help=help)
        if not voice.knows_ssml and (self.rate, self.volume) != (100, 0):
            able = [one.name for one in voices.VOICES if one.language == voice.language and one.knows_ssml]
            help = f"Leave out 'rate' and 'volume', or take one of: {_some(able)}."
            raise Mistake("D218", f"the voice '{voice.name}' has one speed and one volume", help=help)
        return self

    @property
    def voice(self) -> Voice | None:
        """The voice that the rule names, by its name or its language."""
        return voices.named(self.name) or voices.default_of(self.language)

    def reader(self, language: str, *, is_message: bool) -> Voice | None:
        """Return the voice for a text; None where nobody can read it.

        A message has a text for each language, so the rule's voice is meant for those of its own language.
        """
        named, native = self.voice, voices.default_of(language)
        if named is None or (is_message and native is not None and not _speaks(named, language)):
            return native
        return named


def _speaks(voice: Voice, language: str) -> bool:
    return voices.base_of(voice.language) == voices.base_of(language)


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
