"""Which requests come from programs, by what they call themselves. Covers T04, T05, T17, T22; case 44."""

import pytest
from starlette.datastructures import Headers

from starter.gateway.machines import is_machine

_PHONE = (
    "Mozilla/5.0 (Linux; Android 13; {model}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Mobile Safari/537.36"
)

PEOPLE = {
    "desktop": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537.36",
    "phone of the maker Cubot": _PHONE.format(model="CUBOT NOTE 20"),
    "browser inside Telegram": _PHONE.format(model="SM-S911B") + " Telegram-Android/11.3.3 (Samsung SM-S911B)",
    "browser inside Facebook": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0) Mobile/15E148 [FBAN/FBIOS;FBAV/440]",
    "picture proxy of Gmail": "Mozilla/5.0 (Windows NT 5.1) Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    "Outlook": "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.5000; Pro)",
}

PROGRAMS = {
    "crawler": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "crawler with a version behind a dash": "Mozilla/5.0 (compatible; SemrushBot-SI/0.97)",
    "preview of Slack": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "preview of Telegram": "TelegramBot (like TwitterBot)",
    "preview of Viber": "Viber/13.3.0.5",
    "preview of WhatsApp": "WhatsApp/2.23.20.0 A",
    "preview of iMessage": "Mozilla/5.0 (Macintosh) Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0",
    "preview of Notion and others": "Iframely/1.3 (+https://iframely.com/docs/about)",
    "scanner": "Mimecast URL Protect",
    "check of Google's": "Mozilla/5.0 (compatible; Google-Safety)",
    "app of Apple's that only loads": "Messages/1 CFNetwork/1240 Darwin/20",
    "library": "python-requests/2.32",
    "mail privacy proxy": "Mozilla/5.0",
    "no name": "",
}


@pytest.mark.parametrize("agent", PEOPLE.values(), ids=PEOPLE)
def test_a_person_is_not_taken_for_a_program(agent: str) -> None:
    assert not is_machine(Headers({"user-agent": agent}))


@pytest.mark.parametrize("agent", PROGRAMS.values(), ids=PROGRAMS)
def test_a_program_is_told_by_its_name(agent: str) -> None:
    assert is_machine(Headers({"user-agent": agent}))


@pytest.mark.parametrize(
    ("name", "value"), [("sec-purpose", "prefetch;prerender"), ("purpose", "prefetch"), ("x-purpose", "preview")]
)
def test_a_browser_that_only_fetches_ahead_is_no_person(name: str, value: str) -> None:
    assert is_machine(Headers({"user-agent": PEOPLE["desktop"], name: value}))
