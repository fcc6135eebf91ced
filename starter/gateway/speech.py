"""TwiML: what a call says. In: a call's record, or the account. Out: XML that Twilio carries out.

Source: https://www.twilio.com/docs/voice/twiml
"""

import re

from fastapi import Response
from twilio.twiml.messaging_response import MessagingResponse
from twilio.twiml.voice_response import Say, VoiceResponse

from activities.accounts.twilio import TwilioAccount
from activities.store.calls import CallRecord

#: What XML 1.0 cannot hold; the builder lets it through, and Twilio refuses the document (12100).
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def spoken(call: CallRecord) -> Response:
    """Read a call's text aloud, or play its recording."""
    answer = VoiceResponse()
    if call.audio:
        answer.play(call.audio, loop=1)
        return _xml(answer)
    text = _NOT_XML.sub("", call.text)
    is_plain = call.rate == 100 and call.volume == 0
    say = Say(text if is_plain else "", voice=call.voice or None, language=call.language or None)
    if not is_plain:
        say.prosody(text, rate=f"{call.rate}%", volume=f"{call.volume:+d}dB")
    answer.append(say)
    return _xml(answer)


def welcome(account: TwilioAccount) -> Response:
    """Answer a customer's call: forward it, or greet; its end is told by the status."""
    answer = VoiceResponse()
    if account.greeting:
        answer.say(_NOT_XML.sub("", account.greeting), language=account.greeting_language or None)
    if account.forward_to:
        # Relative, so that it also works where a proxy puts the gateway under a path.
        answer.dial(account.forward_to, timeout=20, action="call-status")
    elif not account.greeting:
        answer.reject(reason="busy")
    return _xml(answer)


def hang_up() -> Response:
    """End a call without a word."""
    answer = VoiceResponse()
    answer.hangup()
    return _xml(answer)


def nothing() -> Response:
    """Answer that nothing is to be done."""
    return _xml(MessagingResponse())


def _xml(answer: VoiceResponse | MessagingResponse) -> Response:
    return Response(str(answer), media_type="application/xml")
