"""What becomes of an accepted message or call: its statuses, their callbacks, and what a call says."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime

from tests.support.stand_ins.twilio import speaking
from tests.support.stand_ins.twilio.callbacks import Callbacks
from tests.support.stand_ins.twilio.faults import Faults
from tests.support.stand_ins.twilio.records import VERSION, CallState, MessageState

#: Ends of a call that nobody took.
UNTAKEN = ("busy", "no-answer", "failed", "canceled")

#: HTTP retrieval failure; https://www.twilio.com/docs/api/errors/11200
_UNFETCHED = 11200


@dataclass
class Script:
    """How people and networks behave, by address: refused at once, delivered or not, answered by whom."""

    refusals: dict[str, int] = field(default_factory=dict)
    deliveries: dict[str, tuple[str, int]] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Lives:
    """Let messages and calls live. `pace` is how many seconds lie between two statuses."""

    callbacks: Callbacks
    faults: Faults
    script: Script
    clock: Callable[[], datetime]
    pace: float = 0.0

    async def of_message(self, message: MessageState) -> None:
        """Send it: sent, then delivered, or as the script says."""
        end, code = self.script.deliveries.get(message.form["To"], ("delivered", 0))
        teller = _Teller(self, message.form.get("StatusCallback", ""))
        for status in dict.fromkeys(("sent", end)):
            await asyncio.sleep(self.pace)
            message.status, message.sent_at = status, self.clock()
            message.error_code = code if code and status == end else None
            await teller.tell(_of_message(message), is_last=status == end)

    async def of_call(self, call: CallState) -> None:
        """Ring; if it is taken, fetch the words and speak them; end."""
        teller = _Teller(self, call.form.get("StatusCallback", ""))
        answer = self.script.answers.get(call.form["To"], "human")
        await self._step(call, teller, status="queued", event="initiated")
        await self._step(call, teller, status="ringing", event="ringing")
        if answer in UNTAKEN:
            call.ended_at = self.clock()
            await self._step(call, teller, status=answer, event="completed")
            return
        call.started_at = self.clock()
        if call.form.get("MachineDetection"):
            call.answered_by = answer
        await self._step(call, teller, status="in-progress", event="answered")
        await self._speak(call)
        call.ended_at = self.clock()
        await self._step(call, teller, status="completed", event="completed")

    async def _step(self, call: CallState, teller: "_Teller", *, status: str, event: str) -> None:
        await asyncio.sleep(self.pace)
        call.status = status
        if event in call.events:
            form = _of_call(call, status="initiated" if event == "initiated" else status, at=self.clock())
            await teller.tell(form, is_last=event == "completed")

    async def _speak(self, call: CallState) -> None:
        form = {**_of_call(call, status="in-progress", at=self.clock())}
        twiml = call.form.get("Twiml", "")
        if not twiml:
            told = await self.callbacks.post(call.form["Url"], form=form)
            if not 200 <= told.status < 300 and call.form.get("FallbackUrl"):
                call.errors.append(_UNFETCHED)
                failed = {**form, "ErrorCode": str(_UNFETCHED), "ErrorUrl": call.form["Url"]}
                method = call.form.get("FallbackMethod", "POST")
                told = await self.callbacks.post(call.form["FallbackUrl"], form=failed, method=method)
            if not 200 <= told.status < 300:
                call.errors.append(_UNFETCHED)
                return
            twiml = told.text
        heard = speaking.listen(twiml)
        call.heard += heard.parts
        if heard.error:
            call.errors.append(heard.error)


class _Teller:
    """Tells what becomes of one message or call; callbacks may get lost, doubled, or overtaken by the last one."""

    def __init__(self, lives: Lives, address: str) -> None:
        self._lives = lives
        self._address = address
        self._overtaken: list[Mapping[str, str]] = []
        self._number = 0

    async def tell(self, form: Mapping[str, str], *, is_last: bool) -> None:
        faults = self._lives.faults
        numbered = {**form, "SequenceNumber": str(self._number)} if "CallSid" in form else dict(form)
        self._number += 1
        if not self._address or faults.is_lost():
            return
        if not is_last and faults.is_overtaken():
            self._overtaken.append(numbered)
            return
        for one in (numbered, *(self._overtaken if is_last else ())):
            for _ in range(2 if faults.is_doubled() else 1):
                await self._lives.callbacks.post(self._address, form=one)


def _of_message(message: MessageState) -> dict[str, str]:
    form = {
        "AccountSid": message.account,
        "ApiVersion": VERSION,
        "From": message.form.get("From", ""),
        "MessageSid": message.sid,
        "MessageStatus": message.status,
        "SmsSid": message.sid,
        "SmsStatus": message.status,
        "To": message.form["To"],
    }
    if message.form.get("MessagingServiceSid"):
        form["MessagingServiceSid"] = message.form["MessagingServiceSid"]
    return {**form, "ErrorCode": str(message.error_code)} if message.error_code else form


def _of_call(call: CallState, *, status: str, at: datetime) -> dict[str, str]:
    form = {
        "AccountSid": call.account,
        "ApiVersion": VERSION,
        "CallSid": call.sid,
        "CallStatus": status,
        "CallbackSource": "call-progress-events",
        "Direction": "outbound-api",
        "From": call.form["From"],
        "Timestamp": format_datetime(at),
        "To": call.form["To"],
    }
    if call.answered_by:
        form["AnsweredBy"] = call.answered_by
    return {**form, "CallDuration": "7", "Duration": "1"} if status == "completed" else form
