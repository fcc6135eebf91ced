"""The outbox as a page to read: plain HTML, every value escaped, no script; mails in a frame that may do nothing."""

from collections.abc import Mapping
from html import escape
from urllib.parse import quote

from activities.store.history import OutboxRecord
from activities.store.records import Page

#: Nothing is loaded from anywhere, and mails are shown without their pictures.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

#: Media of chats, as people call them.
_MEDIA = {"web": "web chat", "whatsapp": "WhatsApp", "messenger": "Messenger", "sms": "SMS chat"}

#: Channels, as people call what goes through them.
_SENDS = {"sms": "text messages", "email": "mails", "voice": "calls", "chat": "chats"}

#: Settings of a voice beside its name, and their units.
_SOUNDS = (("rate", "%"), ("volume", "dB"))

#: The provider that only records.
_OUTBOX = "outbox"

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; color: #1d2127; }
article { border: 1px solid #d9dee5; border-radius: 8px; padding: .75rem 1rem; margin: 1rem 0; }
header { color: #5b6572; font-size: 13px; } h2 { font-size: 16px; margin: .25rem 0; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font: inherit; margin: .25rem 0; }
iframe { width: 100%; height: 18rem; border: 1px solid #d9dee5; border-radius: 4px; background: #fff; }
@media (prefers-color-scheme: dark) { body { background: #14171b; color: #e4e7eb; } article { border-color: #343b45; } }
"""


def page_of(page: Page[OutboxRecord], *, channels: Mapping[str, str]) -> str:
    """Return the page of one page of messages. `channels` are the names of their providers, by channel."""
    messages = "".join(_message(record) for record in page.items) or "<p>Nothing would have been sent so far.</p>"
    following = f'<p><a href="?cursor={quote(page.next_cursor)}">Older</a></p>' if page.next_cursor else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Outbox</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>'
        f"<h1>Outbox</h1><p>What would have been sent, the newest first. {_advice(channels)} "
        "The web chat needs none: its messages were really shown.</p>"
        f"{messages}{following}</body></html>"
    )


def _advice(channels: Mapping[str, str]) -> str:
    """Say what is not here, as it goes to a provider (or to one's stand-in), and how to send the rest."""
    elsewhere = [
        f"{words} go to {escape(channels[name])}"
        for name, words in _SENDS.items()
        if channels.get(name, _OUTBOX) != _OUTBOX
    ]
    if not elsewhere:
        return "Connect a provider to send for real."
    told = f"Not here: {', '.join(elsewhere)}."
    return told if len(elsewhere) == len(_SENDS) else f"{told} Connect a provider to send the rest for real."


def _message(record: OutboxRecord) -> str:
    sender = f" from {escape(record.sender)}" if record.sender else ""
    subject = f"<h2>{escape(record.subject)}</h2>" if record.subject else ""
    html = (
        f'<details><summary>As a mail program shows it</summary><iframe sandbox title="Mail" '
        f'srcdoc="{escape(record.html)}"></iframe></details>'
        if record.html
        else ""
    )
    said = _spoken(record) if record.channel == "voice" else ""
    return (
        f"<article><header>{escape(_way(record))} to <b>{escape(record.address)}</b>{sender} · "
        f'<time datetime="{record.at.isoformat()}">{record.at:%Y-%m-%d %H:%M:%S} UTC</time></header>'
        f"{subject}{said}<pre>{escape(record.body)}</pre>{_files(record)}{html}</article>"
    )


def _way(record: OutboxRecord) -> str:
    medium = str(record.details.get("medium", "")) if record.channel == "chat" else ""
    return _MEDIA.get(medium, record.channel)


def _spoken(record: OutboxRecord) -> str:
    """Say how the text sounds: voice, language, rate, volume; or which recording is played."""
    details = record.details
    audio = details.get("audio")
    if audio:
        return f"<p>Played: {escape(str(audio))}</p>"
    parts = [str(details[name]) for name in ("voice", "language") if details.get(name)]
    parts += [f"{name} {details[name]} {unit}" for name, unit in _SOUNDS if details.get(name)]
    return f"<p>Spoken: {escape(', '.join(parts) or 'in the provider’s own voice')}</p>"


def _files(record: OutboxRecord) -> str:
    return "".join(f"<p>{_file(one)}</p>" for one in record.attachments)


def _file(attachment: dict[str, str]) -> str:
    name, document = escape(attachment.get("name", "")), attachment.get("document", "")
    return f'<a href="outbox/documents/{quote(document)}">{name}</a>' if document else name
