"""Runs the gateway: opens the store, serves HTTP and delivers until told to stop; Temporal may come later."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import uvicorn
from fastapi import FastAPI

from activities.accounts.mail import ImapAccount
from activities.actions import KINDS
from activities.runtime import temporal
from activities.runtime.logs import log
from activities.runtime.settings import Settings
from activities.runtime.tokens import Tokens
from activities.shelf import Shelf
from activities.store.database import Store
from starter.client import OrdersClient
from starter.gateway.app import create_app
from starter.gateway.parts import Parts
from starter.relay import Relay

_log = log("gateway")
_SECONDS_TO_FINISH = 10
_SECONDS_TO_DELIVER = 3


class PortTaken(Exception):
    """The address cannot be listened on; the message names the setting to change."""


async def serve(settings: Settings, *, ready: asyncio.Future[str] | None = None) -> None:
    """Serve until SIGTERM, SIGINT or cancellation. `ready` gets the address. Raise PortTaken.

    Neither the store nor Temporal need be up: /readyz tells, and requests are refused or relayed later.
    """
    store = await Store.open(settings.store_url, pool=settings.store_pool)
    client = await temporal.connect(settings, is_lazy=True)
    orders = OrdersClient(client, shop=settings.shop)
    relay = Relay(store, orders=orders)
    parts = Parts(
        store=store,
        orders=orders,
        relay=relay,
        settings=settings,
        shelf=Shelf(KINDS),
        environment=dict(os.environ),  # which is looked into at every call, and slow itself
        tokens=Tokens.of(settings.token_keys),
    )
    app = create_app(parts)
    delivering = asyncio.create_task(relay.run())
    polling = _polling(parts)
    try:
        async with listening(app, host=settings.gateway_host, port=settings.gateway_port) as url:
            _log.info("Gateway is ready", url=url)
            if ready is not None:
                ready.set_result(url)
            await _until_told(delivering)
        await _finish(relay)
    finally:
        running = [delivering, *polling]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await store.close()
    _log.info("Gateway has stopped")


def _polling(parts: Parts) -> list[asyncio.Task[None]]:
    """Poll the mailbox, where one is among the settings. Raise Misconfigured for half an account."""
    account = ImapAccount.read(parts.environment, folder=parts.settings.secrets)
    if account is None:
        return []
    from starter.gateway.mailbox import Mailbox  # noqa: PLC0415  only who polls needs its library

    return [asyncio.create_task(Mailbox(parts, account=account).run())]


@asynccontextmanager
async def listening(app: FastAPI, *, host: str, port: int) -> AsyncIterator[str]:
    """Serve an application on an address (port 0: a free one); the value is its URL. Raise PortTaken."""
    listener = _listener(host, port=port)
    bound = listener.getsockname()[1]
    server = _Server(_config(app))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await server.is_up.wait()
        yield f"http://{f'[{host}]' if ':' in host else host}:{bound}"
    finally:
        server.should_exit = True
        await task
        listener.close()


async def _until_told(delivering: asyncio.Task[None]) -> None:
    """Wait for a signal. The relay never ends by itself: if it does, that is a bug, and it is raised."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with suppress(NotImplementedError):  # Windows
            loop.add_signal_handler(number, stop.set)
    told = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([delivering, told], return_when=asyncio.FIRST_COMPLETED)
    finally:
        told.cancel()
    if delivering.done():
        delivering.result()


async def _finish(relay: Relay) -> None:
    """Let the relay deliver what the last requests journalled; what it cannot, any relay does later."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_SECONDS_TO_DELIVER):
            await relay.idle()


class _Server(uvicorn.Server):
    """uvicorn that says when it is up, and leaves the process's signals to the process."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_up.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _config(app: FastAPI) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=30,
        ws_max_size=65_536,
        timeout_graceful_shutdown=_SECONDS_TO_FINISH,
    )


def _listener(host: str, *, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise PortTaken(
            f"The gateway cannot listen on {host}:{port} ({error.strerror}); "
            "set ORDERS_GATEWAY_PORT or ORDERS_GATEWAY_HOST"
        ) from error
    # asyncio turns Nagle's delay off only on sockets made with an explicit protocol; else an answer takes 40 ms more.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
