"""What people see where a page cannot be given: a few words in their language, in place of a problem for programs.

Only browsers that ask for a page get one (`Accept: text/html`); whoever else asks gets the problem as of every route.
"""

import hashlib
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from html import escape
from typing import NamedTuple

from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute

from starter.gateway.problems import KNOWN, problem_of


class PageRoute(APIRoute):
    """A route that people open: what is refused is said in their language."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]  # same callable
        """Wrap the route's handler."""
        handler = super().get_route_handler()

        async def shown(request: Request) -> Response:
            try:
                return await handler(request)
            except KNOWN as error:
                if "text/html" not in request.headers.get("accept", ""):
                    raise
                problem = problem_of(request, error)
                return refusal(request, status=problem.status, headers=problem.headers)

        return shown


def refusal(request: Request, *, status: int, headers: Mapping[str, str] | None = None) -> HTMLResponse:
    """Return the page that says why there is nothing to see, and what to do."""
    language = _language(request)
    words = _WORDS[language]
    text = escape({404: words.missing, 429: words.often, 503: words.later}.get(status, words.unreadable))
    page = (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{text}</title>'
        '<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">'
        f'<style>{_STYLE}</style></head><body><main><p role="alert">{text}</p></main></body></html>'
    )
    return HTMLResponse(page, status_code=status, headers={**_HEADERS, **(headers or {})})


_STYLE = """
:root { color-scheme: light dark; }
body { font: 1.125rem/1.6 system-ui, sans-serif; max-width: 32rem; margin: 4rem auto; padding: 0 1.25rem; }
"""

_HEADERS = {
    # Any site may frame it: it stands where a form would, and there is nothing to click.
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; "
    f"style-src 'sha256-{b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
    "Referrer-Policy": "no-referrer",
}


class _Words(NamedTuple):
    missing: str
    later: str
    often: str
    unreadable: str


_WORDS = {
    "en": _Words(
        "There is nothing at this address. Please ask the shop for a new link.",
        "This page is not available at the moment. Please go back and try again in a minute.",
        "That was too often. Please go back and try again in a minute.",
        "This could not be read. Please go back and try again.",
    ),
    "pl": _Words(
        "Pod tym adresem nic nie ma. Poproś sklep o nowy link.",
        "Strona jest chwilowo niedostępna. Wróć i spróbuj ponownie za minutę.",
        "Zbyt wiele prób. Wróć i spróbuj ponownie za minutę.",
        "Nie udało się tego odczytać. Wróć i spróbuj ponownie.",
    ),
    "fr": _Words(
        "Il n’y a rien à cette adresse. Demandez un nouveau lien à la boutique.",
        "Cette page est momentanément indisponible. Revenez en arrière et réessayez dans une minute.",
        "Trop d’essais. Revenez en arrière et réessayez dans une minute.",
        "La demande n’a pas pu être lue. Revenez en arrière et réessayez.",
    ),
    "de": _Words(
        "Unter dieser Adresse gibt es nichts. Bitte lassen Sie sich vom Shop einen neuen Link geben.",
        "Diese Seite ist gerade nicht erreichbar. Bitte gehen Sie zurück und versuchen Sie es in einer Minute wieder.",
        "Das war zu oft. Bitte gehen Sie zurück und versuchen Sie es in einer Minute noch einmal.",
        "Das konnte nicht gelesen werden. Bitte gehen Sie zurück und versuchen Sie es noch einmal.",
    ),
    "vi": _Words(
        "Không có gì ở địa chỉ này. Vui lòng xin cửa hàng liên kết mới.",
        "Trang này tạm thời không khả dụng. Vui lòng quay lại và thử lại sau một phút.",
        "Quá nhiều lần. Vui lòng quay lại và thử lại sau một phút.",
        "Không đọc được nội dung này. Vui lòng quay lại và thử lại.",
    ),
    "uk": _Words(
        "За цією адресою нічого немає. Попросіть у магазину нове посилання.",
        "Ця сторінка зараз недоступна. Поверніться й спробуйте ще раз за хвилину.",
        "Забагато спроб. Поверніться й спробуйте ще раз за хвилину.",
        "Це не вдалося прочитати. Поверніться й спробуйте ще раз.",
    ),
}


def _language(request: Request) -> str:
    """Choose the language that the address asks for, else the browser's."""
    offered = [request.query_params.get("lang", ""), *request.headers.get("accept-language", "")[:200].split(",")]
    bases = (one.partition(";")[0].strip().replace("_", "-").partition("-")[0].lower() for one in offered)
    return next((base for base in bases if base in _WORDS), "en")
