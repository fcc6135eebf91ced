"""Published pipelines ready for use: thawed once per version and process, so that decisions find them parsed."""

from collections import OrderedDict

from pydantic import ValidationError

from activities.store import pipelines
from activities.store.database import NotFound, Tx, Unreadable
from activities.store.pipelines import Published
from workflows.pipeline.frozen import FrozenPipeline, thaw
from workflows.pipeline.kinds import Kinds
from workflows.pipeline.model import Pipeline

#: Versions kept in memory; an order older than that has its version read and thawed again.
_KEPT = 32


class Shelf:
    """Give pipelines by name and version."""

    def __init__(self, kinds: Kinds) -> None:
        self.kinds = kinds
        self._kept: OrderedDict[tuple[str, int], Pipeline] = OrderedDict()

    async def latest(self, tx: Tx, *, name: str) -> tuple[Pipeline, int]:
        """Give the latest version of a pipeline and its number. Raise NotFound if none was published, Unreadable."""
        version = await pipelines.latest_version(tx, name=name)
        if version is None:
            raise NotFound("pipeline", name)
        return await self.get(tx, name=name, version=version), version

    async def get(self, tx: Tx, *, name: str, version: int) -> Pipeline:
        """Give one version of a pipeline. Raise NotFound if there is none, Unreadable if this release refuses it."""
        key = (name, version)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        pipeline = _thawed(await pipelines.get(tx, name=name, version=version), kinds=self.kinds)
        self._kept[key] = pipeline
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return pipeline


def _thawed(published: Published, *, kinds: Kinds) -> Pipeline:
    try:
        return thaw(FrozenPipeline.model_validate_json(published.frozen_json), kinds)
    except ValidationError as error:
        problems = f"it was stored in another form ({error.error_count()} differences)"
    except ValueError as error:
        problems = str(error)
    raise Unreadable(published.name, version=published.version, problems=problems)
