"""What Twilio's error codes mean: nothing left, nobody can tell, refused for good, or a setting is wrong.

In: an answer without success. Out: the error that says what may follow. The codes' words are shared with the source.
"""

from datetime import timedelta

from activities.accounts.twilio import TwilioAccount
from activities.accounts.twilio_codes import LATER, NO_ACCESS, REFUSED, SETTINGS
from activities.providers.errors import Misconfigured, NoAccess, NotSent, ProviderError, Rejected, Unknown

_SETTING = TwilioAccount.prefix


def failure(status: int, *, code: int = 0, retry_after: timedelta | None = None) -> ProviderError:
    """Return what an answer without success means. `code` is Twilio's own, 0 where the answer has none."""
    if status == 429 or code in LATER:
        return NotSent(f"It is tried again: {LATER.get(code, LATER[20429])}", retry_after=retry_after)
    if status >= 500 or status == 408:
        # "If you get a 500 and retry, it is possible to send several messages": docs/errors/20500
        return Unknown(f"Twilio answered {status}: it may have taken it all the same")
    if code in SETTINGS:
        setting, words = SETTINGS[code]
        kind = NoAccess if code in NO_ACCESS else Misconfigured
        return kind(setting, f"{words} ({code})")
    if code in REFUSED:
        return Rejected(str(code), f"Twilio refused it, {REFUSED[code]}")
    if status in (401, 403) and not code:
        return NoAccess(f"{_SETTING}AUTH_TOKEN", "Twilio does not accept the key")
    if 300 <= status < 400:
        return Misconfigured(f"{_SETTING}BASE", "the address of the API leads elsewhere")
    return Rejected(str(code or status), "Twilio refused it: look the code up in its list of errors")
