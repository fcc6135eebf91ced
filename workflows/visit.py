"""One stay of an order in a stage: its runs, their chains and waits, carried out on any clock until the stage is left.

Every await that can outlive the visit is followed by a guard: a run's `turn` is bumped when its task is replaced,
skipped or left, and a task whose turn is over does nothing more. `task.cancel()` alone would lose cancels.
"""

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta

from workflows.contracts.plans import Due, Plan
from workflows.contracts.reasons import RunReason, RunStatus
from workflows.contracts.runs import RunItem, RunOutcome, RunsRequest
from workflows.moments import written
from workflows.run import Clock, Host, Run

#: How long a run waits before it asks again, where the store held it and the workflow has not heard of the hold.
HOLD_CHECK = timedelta(seconds=5)


class Visit:
    """The runs of one visit. `start` once; then runs end, are re-timed, skipped, repeated; `leave` once."""

    def __init__(self, plan: Plan, *, clock: Clock, host: Host) -> None:
        self.number = plan.visit
        self.card = plan.card
        self.runs = {
            planned.rule: Run(planned, planned.due, planned.words, planned.status, planned.reason)
            for planned in plan.runs
        }
        self._clock = clock
        self._host = host
        self._tasks: list[asyncio.Task[None]] = []
        self._batch: list[tuple[Run, asyncio.Future[RunOutcome]]] = []
        self._batches = 0

    def start(self, outcomes: Iterable[RunOutcome] = ()) -> None:
        """Start every run that has not ended; one whose outcome is unknown waits for a person.

        `outcomes` are those of runs that were carried out together with the decision.
        """
        for outcome in outcomes:
            run = self.runs.get(outcome.rule)
            if run is not None and outcome.status.is_end and not run.status.is_end:
                self._host.take_all(outcome.events)
                self._end_run(run, outcome)
        for run in self.runs.values():
            if run.status.is_end:
                run.ended.set()
            elif run.reason is not RunReason.OUTCOME_UNKNOWN:
                self._start(run, is_past_chain=run.planned.is_past_chain)

    def leave(self) -> None:
        """Stop all runs: the guard first, then the tasks, in list order, each once. What was claimed drains."""
        for run in self.runs.values():
            run.turn += 1
        for run in self.runs.values():
            if run.task is not None:
                run.task.cancel()

    @property
    def is_recording(self) -> bool:
        """Say whether record-only runs are being carried out right now: they end in a moment."""
        return self._batches > 0

    @property
    def is_busy(self) -> bool:
        """Say whether anything is in flight: a run being carried out, or a cancelled one that drains."""
        self._tasks = [task for task in self._tasks if not task.done()]
        waiting = {id(run.task) for run in self.runs.values() if run.task is not None and not run.is_executing}
        return self._batches > 0 or any(id(task) not in waiting for task in self._tasks)

    async def drain(self) -> None:
        """Wait until everything that was in flight has ended."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def next_at(self) -> datetime | None:
        """Return the moment of the run that is next, None where nothing waits for a moment."""
        dues = [run.due for run in self.runs.values() if run.due and not run.status.is_end and not run.is_executing]
        return min(dues, default=None)

    # --- what operators and events do to runs --------------------------------------------------------------------

    def retime(self, dues: Iterable[Due]) -> None:
        """Give waiting runs new moments."""
        for due in dues:
            run = self.runs.get(due.rule)
            if run is None or run.status.is_end:
                continue
            if run.is_executing:
                run.moved = due  # it counts should the run be put off: the answer is still on its way here
                continue
            run.due, run.words = due.at, due.words or run.words
            before = self.runs.get(run.planned.after or "")
            if before is None or before.ended.is_set():
                self._restart(run)
            elif run.is_past_chain and self._clock.knows("moved-beside-repeated"):
                self._restart(run, is_past_chain=True)  # it waits for no second end of the rule before it

    def call(self, rules: Iterable[str]) -> None:
        """Carry waiting runs out now, whatever they wait for."""
        for rule in rules:
            run = self.runs.get(rule)
            if run is None or run.status.is_end:
                continue
            if run.is_executing:
                run.was_called = True  # it was put off in the store, the answer is still on its way here
                continue
            run.due = None
            self._restart(run, is_called=True)

    def end(self, rules: Iterable[str], *, status: RunStatus, reason: RunReason) -> None:
        """End runs unrun; a skipped one lets its chain go on."""
        for rule in rules:
            run = self.runs.get(rule)
            if run is None or run.status.is_end:
                continue
            self._stop(run)
            run.status, run.reason = status, reason
            run.ended.set()

    def repeat(self, rules: Iterable[str]) -> None:
        """Carry failed or held runs out again, and revive the chains that their failure stopped."""
        for rule in rules:
            run = self.runs.get(rule)
            if run is None:
                continue
            if run.is_executing:
                run.is_repeated = True  # its failure was seen in the store, the answer is still on its way here
                continue
            self._revive(run)
            for other in self.runs.values():
                if other.reason is RunReason.PREVIOUS_FAILED and self._is_after(other, run):
                    self._revive(other)
                    other.due = None
                    self._start(other)
            self._restart(run, is_called=True)

    def resume(self) -> None:
        """Start the runs again that the store held although the workflow knew of no hold."""
        for run in self.runs.values():
            if run.status is not RunStatus.HELD or run.reason is not RunReason.ON_HOLD:
                continue
            is_early = run.due is not None and run.due > self._clock.now()
            if is_early and self._clock.knows("moved-while-held"):
                continue  # its moment moved since: its task waits for that
            self._restart(run, is_called=True)

    # --- a run's life ----------------------------------------------------------------------------------------------

    def _start(self, run: Run, *, is_called: bool = False, is_past_chain: bool = False) -> None:
        run.is_past_chain = is_called or is_past_chain
        run.task = asyncio.create_task(self._guarded(run, run.turn, is_called=is_called))
        self._tasks.append(run.task)

    def _stop(self, run: Run) -> None:
        run.turn += 1
        if run.task is not None:
            run.task.cancel()
            run.task = None

    def _restart(self, run: Run, *, is_called: bool = False, is_past_chain: bool = False) -> None:
        self._stop(run)
        self._start(run, is_called=is_called, is_past_chain=is_past_chain)

    def _revive(self, run: Run) -> None:
        run.status, run.reason = RunStatus.PLANNED, None
        if run.ended.is_set():
            run.ended = asyncio.Event()

    async def _guarded(self, run: Run, turn: int, *, is_called: bool) -> None:
        failure: BaseException | None = None
        try:
            await self._carry_out(run, turn, is_called=is_called)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            failure = error
        finally:
            self._host.task_ended(failure)

    async def _carry_out(self, run: Run, turn: int, *, is_called: bool) -> None:
        before = None if run.is_past_chain else self.runs.get(run.planned.after or "")
        if before is not None:
            await before.ended.wait()
            if run.turn != turn or run.status.is_end:
                return
            if before.stops_chain:
                self._end_run(run, _stopped_by(run, before))
                return
            run.is_past_chain = True
        if not is_called:
            await self._wait_until_due(run)
        while run.turn == turn:
            if self._host.is_held:
                await self._host.resumed.wait()
                continue
            outcome = await self._execute(run)
            if run.turn != turn:
                return  # left meanwhile: the store has the outcome, the chain does not go on
            if run.is_repeated:
                run.is_repeated = False
                continue
            if outcome.status is RunStatus.PLANNED and outcome.at is not None:
                run.due, run.words = outcome.at, outcome.words or "quiet hours"
                if run.moved is not None and run.moved.at > outcome.at:
                    run.due, run.words = run.moved.at, run.moved.words or run.words
                if run.was_called and self._clock.knows("called-while-put-off"):
                    run.due = None
                    continue
                await self._wait_until_due(run)
            elif outcome.reason is not RunReason.ON_HOLD:
                self._end_run(run, outcome)
                return
            elif run.moved is not None and self._clock.knows("moved-while-held"):
                run.due, run.words = run.moved.at, run.moved.words or run.words
                await self._wait_until_due(run)
            elif not self._host.is_held:
                await self._clock.sleep_until(self._clock.now() + HOLD_CHECK, words="on hold")

    async def _wait_until_due(self, run: Run) -> None:
        if run.due is None and run.planned.has_wait:
            raise RuntimeError(f"rule {run.rule} waits, but nobody told its moment")
        if run.due is not None and run.due > self._clock.now():
            why = f" ({run.words})" if run.words else ""
            what = run.planned.title or run.planned.kind
            await self._clock.sleep_until(run.due, words=f"until {written(run.due)} UTC{why} → {what}")

    async def _execute(self, run: Run) -> RunOutcome:
        run.is_executing, run.moved, run.was_called = True, None, False
        try:
            if run.planned.is_record:
                return await self._record(run)
            outcome = await self._clock.send(self._request([run]), run=run.planned)
            self._host.take_all(outcome.events)
            return outcome
        finally:
            run.is_executing = False

    def _end_run(self, run: Run, outcome: RunOutcome) -> None:
        run.status, run.reason = outcome.status, outcome.reason
        for due in outcome.dues:
            waiting = self.runs.get(due.rule)
            # A moment that is known already was told by a decision, which was made after this run's end.
            if waiting is not None and not waiting.status.is_end and waiting.due is None:
                waiting.due, waiting.words = due.at, due.words or waiting.words
        self._host.run_ended(run, outcome)
        if outcome.status.is_end:
            run.ended.set()

    def _request(self, runs: list[Run]) -> RunsRequest:
        items = [RunItem(rule=run.rule, kind=run.planned.kind) for run in runs]
        return RunsRequest(key=self._host.key, visit=self.number, now=self._clock.now(), items=items)

    def _is_after(self, run: Run, first: Run) -> bool:
        before = self.runs.get(run.planned.after or "")
        for _ in self.runs:
            if before is None or before is first:
                return before is first
            before = self.runs.get(before.planned.after or "")
        return False

    # --- records: all that is due at one moment, and what follows it at once, in one request -----------------------

    async def _record(self, run: Run) -> RunOutcome:
        outcome: asyncio.Future[RunOutcome] = asyncio.get_running_loop().create_future()
        self._batch.append((run, outcome))
        if len(self._batch) == 1:
            self._batches += 1
            self._tasks.append(asyncio.create_task(self._flush()))
        return await outcome

    async def _flush(self) -> None:
        batch, self._batch = [(run, waiting) for run, waiting in self._batch if not waiting.done()], []
        failure: BaseException | None = None
        try:
            if batch:
                await self._record_batch(batch)
        except Exception as error:
            failure = error
        finally:
            self._batches -= 1
            self._host.task_ended(failure)

    async def _record_batch(self, batch: list[tuple[Run, asyncio.Future[RunOutcome]]]) -> None:
        runs = self._with_followers([run for run, _ in batch])
        turns = [run.turn for run in runs]
        answer = await self._clock.record(self._request(runs))  # the visit may be left meanwhile
        outcomes = {outcome.rule: outcome for outcome in answer.outcomes}
        for outcome in answer.outcomes:
            self._host.take_all(outcome.events)
        for run, turn in list(zip(runs, turns, strict=True))[len(batch) :]:
            outcome = outcomes[run.rule]
            if run.turn == turn and outcome.status.is_end and not run.status.is_end:
                self._end_run(run, outcome)
        for run, waiting in batch:
            if not waiting.done():
                waiting.set_result(outcomes[run.rule])

    def _with_followers(self, runs: list[Run]) -> list[Run]:
        """Add the record-only rules that follow at once, in the order in which they must be carried out."""
        found = list(runs)
        names = [run.rule for run in found]
        for run in self.runs.values():
            planned = run.planned
            follows = planned.after in names and planned.rule not in names
            if follows and planned.is_record and not planned.has_wait and run.status is RunStatus.PLANNED:
                found.append(run)
                names.append(planned.rule)
        return found


def _stopped_by(run: Run, before: Run) -> RunOutcome:
    reason = before.reason if before.status is RunStatus.STOPPED and before.reason else RunReason.PREVIOUS_FAILED
    return RunOutcome(rule=run.rule, status=RunStatus.STOPPED, reason=reason)
