"""Forms by name: those of the latest version of every published pipeline."""

from collections.abc import Sequence
from dataclasses import dataclass

from activities.shelf import Shelf
from activities.store import pipelines
from activities.store.database import Tx
from workflows.pipeline.forms import Form


@dataclass(frozen=True)
class PublishedForm:
    """A form, with its pipeline's zone and languages; the first language is the fallback."""

    form: Form
    timezone: str
    languages: tuple[str, ...]

    @property
    def country(self) -> str:
        """The country of phone numbers without +: the form's, else that of the zone; may be empty."""
        from babel.core import get_global  # noqa: PLC0415  # its data is needed here only

        return self.form.country or str(get_global("zone_territories").get(self.timezone, ""))

    def language(self, wanted: Sequence[str]) -> str:
        """Choose a language of the pipeline: the first one wanted that it has, `pl` for `pl-PL`, too."""
        known = {name: one for one in reversed(self.languages) for name in (_base(one), one.lower())}
        return next((known[name] for one in wanted if (name := _known(one, known)) is not None), self.languages[0])


async def published_form(tx: Tx, shelf: Shelf, *, name: str) -> PublishedForm | None:
    """Find a form; None if no pipeline has it. Of several, the one of the first pipeline by name."""
    for pipeline_name, version in (await pipelines.names(tx)).items():
        pipeline = await shelf.get(tx, name=pipeline_name, version=version)
        if name in pipeline.forms:
            return PublishedForm(pipeline.forms[name], pipeline.timezone, pipeline.languages)
    return None


def _known(wanted: str, known: dict[str, str]) -> str | None:
    whole = wanted.strip().replace("_", "-").lower()
    return next((name for name in (whole, _base(whole)) if name in known), None)


def _base(language: str) -> str:
    return language.partition("-")[0].lower()
