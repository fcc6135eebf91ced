"""Voices that calls are read aloud in: an allow-list, because a voice that does not exist is noticed only by the ear.

In: `voice:` of a rule. Out: the voice and its language. Names are Twilio's
(https://www.twilio.com/docs/voice/twiml/say/text-speech); speed and volume need a voice that knows SSML
(https://www.twilio.com/docs/api/errors/13513).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Voice:
    """A voice: the language it speaks (BCP 47), its name, and whether its speed and volume can be set."""

    language: str
    name: str
    knows_ssml: bool = True


#: The first voice of a language is its default, and knows SSML.
VOICES: tuple[Voice, ...] = (
    Voice("en-US", "Polly.Joanna-Neural"),
    Voice("en-US", "Polly.Matthew-Neural"),
    Voice("en-US", "Polly.Joanna"),
    Voice("en-US", "Polly.Matthew"),
    Voice("en-US", "woman", knows_ssml=False),
    Voice("en-US", "man", knows_ssml=False),
    Voice("en-GB", "Polly.Amy-Neural"),
    Voice("en-GB", "Polly.Brian-Neural"),
    Voice("en-GB", "Polly.Amy"),
    Voice("en-GB", "Polly.Brian"),
    Voice("en-AU", "Polly.Olivia-Neural"),
    Voice("en-AU", "Polly.Nicole"),
    Voice("en-IN", "Polly.Kajal-Neural"),
    Voice("en-IN", "Polly.Aditi"),
    Voice("pl-PL", "Polly.Ola-Neural"),
    Voice("pl-PL", "Polly.Ewa"),
    Voice("pl-PL", "Polly.Maja"),
    Voice("pl-PL", "Polly.Jacek"),
    Voice("pl-PL", "Polly.Jan"),
    Voice("de-DE", "Polly.Vicki-Neural"),
    Voice("de-DE", "Polly.Daniel-Neural"),
    Voice("de-DE", "Polly.Marlene"),
    Voice("de-DE", "Polly.Hans"),
    Voice("de-AT", "Polly.Hannah-Neural"),
    Voice("fr-FR", "Polly.Lea-Neural"),
    Voice("fr-FR", "Polly.Remi-Neural"),
    Voice("fr-FR", "Polly.Celine"),
    Voice("fr-FR", "Polly.Mathieu"),
    Voice("fr-CA", "Polly.Gabrielle-Neural"),
    Voice("es-ES", "Polly.Lucia-Neural"),
    Voice("es-ES", "Polly.Sergio-Neural"),
    Voice("es-ES", "Polly.Conchita"),
    Voice("es-MX", "Polly.Mia-Neural"),
    Voice("es-US", "Polly.Lupe-Neural"),
    Voice("it-IT", "Polly.Bianca-Neural"),
    Voice("it-IT", "Polly.Carla"),
    Voice("it-IT", "Polly.Giorgio"),
    Voice("pt-PT", "Polly.Ines-Neural"),
    Voice("pt-PT", "Polly.Cristiano"),
    Voice("pt-BR", "Polly.Camila-Neural"),
    Voice("pt-BR", "Polly.Ricardo"),
    Voice("nl-NL", "Polly.Laura-Neural"),
    Voice("nl-NL", "Polly.Lotte"),
    Voice("da-DK", "Polly.Sofie-Neural"),
    Voice("nb-NO", "Polly.Ida-Neural"),
    Voice("sv-SE", "Polly.Elin-Neural"),
    Voice("fi-FI", "Polly.Suvi-Neural"),
    Voice("cs-CZ", "Google.cs-CZ-Standard-A"),
    Voice("sk-SK", "Google.sk-SK-Standard-A"),
    Voice("hu-HU", "Google.hu-HU-Standard-A"),
    Voice("uk-UA", "Google.uk-UA-Standard-A"),
    Voice("ru-RU", "Polly.Tatyana"),
    Voice("ru-RU", "Polly.Maxim"),
    Voice("ro-RO", "Polly.Carmen"),
    Voice("tr-TR", "Polly.Filiz"),
    Voice("ja-JP", "Polly.Takumi-Neural"),
    Voice("ko-KR", "Polly.Seoyeon-Neural"),
    Voice("cmn-CN", "Polly.Zhiyu-Neural"),
)

#: Every language that has a voice, in the order of the table.
LANGUAGES: tuple[str, ...] = tuple(dict.fromkeys(voice.language for voice in VOICES))


def named(name: str) -> Voice | None:
    """Return the voice of a name."""
    return next((voice for voice in VOICES if voice.name == name), None)


def names_in(language: str) -> list[str]:
    """List the voices of a language; of all where none is named."""
    return [voice.name for voice in VOICES if language in ("", voice.language)]


def default_of(language: str) -> Voice | None:
    """Return the default voice of a language, of a customer's too: `en-US`, `EN_us`, or the first one for `en`."""
    tag = language.replace("_", "-").lower()
    exact = next((voice for voice in VOICES if voice.language.lower() == tag), None)
    base = "cmn" if tag.partition("-")[0] == "zh" else tag.partition("-")[0]
    return exact or next((voice for voice in VOICES if voice.language.partition("-")[0] == base), None)
