"""Hands what a command journalled to Temporal: by this product's own relay, as the gateway does, for a few seconds."""

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from starter.cli.connections import silence_temporal
from starter.cli.output import note

if TYPE_CHECKING:
    from collections.abc import Sequence

    from activities.runtime.settings import Settings
    from activities.store.database import Store
    from workflows.contracts.ids import OrderKey

_SECONDS = 5.0
_LOOK_AGAIN = 0.1


async def deliver(settings: "Settings", *, store: "Store", orders: "Sequence[OrderKey]", source: str, id: str) -> bool:
    """Deliver an event to its orders; say on stderr, and return False, where that is left to a relay later."""
    from activities.runtime.temporal import connect
    from starter.client import OrdersClient
    from starter.relay import Relay

    if not orders:
        return True
    silence_temporal()
    client = await connect(settings, is_lazy=True)
    relay = Relay(store, orders=OrdersClient(client, shop=settings.shop))
    delivering = asyncio.create_task(relay.run())
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(_SECONDS):
                while not relay.figures.is_down:
                    if await _is_delivered(store, orders=orders, source=source, id=id):
                        return True
                    await asyncio.sleep(_LOOK_AGAIN)
    finally:
        delivering.cancel()
        with suppress(asyncio.CancelledError):
            await delivering
    note("warning: Temporal does not take the event now. It is journalled; a gateway or worker delivers it later.")
    return False


async def _is_delivered(store: "Store", *, orders: "Sequence[OrderKey]", source: str, id: str) -> bool:
    from activities.store import journal

    async with store.read() as tx:
        for key in orders:
            found = await journal.event_for(tx, key, source=source, id=id)
            if found is not None and found.state == "new":
                return False
    return True
