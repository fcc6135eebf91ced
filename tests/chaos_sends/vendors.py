"""The outside world of the exactly-once run: Twilio, SendGrid and a mail server that fail about half of the requests.

Their logs say what really left the house, by our id of the send. They do not deduplicate.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.calling import PAUSE
from tests.chaos_sends.auditing import Log
from tests.chaos_sends.weather import Weather
from tests.providers.mail_server import DROP, HANG, MailServer
from tests.support.stand_ins import sendgrid, twilio
from tests.support.stand_ins.sendgrid.faults import HALF as MAIL_FAULTS
from tests.support.stand_ins.twilio.faults import HALF as TWILIO_FAULTS

#: Seconds after which a vendor accepts what it has not answered: longer than our patience, shorter than the grace.
LATE = 2.5

#: The share of callbacks and events that is lost.
LOST = 0.25

TOKEN = "c" * 32
SENDER = "+15005550006"
PAGE = "104455667788990"

#: Questions may fail, too, but never say that a message is not there.
_ASKS = {twilio.Fate.QUICK: 85, twilio.Fate.BUSY: 15}
_ASKS_FAIL = {
    twilio.Fate.QUICK: 78,
    twilio.Fate.BUSY: 12,
    twilio.Fate.BROKEN_BEFORE: 5,
    twilio.Fate.RESET_BEFORE: 3,
    twilio.Fate.HANG_BEFORE: 2,
}

#: No answer is good: what became of a request is known by callbacks and the list alone.
_UNANSWERED = {twilio.Fate.BROKEN_AFTER: 30, twilio.Fate.RESET_AFTER: 20, twilio.Fate.RESET_BEFORE: 50}

#: What a mail server says to the sender's address, and to the text; "" is its consent. A lost answer to the text
#: leaves a mail that was taken. More of both than any run needs are drawn beforehand.
_MAIL = {"": 78, "451 4.3.0 later": 12, DROP: 7, HANG: 3}
_DATA = {"": 68, "451 4.3.0 later": 10, DROP: 14, HANG: 8}
_REPLIES = 50_000


@dataclass(frozen=True)
class Vendors:
    """All of them, running."""

    twilio: twilio.TwilioStandIn
    sendgrid: sendgrid.SendGridStandIn
    mail: MailServer
    said_to_senders: tuple[str, ...]
    said_to_texts: tuple[str, ...]
    public_url: str

    @property
    def settings(self) -> Mapping[str, str]:
        """The product's settings that connect it to them."""
        assert self.sendgrid.events is not None
        return {
            "ORDERS_PUBLIC_URL": self.public_url,
            "ORDERS_TWILIO_ACCOUNT_SID": twilio.ACCOUNT,
            "ORDERS_TWILIO_AUTH_TOKEN": TOKEN,
            "ORDERS_TWILIO_BASE": self.twilio.url,
            "ORDERS_TWILIO_SENDER": SENDER,
            "ORDERS_TWILIO_LINES": SENDER,
            "ORDERS_TWILIO_WHATSAPP": SENDER,
            "ORDERS_TWILIO_MESSENGER": PAGE,
            "ORDERS_SENDGRID_API_KEY": "SG.storm",
            "ORDERS_SENDGRID_BASE": self.sendgrid.url,
            "ORDERS_SENDGRID_EVENTS_KEY": self.sendgrid.events.public_key,
            "ORDERS_SMTP_HOST": "127.0.0.1",
            "ORDERS_SMTP_PORT": str(self.mail.port),
            "ORDERS_SMTP_TLS": "none",
            "ORDERS_SMS_PROVIDER": "twilio",
            "ORDERS_VOICE_PROVIDER": "twilio",
            "ORDERS_CHAT_PROVIDER": "twilio",
            "ORDERS_EMAIL_PROVIDER": "sendgrid",
        }

    def log(self) -> Log:
        """Return what they accepted; of SendGrid's and the mail server's mails only our ids are known."""
        accepted: Counter[str] = Counter(line.send for line in self.twilio.accepted)
        accepted.update(mail.send_id for mail in self.sendgrid.accepted)
        accepted.update(str(taken.mail["Message-ID"]).strip("<>").partition("@")[0] for taken in self.mail.taken)
        return Log(accepted, {line.sid: line.send for line in self.twilio.accepted})

    def spoken(self) -> Counter[str]:
        """Count the calls that spoke, by our id of the send."""
        sends = {line.sid: line.send for line in self.twilio.accepted}
        return Counter(sends[call.sid] for call in self.twilio.calls.values() if call.heard)

    def faults(self) -> Counter[str]:
        """Count the requests that went wrong by what happened to them; `quick` are those that did not."""
        seen: Counter[str] = Counter()
        for stand_in in (self.twilio, self.sendgrid):
            seen.update({str(fate): count for fate, count in stand_in.faults.seen.items()})
        to_senders = self.said_to_senders[: len(self.said_to_senders) - len(self.mail.mail)]
        to_texts = self.said_to_texts[: len(self.said_to_texts) - len(self.mail.data)]
        # A mail whose sender was consented to is counted by what was said to its text.
        said = [*filter(None, to_senders), *to_texts]
        return seen + Counter(f"smtp {reply}".strip() if reply else "quick" for reply in said)

    async def write_in(self, number: str, *, medium: str, address: str) -> None:
        """Let a customer write, and again while the gateway is down: Twilio tries it only twice."""
        prefix = "" if medium == "sms" else f"{medium}:"
        form = {
            "AccountSid": twilio.ACCOUNT,
            "MessageSid": f"SM{medium.encode().hex()[:6]}{int(number):026x}",
            "From": f"{prefix}{address}",
            "To": f"{prefix}{PAGE if medium == 'messenger' else SENDER}",
            "Body": "Where is my order?",
        }
        while True:
            told = await self.twilio.callbacks.post(f"{self.public_url}/hooks/twilio/message", form=form)
            if 200 <= told.status < 300:
                return
            assert not 400 <= told.status < 500, f"the message of order {number} was refused: {told.status}"
            await asyncio.sleep(PAUSE)


@asynccontextmanager
async def vendors(weather: Weather, *, public_url: str, folder: Path) -> AsyncIterator[Vendors]:
    """Run them all; every acceptance is also in a file of the folder before it is answered."""
    seed = weather.seed
    to_senders, to_texts = _replies(seed, _MAIL), _replies(seed + 1, _DATA)
    async with AsyncExitStack() as stack:
        yield Vendors(
            twilio=await stack.enter_async_context(_twilio(weather, public_url=public_url, folder=folder)),
            sendgrid=await stack.enter_async_context(_sendgrid(seed, public_url=public_url, folder=folder)),
            mail=await stack.enter_async_context(MailServer(mail=list(to_senders), data=list(to_texts))),
            said_to_senders=to_senders,
            said_to_texts=to_texts,
            public_url=public_url,
        )


def _twilio(weather: Weather, *, public_url: str, folder: Path) -> twilio.TwilioStandIn:
    options = twilio.StandInOptions(
        auth_token=TOKEN, public_url=public_url, accepted=folder / "twilio.jsonl", pace=0.3, late=LATE, longest=5.0
    )
    faults = twilio.Faults(
        seed=weather.seed,
        weights=_UNANSWERED if weather.is_deaf else {**TWILIO_FAULTS, twilio.Fate.OVERTAKEN_AFTER: 3},
        questions=_ASKS_FAIL if weather.asks_fail else _ASKS,
        callbacks=twilio.CallbackFaults(lost=1.0 if weather.is_deaf else LOST, doubled=0.1, shuffled=0.1),
    )
    return twilio.TwilioStandIn(options, faults=faults)


def _sendgrid(seed: int, *, public_url: str, folder: Path) -> sendgrid.SendGridStandIn:
    events = sendgrid.Events(
        f"{public_url}/hooks/sendgrid/events",
        key=sendgrid.signing_key(),
        faults=sendgrid.EventFaults(lost=LOST, doubled=0.1, is_shuffled=True, seed=seed),
    )
    options = sendgrid.StandInOptions(accepted=folder / "sendgrid.jsonl", late=LATE, pace=0.5)
    return sendgrid.SendGridStandIn(options, sendgrid.Faults(seed=seed, weights=MAIL_FAULTS), events)


def _replies(seed: int, weights: Mapping[str, int]) -> tuple[str, ...]:
    return tuple(random.Random(seed).choices(list(weights), list(weights.values()), k=_REPLIES))
