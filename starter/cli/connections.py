"""Opens what commands need: settings, the store, Temporal. A running `orders up` of this directory is found."""

import asyncio
import os
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from starter.cli.embedded.folder import FOLDER, running
from starter.cli.output import Exit, Failure

if TYPE_CHECKING:
    from activities.runtime.settings import Settings
    from activities.store.database import Store
    from starter.client import OrdersClient

T = TypeVar("T")

#: Whoever sets one of these says where Temporal is.
_SAYS_WHERE = ("TEMPORAL_ADDRESS", "TEMPORAL_PROFILE", "TEMPORAL_CONFIG_FILE")


def known_settings() -> "Settings":
    """Return the settings of the environment; those of a running `orders up` where the environment names none."""
    from pydantic import ValidationError

    from activities.runtime import logs
    from activities.runtime.settings import Settings
    from starter.cli.failures import setting_failure

    _adopt(Path(os.environ.get("ORDERS_DIR", FOLDER)))
    try:
        settings = Settings()
    except ValidationError as error:
        raise setting_failure(error) from error
    # What the parts log (to stderr) is for those who run them; a command says itself what went wrong.
    is_asked = "log_level" in settings.model_fields_set
    logs.configure(settings if is_asked else settings.model_copy(update={"log_level": "error"}))
    return settings


def _adopt(folder: Path) -> None:
    found = running(folder)
    if found is None or os.environ.get("ORDERS_STORE_URL", found.store_url) != found.store_url:
        return
    os.environ["ORDERS_STORE_URL"] = found.store_url
    if not any(name in os.environ for name in _SAYS_WHERE):
        os.environ["TEMPORAL_ADDRESS"] = found.temporal
    # Whatever accounts the environment names: what this command sends goes where its worker's goes.
    os.environ.update(found.settings)


@asynccontextmanager
async def opened_store(settings: "Settings") -> AsyncIterator["Store"]:
    """Open the store and see that it has this program's schema; raise StoreDown."""
    from activities.store.database import Store

    try:
        store = await Store.open(settings.store_url, pool=2)
    except ValueError as error:
        raise Failure(str(error), help="correct ORDERS_STORE_URL", code=Exit.USAGE) from error
    try:
        await store.check()
        yield store
    finally:
        await store.close()


async def orders_client(settings: "Settings") -> "OrdersClient":
    """Connect to Temporal; raise TemporalDown."""
    from starter.client import OrdersClient

    silence_temporal()
    return await OrdersClient.connect(settings)


def silence_temporal() -> None:
    """Keep the core of Temporal's SDK from logging: it would write to stdout, between the data."""
    from temporalio.runtime import Runtime, TelemetryConfig

    Runtime.set_default(Runtime(telemetry=TelemetryConfig(logging=None)), error_if_already_set=False)


def run(work: Coroutine[object, object, T]) -> T:
    """Run a command's work to its end."""
    return asyncio.run(work)
