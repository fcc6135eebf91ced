"""Twilio's error codes in our words: what a provider decides by, and what a callback tells people.

Codes: https://www.twilio.com/docs/api/errors. The words are ours: Twilio's own name numbers and texts.
"""

from activities.accounts.twilio import TwilioAccount

_SETTING = TwilioAccount.prefix

#: The person wrote STOP: the address gets no more messages until they write START.
OPTED_OUT = "21610"

#: Never processed: safe to repeat. 429 without a code is one of them.
LATER: dict[int, str] = {
    10004: "too many calls are under way at Twilio",
    20429: "Twilio is asked too often",
    21611: "the sender's queue at Twilio is full",
    30001: "the sender's queue at Twilio is full",
    63018: "the sender's rate at the channel is exceeded",
}

#: Codes of an account that may do nothing at all.
NO_ACCESS = frozenset({20003, 20005})

#: Code -> the setting to look at, and what is wrong with it.
SETTINGS: dict[int, tuple[str, str]] = {
    20003: (f"{_SETTING}AUTH_TOKEN", "Twilio does not accept the key"),
    20005: (f"{_SETTING}ACCOUNT_SID", "the account with Twilio is not active"),
    20404: (f"{_SETTING}ACCOUNT_SID", "Twilio does not know the account"),
    21210: (f"{_SETTING}LINES", "the line is not verified for calls at Twilio"),
    21212: (f"{_SETTING}LINES", "the line is not a number of the account"),
    21408: (f"{_SETTING}SENDER", "Twilio may not send to that country: allow it in its console, or change the sender"),
    21603: (f"{_SETTING}SENDER", "there is no sender"),
    21606: (f"{_SETTING}SENDER", "the sender cannot send text messages"),
    21608: (
        f"{_SETTING}ACCOUNT_SID",
        "a trial account reaches verified numbers only: upgrade it",
    ),
    21609: ("ORDERS_PUBLIC_URL", "Twilio cannot use the address of our callbacks"),
    21659: (f"{_SETTING}SENDER", "the sender is not a number of the account"),
    21660: (f"{_SETTING}SENDER", "the sender belongs to another account"),
    21703: (f"{_SETTING}MESSAGING_SERVICE", "the messaging service has no senders"),
    21705: (f"{_SETTING}MESSAGING_SERVICE", "there is no such messaging service"),
    30034: (f"{_SETTING}SENDER", "the sender is not registered for A2P 10DLC"),
    63007: (f"{_SETTING}WHATSAPP", "the account has no such sender in this channel"),
    63020: (f"{_SETTING}WHATSAPP", "Twilio's invitation to the WhatsApp business account was not accepted"),
}

#: Refused for good: this person, or this message. Some come only later, with a callback.
REFUSED: dict[int, str] = {
    12100: "the words of the call cannot be read as TwiML: tell the administrator",
    12200: "the words of the call are not valid TwiML: tell the administrator",
    13223: "it is not a phone number: correct it on the customer's card",
    13224: "it is not a phone number: correct it on the customer's card",
    21211: "it is not a phone number: correct it on the customer's card",
    21214: "the number cannot be reached: correct it on the customer's card",
    21215: "calls to that country are not allowed: allow it in Twilio's console",
    21217: "it is not a phone number: correct it on the customer's card",
    21602: "the text is empty: write one",
    21604: "there is no number: enter one on the customer's card",
    21610: "the person wrote STOP: they get no more messages until they write START",
    21612: "no way leads from the sender to that number: use another sender",
    21614: "it is not a mobile number: enter one on the customer's card",
    21617: "the text is too long: shorten it",
    21656: "the template's variables are not valid: correct the rule",
    30002: "the account with Twilio is suspended: settle it in its console",
    30003: "the phone is off or out of reach: try again later",
    30004: "the person or their network blocks messages: reach them another way",
    30005: "the number is unknown or not in service: correct it on the customer's card",
    30006: "it is a landline, or its network takes no messages: enter a mobile number",
    30007: "the network took the text for spam: word it differently",
    30008: "the network did not say why: try again later",
    30036: "it could not be delivered in time",
    30450: "Twilio takes it for fraud (SMS pumping): look into its console",
    63003: "the person is not on this channel: reach them another way",
    63016: "the person has not written for 24 hours: use a template that the channel approved",
    63024: "the person is not on this channel: reach them another way",
    63038: "the sender's daily limit is reached: try again tomorrow",
}


def may_be_repeated(code: int) -> bool:
    """Say whether a message that failed with this code never left Twilio, so that another try can mend it.

    Not so 30003 and 30008 (out of reach; no reason given): a network may keep such a message and deliver it later.
    """
    return code in LATER


def words_of(code: int) -> str:
    """Say to people why a message did not arrive."""
    if code in LATER:
        return f"Twilio did not deliver it: {LATER[code]}"
    if code in SETTINGS:
        return f"Twilio did not deliver it: {SETTINGS[code][1]}"
    return f"Twilio did not deliver it: {REFUSED.get(code, 'look the code up in its list of errors')}"
