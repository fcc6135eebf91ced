"""What a provider tells of a notice it took: the highest rank stays, and a lost one is settled, on either database."""

import pytest

from activities.courier import Courier
from activities.providers.errors import NotSent, Unknown
from activities.providers.registry import Providers
from activities.store import ledger, notices, parcels
from activities.store.carrying import End
from activities.store.database import Store
from activities.store.history import LedgerState, NoticeRecord
from activities.store.ledger import Callback, DuplicateSend
from tests.store.builders import NOW, later
from tests.store.test_answers import DELIVERED, LEASE, LOST, SENT
from tests.store.test_courier import GRACE, Clock, Post, hire, inbox, state, tell

SEND = notices.send_id(reader="olga", ref="r-1")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(autouse=True)
async def told(store: Store) -> None:
    """Tell an employee something by text message."""
    await hire(store, notify="sms")
    await tell(store, "olga")


async def called_back(store: Store, callback: Callback, *, id: str = "post-1") -> bool:
    async with store.write() as tx:
        return await ledger.delivered(tx, send_id=SEND, provider_id=id, callback=callback, now=NOW)


async def notice(store: Store) -> NoticeRecord:
    (found,) = await inbox(store)
    return found


def courier(store: Store, post: Post, clock: Clock) -> Courier:
    providers = Providers([post], channels=dict.fromkeys(post.channels, "post"))
    return Courier(store, providers=providers, clock=clock)


async def test_callbacks_fold_into_the_notice_in_any_order_and_never_back(store: Store, clock: Clock) -> None:
    await courier(store, Post(), clock).round()
    changed = [await called_back(store, one) for one in (SENT, DELIVERED, SENT, LOST, DELIVERED)]
    assert changed == [True, True, False, False, False]
    assert await state(store) is LedgerState.DELIVERED


async def test_an_undelivered_notice_says_why(store: Store, clock: Clock) -> None:
    await courier(store, Post(), clock).round()
    await called_back(store, LOST)
    failed = await notice(store)
    assert failed.state is LedgerState.FAILED
    assert "30005" in failed.words


async def test_a_callback_settles_a_lost_notice_and_nothing_is_asked(store: Store, clock: Clock) -> None:
    """Covers M61."""
    bringing = courier(store, post := Post(Unknown("taken")), clock)
    await bringing.round()
    assert await state(store) is LedgerState.UNKNOWN
    await called_back(store, SENT)
    clock.now = later(hours=1)
    assert (await bringing.round(), post.asked) == (0, 0)
    assert await state(store) is LedgerState.ACCEPTED


async def test_a_callback_clears_the_words_of_an_earlier_try(store: Store, clock: Clock) -> None:
    bringing = courier(store, Post(NotSent("busy")), clock)
    await bringing.round()
    clock.now = later(minutes=1)
    await bringing.round()
    await called_back(store, DELIVERED)
    assert (await notice(store)).words == ""


async def test_a_callback_that_overtakes_the_answer_stays(store: Store) -> None:
    async with store.write() as tx:
        (parcel,) = await parcels.claim(tx, now=NOW, limit=9, lease=LEASE, graces={})
    await called_back(store, DELIVERED)
    async with store.write() as tx:
        assert not await parcels.tell(tx, parcel, end=End(LedgerState.ACCEPTED, provider_id="post-1"), now=NOW)
    assert await state(store) is LedgerState.DELIVERED


async def test_a_second_id_for_one_notice_is_told(store: Store) -> None:
    async with store.write() as tx:
        (parcel,) = await parcels.claim(tx, now=NOW, limit=9, lease=LEASE, graces={})
    await called_back(store, SENT, id="SM1")
    with pytest.raises(DuplicateSend):
        async with store.write() as tx:
            await parcels.tell(tx, parcel, end=End(LedgerState.ACCEPTED, provider_id="SM2"), now=NOW)
    with pytest.raises(DuplicateSend):
        await called_back(store, DELIVERED, id="SM2")


async def test_a_late_callback_settles_a_notice_that_was_left_alone(store: Store, clock: Clock) -> None:
    """Covers M61: nobody could tell, then the provider did."""
    bringing = courier(store, Post(Unknown("taken"), knows=Unknown("cannot tell")), clock)
    await bringing.round()
    clock.now = NOW + GRACE
    await bringing.round()
    assert await state(store) is LedgerState.HELD
    await called_back(store, DELIVERED)
    assert await state(store) is LedgerState.DELIVERED
