"""Calls that read a text aloud or play a recording, and how they went. Covers C1, M22, M62, M63; cases 20 - 23, 30."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from xml.etree.ElementTree import fromstring

import pytest
import pytest_asyncio
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities import trial
from activities.actions import ACTIONS, KINDS
from activities.actions.voices import LANGUAGES
from activities.providers.errors import NotSent, Rejected
from activities.providers.outbox import OutboxProvider
from activities.providers.protocol import Message, Outcome
from activities.providers.registry import Providers
from activities.providers.stand_in import Mood
from activities.sends import Sends
from activities.shelf import Shelf
from activities.store import calls, customers, ledger, orders, runs, visits
from activities.store.calls import CallRecord
from activities.store.database import Store
from activities.store.history import LedgerState, RunRecord
from activities.store.records import CustomerPatch
from activities.store.schema import migrate
from starter.gateway.speech import spoken
from tests.rules.desk import NOW, Desk
from tests.support.exchange import ANSWERED, BUSY, MACHINE, NO_ANSWER, Exchange
from workflows.contracts.ids import OrderKey, run_id
from workflows.contracts.reasons import RunReason, RunStatus
from workflows.contracts.runs import RunItem, RunOutcome, RunsRequest
from workflows.contracts.state import StageKind
from workflows.pipeline.loader import load
from workflows.pipeline.problems import as_text

ANNA: dict[str, Any] = {"id": "anna", "first_name": "Anna", "phones": [{"number": "+48501000111"}]}

REPEATED = "robocall: thanks\nrepeat: {times: 2, every: 30m}"


@dataclass
class CallDesk(Desk):
    """A shop whose calls go through the exchange. `asked_again` is what the last activity asked Temporal for."""

    exchange: Exchange = field(init=False)
    asked_again: ApplicationError | None = None
    outcome: RunOutcome | None = None

    def __post_init__(self) -> None:
        self.exchange = Exchange(lambda: self.now)

    async def _send(self, request: RunsRequest, *, shelf: Shelf) -> None:
        channels = {"voice": "stand-in", "sms": "outbox"}
        providers = Providers((self.exchange, OutboxProvider(self.store)), channels=channels)
        sends = Sends(self.store, shelf=shelf, actions=ACTIONS, providers=providers, clock=lambda: self.now)
        self.asked_again = self.outcome = None
        try:
            self.outcome = (await ActivityEnvironment().run(sends.send, request)).outcomes[0]
        except ApplicationError as error:
            self.asked_again = None if error.non_retryable else error

    async def conclude(self, key: OrderKey, *, visit: int, reason: RunReason, rule: str = "robocall") -> RunRecord:
        """Carry a rule out that was claimed and whose stage is left, or whose time is over."""
        status = RunStatus.STOPPED if reason is RunReason.STAGE_LEFT else RunStatus.FAILED
        item = RunItem(rule=rule, kind="robocall", verdict=status, reason=reason)
        await self._send(RunsRequest(key=key, visit=visit, now=self.now, items=[item]), shelf=Shelf(KINDS))
        return await self.state(key, visit=visit, rule=rule)

    async def leave(self, key: OrderKey, *, visit: int) -> None:
        """Let the order enter the next stage."""
        async with self.store.write() as tx:
            standing = await visits.lock(tx, key)
            assert standing is not None
            entry = visits.Entry(
                visit=visit + 1,
                stage="paid",
                stage_kind=StageKind.OPEN,
                version=standing.version,
                cause_source="test",
                cause_id=f"{key}:{visit + 1}",
                cause_type="payment.paid",
                is_automatic=True,
                at=self.now,
            )
            await visits.enter(tx, key, entry=entry)

    async def state(self, key: OrderKey, *, visit: int, rule: str = "robocall") -> RunRecord:
        """Read a run."""
        async with self.store.read() as tx:
            found = await runs.run_of(tx, key, visit=visit, rule=rule)
        assert found is not None
        return found

    async def call(self, send_id: UUID) -> CallRecord:
        """Read what a call says."""
        async with self.store.read() as tx:
            found = await calls.get(tx, send_id=send_id)
        assert found is not None
        return found

    @property
    def rung(self) -> list[Message]:
        """The calls that were made."""
        return [sent.message for sent in self.exchange.sent]


@pytest_asyncio.fixture
async def desk(tmp_path: Path) -> AsyncIterator[CallDesk]:
    """A shop with an exchange."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'orders.db'}"
    await migrate(url)
    store = await Store.open(url)
    yield CallDesk(store)
    await store.close()


# --- what is heard -----------------------------------------------------------------------------------------------


async def test_the_text_is_read_aloud_to_the_first_phone_in_a_voice_of_the_customers_language(desk: CallDesk) -> None:
    desk.exchange.outcomes = [ANSWERED]
    key = await desk.order(customer={**ANNA, "language": "pl"})
    run = await desk.run(key, "robocall: thanks\nline: '+48221234567'")
    (call,) = desk.rung
    assert (call.address, call.sender, call.body) == (
        "+48501000111",
        "+48221234567",
        "Anna, dziękujemy za zamówienie 1001.",
    )
    kept = await desk.call(run.id)
    assert (kept.text, kept.language, kept.voice) == (call.body, "pl-PL", "Polly.Ola-Neural")
    assert (kept.rate, kept.volume, kept.call_id, kept.order_id) == (100, 0, None, str(key))


async def test_the_voice_speed_and_volume_come_from_the_rule(desk: CallDesk) -> None:
    desk.exchange.outcomes = [ANSWERED]
    voice = "voice: {language: en-GB, name: Polly.Brian, rate: 80, volume: 6}"
    run = await desk.run(await desk.order(customer=ANNA), f"robocall: thanks\n{voice}")
    kept = await desk.call(run.id)
    assert (kept.language, kept.voice, kept.rate, kept.volume) == ("en-GB", "Polly.Brian", 80, 6)


async def test_a_recording_is_played_in_place_of_a_text(desk: CallDesk) -> None:
    desk.exchange.outcomes = [ANSWERED]
    rule = 'robocall: ""\naudio: https://shop.example/ready.mp3'
    run = await desk.run(await desk.order(customer=ANNA), rule)
    kept = await desk.call(run.id)
    assert (kept.text, kept.audio, run.status) == ("", "https://shop.example/ready.mp3", RunStatus.DONE)
    assert "language" not in run.results


async def test_names_of_customers_are_spoken_and_never_break_the_call(desk: CallDesk) -> None:
    """Covers case 20."""
    desk.exchange.outcomes = [ANSWERED]
    key = await desk.order(customer={**ANNA, "first_name": 'Anna <Say>&"Bob"'}, note="a\x07b\x1bc\x7fd")
    run = await desk.run(key, "robocall: '{{ customer.first_name }}: {{ order.note }}'")
    kept = await desk.call(run.id)
    assert kept.text == 'Anna <Say>&"Bob": abcd'
    assert "".join(fromstring(bytes(spoken(kept).body)).itertext()) == kept.text


async def test_a_text_of_more_than_1000_characters_is_never_spoken_and_never_cut(desk: CallDesk) -> None:
    key = await desk.order(customer=ANNA, note="a" * 1001)
    run = await desk.run(key, "robocall: '{{ order.note }}'")
    assert (run.status, run.reason, desk.rung) == (RunStatus.FAILED, RunReason.TEXT_TOO_LONG, [])


async def test_who_does_not_want_calls_gets_none(desk: CallDesk) -> None:
    """Covers M63."""
    key = await desk.order(customer={**ANNA, "consent": {"call": False}})
    run = await desk.run(key, "robocall: thanks")
    assert (run.status, run.reason, desk.rung) == (RunStatus.SKIPPED, RunReason.UNSUBSCRIBED, [])


async def test_a_customer_without_a_phone_is_skipped(desk: CallDesk) -> None:
    run = await desk.run(await desk.order(customer={"first_name": "Anna"}), "robocall: thanks")
    assert (run.status, run.reason) == (RunStatus.SKIPPED, RunReason.NO_ADDRESS)


# --- how it went -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "results"),
    [
        pytest.param(ANSWERED, {"outcome": "answered", "answered_by": "human"}, id="answered"),
        pytest.param(MACHINE, {"outcome": "machine", "answered_by": "machine"}, id="machine"),
        pytest.param(BUSY, {"outcome": "busy", "answered_by": ""}, id="busy"),
        pytest.param(NO_ANSWER, {"outcome": "no_answer", "answered_by": ""}, id="no-answer"),
    ],
)
async def test_how_a_call_went_is_the_rules_result(desk: CallDesk, told: Outcome, results: dict[str, object]) -> None:
    desk.exchange.outcomes = [told]
    run = await desk.run(await desk.order(customer=ANNA), "robocall: thanks")
    assert (run.status, run.results) == (RunStatus.DONE, {**results, "attempts": 1, "language": "en"})


async def test_a_later_rule_can_ask_how_the_call_went(desk: CallDesk) -> None:
    desk.exchange.outcomes = [NO_ANSWER]
    key = await desk.order(customer=ANNA)
    text = "id: instead\nsms: thanks\nafter: robocall\nwhen: results.robocall.outcome == 'no_answer'"
    visit = await desk.enter(key, "robocall: thanks", text)
    await desk.carry_out(key, visit=visit)
    run = await desk.carry_out(key, visit=visit, rule="instead")
    assert run.status is RunStatus.DONE


async def test_while_the_phone_rings_the_provider_is_asked_again_and_nothing_is_sent(desk: CallDesk) -> None:
    desk.exchange.outcomes = [None, NotSent("busy", retry_after=timedelta(seconds=3)), ANSWERED]
    key = await desk.order(customer=ANNA)
    visit = await desk.enter(key, "robocall: thanks")
    run = await desk.carry_out(key, visit=visit)
    assert (run.status, _delay(desk)) == (RunStatus.RUNNING, desk.exchange.patience)
    await desk.carry_out(key, visit=visit)
    assert _delay(desk) == timedelta(seconds=3)
    run = await desk.carry_out(key, visit=visit)
    assert (run.status, len(desk.rung)) == (RunStatus.DONE, 1)


async def test_a_provider_that_cannot_tell_ends_the_rule_with_its_acceptance(desk: CallDesk) -> None:
    run = await desk.run(await desk.order(customer=ANNA), "robocall: thanks\nprovider: outbox")
    assert run.results["outcome"] == "answered"


async def test_a_busy_line_is_called_again_and_answered(desk: CallDesk) -> None:
    desk.exchange.outcomes = [BUSY, ANSWERED]
    key = await desk.order(customer=ANNA)
    visit = await desk.enter(key, REPEATED)
    run = await desk.carry_out(key, visit=visit)
    assert (run.status, run.reason, run.due) == (RunStatus.PLANNED, RunReason.RETRYING, NOW + timedelta(minutes=30))
    assert desk.outcome is not None
    assert (desk.outcome.status, desk.outcome.at) == (RunStatus.PLANNED, run.due)
    desk.now += timedelta(minutes=30)
    run = await desk.carry_out(key, visit=visit)
    assert run.results == {"outcome": "answered", "answered_by": "human", "attempts": 2, "language": "en"}
    first, second = desk.exchange.sent
    assert first.send_id == run_id(key, visit, "robocall")
    assert (await desk.call(second.send_id)).text == (await desk.call(first.send_id)).text


async def test_a_call_that_is_never_answered_ends_after_its_last_attempt(desk: CallDesk) -> None:
    desk.exchange.outcomes = [BUSY, NO_ANSWER, NO_ANSWER]
    key = await desk.order(customer=ANNA)
    visit = await desk.enter(key, REPEATED)
    for _ in range(3):
        run = await desk.carry_out(key, visit=visit)
        desk.now += timedelta(minutes=30)
    assert (run.status, run.results["outcome"], run.results["attempts"]) == (RunStatus.DONE, "no_answer", 3)
    assert len({sent.send_id for sent in desk.exchange.sent}) == 3
    await desk.carry_out(key, visit=visit)
    assert len(desk.rung) == 3


async def test_an_answering_machine_is_not_called_again(desk: CallDesk) -> None:
    """Covers case 22."""
    desk.exchange.outcomes = [MACHINE]
    run = await desk.run(await desk.order(customer=ANNA), REPEATED)
    assert (run.status, run.results["outcome"]) == (RunStatus.DONE, "machine")


async def test_the_outcome_of_a_call_counts_although_a_callback_called_it_failed(desk: CallDesk) -> None:
    """Covers case 32. A callback may have settled the ledger before the provider was asked."""
    desk.exchange.outcomes = [None, BUSY, ANSWERED]
    key = await desk.order(customer=ANNA)
    visit = await desk.enter(key, REPEATED)
    run = await desk.carry_out(key, visit=visit)
    callback = ledger.Callback("busy", rank=4, state=LedgerState.FAILED, code="busy")
    async with desk.store.write() as tx:
        await ledger.delivered(tx, send_id=run.id, provider_id=f"stand-in-{run.id}", callback=callback, now=desk.now)
    run = await desk.carry_out(key, visit=visit)
    assert run.reason is RunReason.RETRYING
    late = ledger.Callback("completed", rank=5, state=LedgerState.DELIVERED)
    async with desk.store.write() as tx:
        await ledger.delivered(tx, send_id=run.id, provider_id=f"stand-in-{run.id}", callback=late, now=desk.now)
    desk.now += timedelta(minutes=30)
    run = await desk.carry_out(key, visit=visit)
    assert run.results["attempts"] == 2


async def test_a_call_that_fails_for_good_tells_a_person_and_can_be_repeated(desk: CallDesk) -> None:
    """Covers M62."""
    desk.exchange.outcomes = [Outcome({"outcome": "failed"}, failure="the number does not exist")]
    await desk.employee("olga")
    key = await desk.order(customer=ANNA, responsible="olga")
    visit = await desk.enter(key, REPEATED)
    run = await desk.carry_out(key, visit=visit)
    assert (run.status, run.reason, run.words) == (RunStatus.FAILED, RunReason.REJECTED, "the number does not exist")
    assert run.results["outcome"] == "failed"
    assert len(await desk.notices(key)) == 1
    async with desk.store.write() as tx:
        await runs.repeat(tx, key, visit=visit, rules=["robocall"], at=desk.now)
        await ledger.reopen(tx, key, visit=visit, rule="robocall", now=desk.now)
    desk.exchange.outcomes = [ANSWERED]
    run = await desk.carry_out(key, visit=visit)
    assert (run.status, run.results["attempts"]) == (RunStatus.DONE, 1)


async def test_an_outcome_that_the_provider_refuses_to_tell_fails_the_rule(desk: CallDesk) -> None:
    desk.exchange.outcomes = [Rejected("20404", "the call is not there any more")]
    run = await desk.run(await desk.order(customer=ANNA), "robocall: thanks")
    assert (run.status, run.words) == (RunStatus.FAILED, "the call is not there any more (20404)")


# --- between attempts ----------------------------------------------------------------------------------------------


async def test_a_call_that_rings_when_the_stage_is_left_is_recorded_and_not_repeated(desk: CallDesk) -> None:
    """Covers M05, case 30."""
    desk.exchange.outcomes = [None, None, NO_ANSWER]
    key = await desk.order(customer=ANNA)
    visit = await desk.enter(key, REPEATED)
    await desk.carry_out(key, visit=visit)
    await desk.leave(key, visit=visit)
    run = await desk.conclude(key, visit=visit, reason=RunReason.STAGE_LEFT)
    assert (run.status, _delay(desk)) == (RunStatus.RUNNING, desk.exchange.patience)
    run = await desk.conclude(key, visit=visit, reason=RunReason.STAGE_LEFT)
    assert (run.status, run.results["outcome"], len(desk.rung)) == (RunStatus.DONE, "no_answer", 1)


async def test_the_stage_that_is_left_between_a_call_and_its_outcome_ends_the_attempts(desk: CallDesk) -> None:
    """Covers M05: the store knows it before the workflow does."""
    desk.exchange.outcomes = [None, NO_ANSWER]
    key = await desk.order(customer=ANNA)
    visit = await desk.enter(key, REPEATED)
    await desk.carry_out(key, visit=visit)
    await desk.leave(key, visit=visit)
    run = await desk.carry_out(key, visit=visit)
    assert (run.status, run.results["outcome"]) == (RunStatus.DONE, "no_answer")


async def test_nobody_is_called_again_when_the_stage_is_left_between_attempts(desk: CallDesk) -> None:
    """Covers M05, case 30."""
    desk.exchange.outcomes = [NO_ANSWER]
    key = await desk.order(customer=ANNA)
    visit = await desk.enter(key, REPEATED)
    await desk.carry_out(key, visit=visit)
    await desk.leave(key, visit=visit)
    run = await desk.state(key, visit=visit)
    assert (run.status, run.reason) == (RunStatus.STOPPED, RunReason.STAGE_LEFT)
    desk.now += timedelta(minutes=30)
    await desk.carry_out(key, visit=visit)
    assert len(desk.rung) == 1


async def test_a_call_is_not_given_up_because_its_time_is_over_while_it_rings(desk: CallDesk) -> None:
    """Covers M60: `expires` bounds the start of a call, not its length."""
    desk.exchange.outcomes = [None, None, ANSWERED]
    key = await desk.order(customer=ANNA)
    visit = await desk.enter(key, REPEATED)
    await desk.carry_out(key, visit=visit)
    run = await desk.conclude(key, visit=visit, reason=RunReason.EXPIRED)
    assert run.status is RunStatus.RUNNING
    run = await desk.conclude(key, visit=visit, reason=RunReason.EXPIRED)
    assert (run.status, run.results["outcome"]) == (RunStatus.DONE, "answered")


async def test_a_call_whose_words_cannot_be_made_any_more_is_still_waited_for(desk: CallDesk) -> None:
    """Covers M61: it was made, whatever the order looks like now."""
    desk.exchange.outcomes = [None, NO_ANSWER]
    key = await desk.order(customer=ANNA, note="ready")
    visit = await desk.enter(key, "robocall: '{{ order.note }}'\nrepeat: {times: 2, every: 30m}")
    await desk.carry_out(key, visit=visit)
    async with desk.store.write() as tx:
        await orders.edit(tx, key, fields={"note": ""}, now=desk.now)
    run = await desk.carry_out(key, visit=visit)
    assert (run.status, run.results["outcome"], len(desk.rung)) == (RunStatus.DONE, "no_answer", 1)


async def test_consent_withdrawn_between_attempts_ends_them(desk: CallDesk) -> None:
    """Covers M63, case 29."""
    desk.exchange.outcomes = [NO_ANSWER]
    key = await desk.order(customer=ANNA)
    visit = await desk.enter(key, REPEATED)
    await desk.carry_out(key, visit=visit)
    async with desk.store.write() as tx:
        patch = CustomerPatch.model_validate({"consent": {"call": False}})
        await customers.patch(tx, id="anna", patch=patch, now=desk.now)
    desk.now += timedelta(minutes=30)
    run = await desk.carry_out(key, visit=visit)
    assert (run.status, run.reason, len(desk.rung)) == (RunStatus.SKIPPED, RunReason.UNSUBSCRIBED, 1)


async def test_the_condition_is_checked_before_every_attempt(desk: CallDesk) -> None:
    """Covers M30."""
    desk.exchange.outcomes = [NO_ANSWER]
    key = await desk.order(customer=ANNA, note="call")
    visit = await desk.enter(key, f"{REPEATED}\nwhen: order.note == 'call'")
    await desk.carry_out(key, visit=visit)
    async with desk.store.write() as tx:
        await orders.edit(tx, key, fields={"note": "done"}, now=desk.now)
    desk.now += timedelta(minutes=30)
    run = await desk.carry_out(key, visit=visit)
    assert (run.status, run.reason, len(desk.rung)) == (RunStatus.SKIPPED, RunReason.CONDITION_FALSE, 1)


async def test_an_attempt_in_quiet_hours_waits_for_their_end(desk: CallDesk) -> None:
    """Covers M22, case 28."""
    desk.quiet_hours = '"21:00-08:00"'
    desk.now = datetime(2026, 3, 10, 19, 45, tzinfo=UTC)  # 20:45 in Warsaw
    desk.exchange.outcomes = [NO_ANSWER, ANSWERED]
    key = await desk.order(customer={**ANNA, "time_zone": "Europe/Warsaw"})
    visit = await desk.enter(key, REPEATED)
    await desk.carry_out(key, visit=visit)
    desk.now += timedelta(minutes=30)
    run = await desk.carry_out(key, visit=visit)
    assert (run.status, run.reason) == (RunStatus.PLANNED, RunReason.QUIET_HOURS)
    assert run.due == datetime(2026, 3, 11, 7, 0, tzinfo=UTC)
    desk.now = run.due
    run = await desk.carry_out(key, visit=visit)
    assert (run.status, run.results["attempts"]) == (RunStatus.DONE, 2)


async def test_a_lost_answer_of_the_second_call_is_settled_as_the_second_call(desk: CallDesk) -> None:
    """Covers M61, case 2."""
    desk.exchange.outcomes = [NO_ANSWER, ANSWERED]
    key = await desk.order(customer=ANNA)
    visit = await desk.enter(key, REPEATED)
    await desk.carry_out(key, visit=visit)
    desk.now += timedelta(minutes=30)
    desk.exchange.loses_answers = True
    run = await desk.carry_out(key, visit=visit)
    assert run.status is RunStatus.RUNNING
    desk.exchange.loses_answers = False
    desk.now += timedelta(minutes=1)
    run = await desk.carry_out(key, visit=visit)
    assert (run.status, run.results["attempts"], len(desk.rung)) == (RunStatus.DONE, 2, 2)


def _delay(desk: CallDesk) -> timedelta | None:
    assert desk.asked_again is not None
    return desk.asked_again.next_retry_delay


# --- mistakes in the file -------------------------------------------------------------------------------------------


MISTAKES = [
    pytest.param(
        "robocall: thanks\n        voice: {name: Polly.Joana-Neural}",
        "D202",
        "no voice is called 'Polly.Joana-Neural'",
        "Did you mean 'Polly.Joanna-Neural'?",
        id="unknown-voice",
    ),
    pytest.param(
        "robocall: thanks\n        voice: {language: en-PL}",
        "D202",
        "no voice speaks 'en-PL'",
        f"Did you mean 'pl-PL'? Languages: {', '.join(LANGUAGES)}.",
        id="unknown-language",
    ),
    pytest.param(
        "robocall: thanks\n        voice: {language: en-US, name: Polly.Ewa}",
        "D218",
        "the voice 'Polly.Ewa' speaks pl-PL, not en-US",
        "Voices of en-US: Polly.Joanna-Neural, Polly.Matthew-Neural, Polly.Danielle-Neural, Polly.Gregory-Neural, "
        "Polly.Ruth-Neural, Polly.Stephen-Neural, Polly.Salli-Neural, Polly.Joey-Neural and 45 more.",
        id="voice-of-another-language",
    ),
    pytest.param(
        "robocall: thanks\n        voice: {name: woman, rate: 90}",
        "D218",
        "the voice 'woman' has one speed and one volume",
        "Leave out 'rate' and 'volume', or take one of: Polly.Joanna-Neural, Polly.Matthew-Neural, "
        "Polly.Danielle-Neural, Polly.Gregory-Neural, Polly.Ruth-Neural, Polly.Stephen-Neural, Polly.Salli-Neural, "
        "Polly.Joey-Neural and 43 more.",
        id="speed-without-ssml",
    ),
    pytest.param(
        "robocall: thanks\n        voice: {rate: 201}", "D218", "'rate' must be at most 200, not 201", "", id="rate"
    ),
    pytest.param(
        "robocall: thanks\n        voice: {volume: 7}", "D218", "'volume' must be at most 6, not 7", "", id="volume"
    ),
    pytest.param(
        'robocall: ""',
        "D219",
        "'robocall' is empty",
        "Write a text or the id of a message, or 'audio:'.",
        id="says-nothing",
    ),
    pytest.param(
        "robocall: thanks\n        audio: https://shop.example/a.mp3",
        "D218",
        "a call says a text or plays a recording, not both",
        "Write robocall: \"\" with 'audio', or remove 'audio'.",
        id="text-and-recording",
    ),
    pytest.param(
        "robocall: thanks\n        line: 221234567",
        "D207",
        "'line' must be a text, and '221234567' is not",
        'Write it in quotes: "221234567".',
        id="line",
    ),
    pytest.param(
        "robocall: thanks\n        repeat: {times: 0, every: 5m}",
        "D218",
        "'times' must be at least 1, not 0",
        "",
        id="repeat-never",
    ),
    pytest.param(
        "robocall: thanks\n        repeat: {times: 2, every: soon}",
        "D203",
        "'soon' is not a duration",
        "Write a number and a unit, like 90m, 3h, 2d or '1d 12h'.",
        id="repeat-soon",
    ),
    pytest.param(
        "robocall: thanks\n        repeat: {times: 2}",
        "D211",
        "'repeat' needs 'every'",
        "Add 'every:' to it.",
        id="repeat-without-every",
    ),
]


@pytest.mark.parametrize(("rule", "code", "words", "help"), MISTAKES)
def test_a_mistake_is_told_when_the_file_is_read(rule: str, code: str, words: str, help: str) -> None:
    (problem,) = load(_file(rule), file="shop.yaml", kinds=KINDS).errors
    assert (problem.code, problem.words, problem.help) == (code, words, help)


@pytest.mark.parametrize(
    "address",
    [
        "http://shop.example/a.mp3",
        "ftp://shop.example/a.mp3",
        "//shop.example/a.mp3",
        "https:///a.mp3",
        "https://shop.example/a.wav",
        "https://shop.example/",
        "https://shop.example:8443/a.mp3",
        "https://shop.example:80/a.mp3",
        "https://shop.example:99999/a.mp3",
        "https://olga:secret@shop.example/a.mp3",
        "https://shop.example\\@evil.example/a.mp3",
        "https://127.0.0.1/a.mp3",
        "https://2130706433/a.mp3",
        "https://0x7f.1/a.mp3",
        "https://0177.0.0.1/a.mp3",
        "https://[::1]/a.mp3",
        "https://[::ffff:10.0.0.1]/a.mp3",
        "https://169.254.169.254/a.mp3",
        "https://localhost/a.mp3",
        "https://gateway.internal/a.mp3",
        "https://printer.local/a.mp3",
        "https://shop/a.mp3",
        "https://ｓhop.example/a.mp3",
        "https://shop.example/a b.mp3",
        "https://shop.example/{{ order.number }}.mp3",
    ],
)
def test_a_recording_that_is_not_public_is_refused_when_the_file_is_read(address: str) -> None:
    """Covers case 23 and the hostile addresses."""
    loaded = load(_file(f"robocall: \"\"\n        audio: '{address}'"), file="shop.yaml", kinds=KINDS)
    assert [problem.code for problem in loaded.errors] == ["D226"]
    assert "secret" not in loaded.errors[0].words


@pytest.mark.parametrize(
    "address",
    ["https://shop.example/a.mp3", "https://cdn.shop.example:443/x/A.MP3?v=1", "https://xn--shp-1na.example/a.mp3"],
)
def test_a_public_recording_is_taken(address: str) -> None:
    loaded = load(_file(f"robocall: \"\"\n        audio: '{address}'"), file="shop.yaml", kinds=KINDS)
    assert loaded.pipeline is not None, as_text(loaded.problems)


def _file(rule: str) -> str:
    return f"""
pipeline: shop
stages:
  new:
    rules:
      - {rule}
  won: {{kind: success, triggers: [{{payment: paid}}]}}
messages:
  thanks: {{en: Thank you}}
"""


# --- a test call ------------------------------------------------------------------------------------------------------


async def test_a_test_call_speaks_to_the_author_and_is_no_run_of_the_order(desk: CallDesk) -> None:
    key = await desk.order(customer={**ANNA, "consent": {"call": False}})
    visit = await desk.enter(key, "robocall: thanks\nwait: 1d")
    desk.exchange.outcomes = [None, ANSWERED]
    spoken = await trial.words_of(desk.store, shelf=Shelf(KINDS), key=key, rule="robocall")
    providers = Providers([desk.exchange], channels={"voice": "stand-in"})
    ringing = await trial.call(desk.store, providers=providers, spoken=spoken, to="+48600000001")
    told = await trial.outcome(ringing, within=timedelta(minutes=1))
    assert told == ANSWERED
    assert [(call.address, call.body) for call in desk.rung] == [("+48600000001", "Anna, thank you for order 1001.")]
    assert (await desk.call(ringing.send_id)).text == "Anna, thank you for order 1001."
    run = await desk.state(key, visit=visit)
    assert (run.status, run.id == ringing.send_id) == (RunStatus.PLANNED, False)


@pytest.mark.parametrize(
    ("mood", "state"),
    [
        pytest.param(Mood.DOWN, LedgerState.FAILED, id="down"),
        pytest.param(Mood.REFUSING, LedgerState.FAILED, id="refused"),
        pytest.param(Mood.SILENT, LedgerState.UNKNOWN, id="lost"),
    ],
)
async def test_a_test_call_that_was_not_taken_is_never_made_again(
    desk: CallDesk, mood: Mood, state: LedgerState
) -> None:
    """Covers M61."""
    key = await desk.order(customer=ANNA)
    await desk.enter(key, "robocall: thanks\nwait: 1d")
    desk.exchange.behave("voice", mood=mood)
    spoken = await trial.words_of(desk.store, shelf=Shelf(KINDS), key=key, rule="robocall")
    providers = Providers([desk.exchange], channels={"voice": "stand-in"})
    with pytest.raises(trial.NoTrial, match="Nobody"):
        await trial.call(desk.store, providers=providers, spoken=spoken, to="+48600000001")
    async with desk.store.read() as tx:
        row = await ledger.row(tx, send_id=spoken.context.send_id)
    assert row is not None
    assert (row.state, desk.rung) == (state, [])
