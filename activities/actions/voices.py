"""Voices that calls are read aloud in: an allow-list, because a voice that does not exist is noticed only by the ear.

Names: https://github.com/twilio/twilio-node/blob/main/src/twiml/VoiceResponse.ts (`SayVoice`, written by Twilio);
languages of Polly's: https://docs.aws.amazon.com/polly/latest/dg/available-voices.html. Speed and volume need a voice
that knows SSML: https://www.twilio.com/docs/api/errors/13513.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Voice:
    """A voice: the language it speaks (BCP 47), its name, and whether its speed and volume can be set."""

    language: str
    name: str
    knows_ssml: bool = True


#: Every language, and its voices of Amazon's; one without them has Google's. Customers who name no country hear the
#: first of their languages (`en`: en-US). Generative and Chirp voices are left out: they know SSML only in part
#: (https://docs.aws.amazon.com/polly/latest/dg/prosody-tag.html).
_POLLY: dict[str, str] = {
    "en-US": "Joanna-Neural Matthew-Neural Danielle-Neural Gregory-Neural Ruth-Neural Stephen-Neural Salli-Neural "
    "Joey-Neural Kendra-Neural Kimberly-Neural Ivy-Neural Justin-Neural Kevin-Neural Joanna Matthew Salli Joey Kendra "
    "Kimberly Ivy Justin Kevin",
    "en-GB": "Amy-Neural Brian-Neural Emma-Neural Arthur-Neural Amy Brian Emma",
    "en-AU": "Olivia-Neural Nicole Russell",
    "en-IN": "Kajal-Neural Aditi Raveena",
    "en-IE": "Niamh-Neural",
    "en-NZ": "Aria-Neural",
    "en-ZA": "Ayanda-Neural",
    "en-GB-WLS": "Geraint",
    "pl-PL": "Ola-Neural Ewa Maja Jacek Jan",
    "de-DE": "Vicki-Neural Daniel-Neural Marlene Vicki Hans",
    "de-AT": "Hannah-Neural",
    "fr-FR": "Lea-Neural Remi-Neural Celine Lea Mathieu",
    "fr-CA": "Gabrielle-Neural Liam-Neural Chantal",
    "fr-BE": "Isabelle-Neural",
    "es-ES": "Lucia-Neural Sergio-Neural Conchita Lucia Enrique",
    "es-MX": "Mia-Neural Andres-Neural Mia",
    "es-US": "Lupe-Neural Pedro-Neural Lupe Penelope Miguel",
    "it-IT": "Bianca-Neural Adriano-Neural Carla Bianca Giorgio",
    "pt-PT": "Ines-Neural Ines Cristiano",
    "pt-BR": "Camila-Neural Vitoria-Neural Thiago-Neural Camila Vitoria Ricardo",
    "nl-NL": "Laura-Neural Lotte Ruben",
    "nl-BE": "Lisa-Neural",
    "da-DK": "Sofie-Neural Naja Mads",
    "nb-NO": "Ida-Neural Liv",
    "sv-SE": "Elin-Neural Astrid",
    "fi-FI": "Suvi-Neural",
    "is-IS": "Dora Karl",
    "cs-CZ": "",
    "sk-SK": "",
    "hu-HU": "",
    "ro-RO": "Carmen",
    "bg-BG": "",
    "sr-RS": "",
    "el-GR": "",
    "lt-LT": "",
    "lv-LV": "",
    "uk-UA": "",
    "ru-RU": "Tatyana Maxim",
    "tr-TR": "Burcu-Neural Filiz",
    "he-IL": "",
    "ar-XA": "",
    "ar-AE": "Hala-Neural Zayd-Neural",
    "arb": "Zeina",
    "ca-ES": "Arlet-Neural",
    "eu-ES": "",
    "gl-ES": "",
    "cy-GB": "Gwyneth",
    "ja-JP": "Takumi-Neural Kazuha-Neural Tomoko-Neural Takumi Mizuki",
    "ko-KR": "Seoyeon-Neural Seoyeon",
    "cmn-CN": "Zhiyu-Neural Zhiyu",
    "cmn-TW": "",
    "yue-HK": "",
    "vi-VN": "",
    "th-TH": "",
    "id-ID": "",
    "ms-MY": "",
    "fil-PH": "",
    "hi-IN": "",
    "bn-IN": "",
    "gu-IN": "",
    "kn-IN": "",
    "ml-IN": "",
    "mr-IN": "",
    "pa-IN": "",
    "ta-IN": "",
    "te-IN": "",
    "af-ZA": "",
    "am-ET": "",
}

#: Google's voices by language: each technique with the letters of its voices. Where B came to take the place of an only
#: A, it stands first.
_GOOGLE: dict[str, str] = {
    "en-US": "Standard-ABCDEFGHIJ Wavenet-ABCDEFGHIJ Neural2-ACDEFGHIJ",
    "en-GB": "Standard-ABCDFNO Wavenet-ABCDFNO Neural2-ABCDFNO",
    "en-AU": "Standard-ABCD Wavenet-ABCD Neural2-ABCD",
    "en-IN": "Standard-ABCDEF Wavenet-ABCDEF Neural2-ABCD",
    "pl-PL": "Standard-ABCDEFG Wavenet-ABCDEFG",
    "de-DE": "Standard-ABCDEFGH Wavenet-ABCDEFGH Neural2-ABCDFGH",
    "fr-FR": "Standard-ABCDEFG Wavenet-ABCDEFG Neural2-ABCDEFG",
    "fr-CA": "Standard-ABCD Wavenet-ABCD Neural2-ABCD",
    "es-ES": "Standard-ABCDEFGH Wavenet-BCDEFGH Neural2-ABCDEFGH",
    "es-US": "Standard-ABC Wavenet-ABC Neural2-ABC",
    "it-IT": "Standard-ABCDEF Wavenet-ABCDEF Neural2-ACF",
    "pt-PT": "Standard-ABCDEF Wavenet-ABCDEF",
    "pt-BR": "Standard-ABCDE Wavenet-ABCDE Neural2-ABC",
    "nl-NL": "Standard-ABCDEFG Wavenet-ABCDEFG",
    "nl-BE": "Standard-ABCD Wavenet-ABCD",
    "da-DK": "Standard-ACDEFG Wavenet-ACDEFG Neural2-DF",
    "nb-NO": "Standard-ABCDEFG Wavenet-ABCDEFG",
    "sv-SE": "Standard-ABCDEFG Wavenet-ABCDEFG",
    "fi-FI": "Standard-BA Wavenet-BA",
    "is-IS": "Standard-BA",
    "cs-CZ": "Standard-BA Wavenet-BA",
    "sk-SK": "Standard-BA Wavenet-BA",
    "hu-HU": "Standard-BA Wavenet-A",
    "ro-RO": "Standard-BA Wavenet-BA",
    "bg-BG": "Standard-BA",
    "sr-RS": "Standard-A",
    "el-GR": "Standard-BA Wavenet-BA",
    "lt-LT": "Standard-BA",
    "lv-LV": "Standard-BA",
    "uk-UA": "Standard-A Wavenet-A",
    "ru-RU": "Standard-ABCDE Wavenet-ABCDE",
    "tr-TR": "Standard-ABCDE Wavenet-ABCDE",
    "he-IL": "Standard-ABCD Wavenet-ABCD",
    "ar-XA": "Standard-ABCD Wavenet-ABCD",
    "ca-ES": "Standard-BA",
    "eu-ES": "Standard-BA",
    "gl-ES": "Standard-BA",
    "ja-JP": "Standard-ABCD Wavenet-ABCD Neural2-BCD",
    "ko-KR": "Standard-ABCD Wavenet-ABCD Neural2-ABC",
    "cmn-CN": "Standard-ABCD Wavenet-ABCD",
    "cmn-TW": "Standard-ABC Wavenet-ABC",
    "yue-HK": "Standard-ABCD",
    "vi-VN": "Standard-ABCD Wavenet-ABCD Neural2-AD",
    "th-TH": "Standard-A Neural2-C",
    "id-ID": "Standard-ABCD Wavenet-ABCD",
    "ms-MY": "Standard-ABCD Wavenet-ABCD",
    "fil-PH": "Standard-ABCD Wavenet-ABCD",
    "hi-IN": "Standard-ABCDEF Wavenet-ABCDEF Neural2-ABCD",
    "bn-IN": "Standard-ABCD Wavenet-ABCD",
    "gu-IN": "Standard-ABCD Wavenet-ABCD",
    "kn-IN": "Standard-ABCD Wavenet-ABCD",
    "ml-IN": "Standard-ABCD Wavenet-ABCD",
    "mr-IN": "Standard-ABC Wavenet-ABC",
    "pa-IN": "Standard-ABCD Wavenet-ABCD",
    "ta-IN": "Standard-ABCD Wavenet-ABCD",
    "te-IN": "Standard-ABCD",
    "af-ZA": "Standard-A",
    "am-ET": "Standard-AB Wavenet-AB",
}

#: Twilio's own voices.
_BASIC: dict[str, str] = {"en-US": "woman man"}


def _voices() -> tuple[Voice, ...]:
    found: list[Voice] = []
    for language, names in _POLLY.items():
        found += [Voice(language, f"Polly.{name}") for name in names.split()]
        for technique, letters in (part.split("-") for part in _GOOGLE.get(language, "").split()):
            found += [Voice(language, f"Google.{language}-{technique}-{letter}") for letter in letters]
        found += [Voice(language, name, knows_ssml=False) for name in _BASIC.get(language, "").split()]
    return tuple(found)


#: The first voice of a language is its default, and knows SSML.
VOICES: tuple[Voice, ...] = _voices()

#: Every language that has a voice, in the order of the table.
LANGUAGES: tuple[str, ...] = tuple(_POLLY)

#: What customers' tags call a language that has another tag here.
_BASES = {"zh": "cmn", "no": "nb", "nn": "nb", "tl": "fil", "iw": "he", "in": "id", "arb": "ar"}
_REGIONS = {"zh-tw": "cmn-tw", "zh-hant": "cmn-tw", "zh-hant-tw": "cmn-tw", "zh-hk": "yue-hk", "zh-hant-hk": "yue-hk"}


def named(name: str) -> Voice | None:
    """Return the voice of a name."""
    return next((voice for voice in VOICES if voice.name == name), None)


def names_in(language: str) -> list[str]:
    """List the voices of a language; of all where none is named."""
    return [voice.name for voice in VOICES if language in ("", voice.language)]


def default_of(language: str) -> Voice | None:
    """Return the default voice of a language, of a customer's too: `en-US`, `EN_us`, or the first one for `en`."""
    tag = _tag(language)
    exact = next((voice for voice in VOICES if voice.language.lower() == tag), None)
    return exact or next((voice for voice in VOICES if base_of(voice.language) == base_of(tag)), None)


def base_of(language: str) -> str:
    """Return a language without its country: `en` of `en-GB`."""
    base = _tag(language).partition("-")[0]
    return _BASES.get(base, base)


def _tag(language: str) -> str:
    tag = language.replace("_", "-").lower()
    return _REGIONS.get(tag, tag)
