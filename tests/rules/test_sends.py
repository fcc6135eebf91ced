"""What becomes of a send whose message was accepted and whose run could not be ended: it is known, and sent once."""

from datetime import timedelta
from uuid import UUID

import pytest

from activities.providers.protocol import Accepted, Message
from activities.store import ledger
from activities.store.history import LedgerState
from tests.rules.desk import Desk
from workflows.contracts.reasons import RunStatus

ANNA = {"first_name": "Anna", "phones": [{"number": "+48501000111"}]}


class Careless:
    """A provider whose results no column can hold."""

    name = "careless"
    channels: tuple[str, ...] = ("sms",)
    grace = timedelta(seconds=1)

    def __init__(self) -> None:
        self.taken: list[UUID] = []

    async def send(self, message: Message, *, send_id: UUID) -> Accepted:
        """Take it."""
        self.taken.append(send_id)
        return Accepted("theirs-1", {"price": object()})

    async def lookup(self, message: Message, *, send_id: UUID) -> Accepted | None:
        """Nobody asks."""
        raise AssertionError("it is known that it was accepted")


async def test_what_was_accepted_is_known_though_its_run_could_not_be_ended(desk: Desk) -> None:
    """Covers M61: a bug of ours behind a send does not send it twice."""
    careless = Careless()
    desk.connected = (careless,)
    key = await desk.order(customer=ANNA)
    visit = await desk.enter(key, "id: thanks\nsms: thanks\nprovider: careless")
    with pytest.raises(TypeError):
        await desk.carry_out(key, visit=visit)
    async with desk.store.read() as tx:
        row = await ledger.row(tx, send_id=careless.taken[0])
    assert row is not None
    assert (row.state, row.provider_id) == (LedgerState.ACCEPTED, "theirs-1")
    assert (await desk.carry_out(key, visit=visit)).status is RunStatus.DONE
    assert len(careless.taken) == 1
