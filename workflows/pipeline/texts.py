"""Texts to people (M40-M43): a message in the customer's language or a literal, rendered for one order.

Nothing empty is sent unless the text gives a default, nothing is cut.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from workflows.pipeline.fields import OrderView
from workflows.pipeline.kinds import TextField, TextFormat
from workflows.pipeline.mistakes import Mistake
from workflows.pipeline.model import Message, Pipeline
from workflows.pipeline.names import Names, Safe, Vars
from workflows.pipeline.zones import find_zone

if TYPE_CHECKING:
    from workflows.pipeline.templates import Template


@dataclass(frozen=True)
class Text:
    """A rendered text; `language` is the one that was chosen."""

    body: str
    subject: str | None
    language: str


class TextError(Exception):
    """Base of the reasons why a text cannot be sent: EmptyValue, TextTooLong, TextInvalid."""


class EmptyValue(TextError):
    """A value without a default is empty: `path` names it."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} is empty and the text gives no default")
        self.path = path


class TextTooLong(TextError):
    """The rendered text has more code points than allowed."""

    def __init__(self, length: int, *, limit: int) -> None:
        super().__init__(f"the text has {length} characters, {limit} are allowed")
        self.length = length
        self.limit = limit


class TextInvalid(TextError):
    """The text cannot be rendered; `words` say why, without values."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


def text_of(pipeline: Pipeline, value: str, *, field: TextField, view: OrderView, in_house: bool = False) -> Text:
    """Render a rule's text: the message of that id in the customer's language, else the value itself.

    In the house it is in the pipeline's first language. Raises EmptyValue, TextTooLong (over the field's limit, in code
    points after NFC) or TextInvalid.
    """
    message = pipeline.messages.get(value) if field.is_message else None
    if message is None and field.is_message and not field.may_be_literal:
        raise TextInvalid(f"there is no message '{value}'")
    spoken = "" if in_house else _spoken(view)
    language = spoken or pipeline.languages[0]
    body, subject = value, None
    if message is not None:
        language = chosen_language(message, wanted=language, pipeline=pipeline)
        body = message.texts[language]
        subject = _subject(message, language=language, pipeline=pipeline) if field.has_subject else None
    renderer = _Renderer(pipeline, view=view, tag=_locale_tag(language, spoken=spoken))
    is_markdown = field.format is TextFormat.MARKDOWN
    text = _limited(_spaced(renderer.render(body, is_markdown=is_markdown)), limit=field.limit)
    line = None if subject is None else " ".join(renderer.render(subject).split())
    return Text(body=text, subject=line, language=language)


def literal(pipeline: Pipeline, template: str, *, view: OrderView, limit: int = 10_000, in_house: bool = False) -> str:
    """Render a text that is no message, in the customer's locale or the house's; raises as `text_of`."""
    tag = ("" if in_house else _spoken(view)) or pipeline.languages[0]
    return _limited(_spaced(_Renderer(pipeline, view=view, tag=tag).render(template)), limit=limit)


def chosen_language(message: Message, *, wanted: str, pipeline: Pipeline) -> str:
    """Return the message's language for a customer: the wanted one, its base, else the pipeline's first (M42)."""
    for language in (wanted, wanted.partition("-")[0], pipeline.languages[0]):
        if language in message.texts:
            return language
    return next(iter(message.texts))


def compiled(source: str, *, pipeline: Pipeline) -> "Template":
    """Return the parsed template, parsed once per pipeline; raise Mistake if it cannot be read."""
    key = ("text", source)
    if key not in pipeline.compiled:
        # python-liquid and Babel take 0.2 s to import: only where a text is read.
        from workflows.pipeline.templates import parse  # noqa: PLC0415

        pipeline.compiled[key] = parse(source)
    return cast("Template", pipeline.compiled[key])


class _Renderer:
    def __init__(self, pipeline: Pipeline, *, view: OrderView, tag: str) -> None:
        from workflows.pipeline import templates  # noqa: PLC0415
        from workflows.pipeline.filters import SETTING, Setting  # noqa: PLC0415

        self._pipeline = pipeline
        self._templates = templates  # an import that was made before costs as much as three calls
        zone = find_zone(view.customer.time_zone) if view.customer and view.customer.time_zone else None
        setting = Setting(language=tag, currency=view.order.currency, zone=zone or pipeline.zone)
        self._names: dict[str, object] = {
            "order": Names(view.order),
            "customer": Names(view.customer or {}),
            "responsible": Names(view.responsible or {}),
            "shop": Names({"id": view.shop.id, "name": view.shop.name or pipeline.shop_name}),
            "results": Names(view.results),
            SETTING: setting,
        }

    def render(self, source: str, *, is_markdown: bool = False) -> str:
        names = {**self._names, "vars": Vars(self._pipeline.vars, render=lambda one: self._one(one, {}, is_markdown))}
        return self._one(source, names, is_markdown)

    def _one(self, source: str, names: Mapping[str, object], is_markdown: bool) -> str:
        if "{" not in source:
            return Safe(source)
        try:
            template = compiled(source, pipeline=self._pipeline)
            return template.bound.render({**(names or self._names), self._templates.MARKDOWN: is_markdown})
        except self._templates.EmptyOutput as empty:
            raise EmptyValue(empty.path) from None
        except Mistake as mistake:
            raise TextInvalid(mistake.words) from None
        except self._templates.LiquidError as error:
            raise TextInvalid(f"the text cannot be rendered: {type(error).__name__}") from None
        except (ArithmeticError, TypeError, ValueError, RecursionError) as error:
            raise TextInvalid(f"the text cannot be rendered: {type(error).__name__}") from None


def _spaced(text: str) -> str:
    # Locales write no-break spaces into amounts; in a text message one of them makes every letter cost twice as much.
    return text.replace("\u00a0", " ").replace("\u202f", " ")


def _limited(text: str, *, limit: int) -> str:
    normal = unicodedata.normalize("NFC", text)
    if len(normal) > limit:
        raise TextTooLong(len(normal), limit=limit)
    return str(normal)


def _subject(message: Message, *, language: str, pipeline: Pipeline) -> str | None:
    for one in (language, language.partition("-")[0], pipeline.languages[0]):
        if one in message.subjects:
            return message.subjects[one]
    return None


def _spoken(view: OrderView) -> str:
    return view.customer.language.replace("_", "-") if view.customer else ""


def _locale_tag(language: str, *, spoken: str) -> str:
    # The customer's own tag knows the country too (fr-CH), if it is of the language that the text is in.
    return spoken if spoken.partition("-")[0] == language.partition("-")[0] else language
