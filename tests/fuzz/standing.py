"""A gateway in a thread of its own, for thousands of calls: connected to every vendor, while Temporal is down."""

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from urllib.parse import urlsplit

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from activities.runtime.settings import Settings
from activities.runtime.tokens import Tokens
from activities.shelf import Shelf
from activities.store import hook_codes, keys
from activities.store.database import Store
from starter.client import OrdersClient
from starter.gateway.app import create_app
from starter.gateway.parts import Parts
from starter.gateway.serving import listening
from starter.relay import Relay
from tests.gateway.conftest import NOWHERE
from tests.gateway.pipelines import kinds
from tests.sources.conftest import PUBLIC

_MANY = 10**9


@dataclass(frozen=True)
class Standing:
    """A gateway that is up: its address, a key that may do everything, and the code of a webhook trigger."""

    url: str
    key: str
    trigger: str

    def post(self, path: str, body: bytes, headers: Mapping[str, str], *, method: str = "POST") -> int:
        """Make a call of a vendor, byte for byte as given; give the status."""
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=60)
        try:
            connection.putrequest(method, path)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                connection.putheader(name, value.encode("utf-8", "replace"))
            connection.endheaders(body)
            answer = connection.getresponse()
            answer.read()
            return answer.status
        finally:
            connection.close()


@contextmanager
def standing(store_url: str, *, accounts: Mapping[str, str]) -> Iterator[Standing]:
    """Run a gateway on a store that has the schema and a published pipeline."""
    up: list[Standing | BaseException] = []
    told, over = threading.Event(), threading.Event()

    async def run() -> None:
        store = await Store.open(store_url)
        try:
            async with store.write() as tx:
                now = datetime.now(UTC)
                _, key = await keys.create(tx, name="fuzz", scopes=("admin",), now=now)
                _, code = await hook_codes.create(tx, trigger="packed", now=now, overlap=timedelta(0))
            async with listening(create_app(await _parts(store, store_url, accounts)), host="127.0.0.1", port=0) as url:
                up.append(Standing(url, key, code))
                told.set()
                await asyncio.to_thread(over.wait)
        finally:
            await store.close()

    def live() -> None:
        try:
            asyncio.run(run())
        except BaseException as error:
            up.append(error)
        finally:
            told.set()

    thread = threading.Thread(target=live)
    thread.start()
    try:
        told.wait()
        if not isinstance(up[0], Standing):
            raise up[0]
        yield up[0]
    finally:
        over.set()
        thread.join()


async def _parts(store: Store, store_url: str, accounts: Mapping[str, str]) -> Parts:
    client = await Client.connect(NOWHERE, data_converter=pydantic_data_converter, lazy=True)
    orders = OrdersClient(client)
    settings = Settings(
        store_url=store_url,
        gateway_port=0,
        public_url=PUBLIC,
        rate_per_minute=_MANY,
        hook_rate_per_minute=_MANY,
        form_rate_per_minute=_MANY,
        site_rate_per_minute=_MANY,
        page_rate_per_minute=_MANY,
    )
    return Parts(
        store=store,
        orders=orders,
        relay=Relay(store, orders=orders),
        settings=settings,
        shelf=Shelf(kinds()),
        environment=accounts,
        tokens=Tokens(["k" * 32]),
    )
