"""The page behind a mail's link to unsubscribe. Opening it changes nothing: scanners and previews open links, too.

A POST does it at once, without a login: of the page's button, or of a mail program's own (RFC 8058, whose body
`List-Unsubscribe=One-Click` says nothing that the address does not). It may come twice.
"""

from html import escape
from typing import NamedTuple

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, ValidationError

from activities.runtime.logs import log
from activities.store import unsubscribing
from starter.gateway.pages.refusing import PageRoute
from starter.gateway.parts import Gateway, Parts
from starter.gateway.quotas import page_quota, within_page_rate

router = APIRouter(prefix="/unsubscribe", include_in_schema=False, route_class=PageRoute)

_log = log("unsubscribe")

#: What a token of such a link is signed for, as the rule signs it.
_PURPOSE = "unsubscribe"

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
}

_STYLE = """
:root { color-scheme: light dark; }
body { font: 1.0625rem/1.6 system-ui, sans-serif; max-width: 32rem; margin: 4rem auto; padding: 0 1.25rem; }
h1 { font-size: 1.5rem; line-height: 1.25; }
button { font: inherit; font-weight: 600; padding: .75rem 1.5rem; border: 0; border-radius: .5rem; cursor: pointer;
  background: #1a4fba; color: #fff; }
button:focus-visible { outline: 3px solid #f0a202; outline-offset: 2px; }
"""


class _Words(NamedTuple):
    title: str
    question: str
    button: str
    done: str
    invalid: str


_WORDS = {
    "en": _Words(
        "Unsubscribe",
        "Do you want to receive no more of these e-mails? What you must know about your orders still reaches you.",
        "Unsubscribe",
        "You are unsubscribed. You will receive no more of these e-mails.",
        "This link is not valid. Please open the link of the latest e-mail.",
    ),
    "pl": _Words(
        "Rezygnacja z wiadomości",
        "Nie chcesz otrzymywać więcej takich wiadomości? Niezbędne informacje o zamówieniach nadal będą wysyłane.",
        "Rezygnuję",
        "Rezygnacja przyjęta. Nie będziesz już otrzymywać takich wiadomości.",
        "Ten link jest nieprawidłowy. Otwórz link z najnowszej wiadomości.",
    ),
    "fr": _Words(
        "Désabonnement",
        "Ne plus recevoir ces e-mails ? Les informations indispensables sur vos commandes vous parviendront toujours.",
        "Me désabonner",
        "Vous êtes désabonné. Vous ne recevrez plus ces e-mails.",
        "Ce lien n'est pas valide. Ouvrez le lien du dernier e-mail.",
    ),
    "de": _Words(
        "E-Mails abbestellen",
        "Möchten Sie diese E-Mails nicht mehr erhalten? Notwendiges zu Ihren Bestellungen erfahren Sie weiterhin.",
        "Abbestellen",
        "Sie sind abgemeldet und erhalten diese E-Mails nicht mehr.",
        "Dieser Link ist ungültig. Bitte öffnen Sie den Link der neuesten E-Mail.",
    ),
    "vi": _Words(
        "Hủy đăng ký",
        "Bạn không muốn nhận các email này nữa? Thông tin cần thiết về đơn hàng vẫn sẽ được gửi tới bạn.",
        "Hủy đăng ký",
        "Bạn đã hủy đăng ký và sẽ không nhận các email này nữa.",
        "Liên kết này không hợp lệ. Vui lòng mở liên kết trong email mới nhất.",
    ),
    "uk": _Words(
        "Відписатися",
        "Більше не бажаєте отримувати ці листи? Необхідне про ваші замовлення ви й надалі отримуватимете.",
        "Відписатися",
        "Вас відписано. Ви більше не отримуватимете цих листів.",
        "Це посилання недійсне. Відкрийте посилання з останнього листа.",
    ),
}


class _Wish(BaseModel):
    """What a token says: who wants no more on which channel, and the address by its hash."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    customer: str
    channel: str
    address: str


@router.get("/{token}", dependencies=[Depends(within_page_rate)])
async def ask(gateway: Gateway, request: Request, token: str) -> HTMLResponse:
    """Show the page with its button."""
    wish = _read(gateway, token=token)
    if wish is None:
        return _invalid(request)
    language = await _language(gateway, request, wish=wish)
    words = _WORDS[language]
    button = f'<form method="post"><button type="submit">{escape(words.button)}</button></form>'
    return _page(language, f"<p>{escape(words.question)}</p>{button}")


@router.post("/{token}")
async def unsubscribe(gateway: Gateway, request: Request, token: str) -> HTMLResponse:
    """Unsubscribe at once, and say so."""
    wish = _read(gateway, token=token)
    if wish is None:
        page_quota(request).take(request)
        return _invalid(request)
    # Not by its address: after a campaign, one mail provider posts for thousands of customers.
    page_quota(request).count(f"unsubscribe:{wish.customer}")
    async with gateway.store.write() as tx:
        await unsubscribing.unsubscribe(
            tx, customer=wish.customer, channel=wish.channel, address_hash=wish.address, now=gateway.now()
        )
    _log.info("A customer unsubscribed by a mail's link", channel=wish.channel)
    language = await _language(gateway, request, wish=wish)
    return _page(language, f'<p role="status">{escape(_WORDS[language].done)}</p>')


def _read(gateway: Parts, *, token: str) -> _Wish | None:
    value = gateway.tokens.read(token, purpose=_PURPOSE) if gateway.tokens is not None else None
    try:
        return _Wish.model_validate(value)
    except ValidationError:
        return None


async def _language(gateway: Parts, request: Request, *, wish: _Wish) -> str:
    """Choose the customer's language, else the browser's."""
    async with gateway.store.read() as tx:
        own = await unsubscribing.language_of(tx, customer=wish.customer)
    return _known(own) or _of_browser(request)


def _of_browser(request: Request) -> str:
    offered = request.headers.get("accept-language", "")[:200].split(",")
    return next((known for one in offered if (known := _known(one.partition(";")[0]))), "en")


def _known(language: str) -> str:
    base = language.strip().replace("_", "-").partition("-")[0].lower()
    return base if base in _WORDS else ""


def _invalid(request: Request) -> HTMLResponse:
    language = _of_browser(request)
    return _page(language, f"<p>{escape(_WORDS[language].invalid)}</p>", status=404)


def _page(language: str, content: str, *, status: int = 200) -> HTMLResponse:
    title = escape(_WORDS[language].title)
    return HTMLResponse(
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body><main><h1>{title}</h1>{content}</main></body></html>",
        status_code=status,
        headers=_HEADERS,
    )
