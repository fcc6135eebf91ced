"""What a document's public link opens: a page that shows the PDF, and tells us when a person sees it (T22).

Fetching the page, or the file, is not enough to count: scanners, previews and bots do both. The page's script tells
after it was visible for a moment or was touched; without scripts, the click on the file's name does. A program that is
known as one, and an employee's preview, never count. The same document counts once a day.
"""

import hashlib
from base64 import b64encode
from html import escape
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse

from activities.store import documents
from activities.store.database import Tx
from activities.store.documents import DocumentRecord
from starter.gateway.hooks import Happened, Told, take
from starter.gateway.machines import is_click, is_machine, is_own_page
from starter.gateway.pages.refusing import PageRoute, refusal
from starter.gateway.parts import Gateway, Parts
from starter.gateway.quotas import within_page_rate

router = APIRouter(include_in_schema=False, route_class=PageRoute, dependencies=[Depends(within_page_rate)])

_SOURCE = "documents"

#: What a signed token of an employee's preview is for; its value is the document's id.
PREVIEW = "document.preview"

_SCRIPT = """
(() => {
  let timer = 0, told = false;
  const tell = () => {
    if (told || document.visibilityState !== "visible") return;
    told = true;
    fetch(document.body.dataset.viewed, {method: "POST", keepalive: true}).catch(() => { told = false; });
  };
  const wait = () => { clearTimeout(timer); timer = setTimeout(tell, 1500); };
  document.addEventListener("visibilitychange", wait);
  for (const gesture of ["pointerdown", "keydown", "wheel", "touchstart"]) addEventListener(gesture, tell);
  wait();
})();
"""

_STYLE = """
html, body { height: 100%; margin: 0; } body { display: flex; flex-direction: column; background: #f2f3f5;
font: 15px/1.5 system-ui, sans-serif; color: #1d2127; } header { padding: .5rem 1rem; } a { color: inherit; }
object { flex: 1; width: 100%; border: 0; } p { text-align: center; margin-top: 4rem; }
@media (prefers-color-scheme: dark) { body { background: #14171b; color: #e4e7eb; } }
"""


def _digest(text: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


_SAFE = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

_PAGE = {
    **_SAFE,
    "Content-Security-Policy": f"default-src 'none'; script-src {_digest(_SCRIPT)}; style-src {_digest(_STYLE)}; "
    "object-src 'self'; frame-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
}

_FILE = {
    **_SAFE,
    # The browser's own viewer is an object of the page that shows it.
    "Content-Security-Policy": "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; "
    "frame-ancestors 'self'",
}


@router.api_route("/d/{token}", methods=["GET", "HEAD"], name="show_document")
async def show_document(request: Request, gateway: Gateway, token: str, preview: str = "") -> Response:
    """Show the page around a document; by itself it counts for nothing."""
    document = await _find(gateway, token=token)
    if document is None:
        return refusal(request, status=404)
    is_preview = _is_preview(gateway, document, preview=preview)
    return HTMLResponse(_page(document, preview=preview if is_preview else ""), headers=_PAGE)


@router.api_route("/d/{token}/file", methods=["GET", "HEAD"], name="show_document_file")
async def show_document_file(request: Request, gateway: Gateway, token: str, preview: str = "") -> Response:
    """Give the file; a click on its name counts."""
    document = await _find(gateway, token=token)
    if document is None:
        return refusal(request, status=404)
    is_person = is_click(request.headers, host=_host(request)) and not is_machine(
        request.headers, method=request.method
    )
    if is_person and not _is_preview(gateway, document, preview=preview):
        await _count(gateway, document)
    return file_of(document)


@router.post("/d/{token}/viewed", name="view_document")
async def view_document(request: Request, gateway: Gateway, token: str, preview: str = "") -> Response:
    """Take the word of the page that a person sees it."""
    document = await _find(gateway, token=token)
    if document is None:
        return Response(status_code=404, headers=_SAFE)
    is_person = is_own_page(request.headers, host=_host(request)) and not is_machine(request.headers)
    if is_person and not _is_preview(gateway, document, preview=preview):
        await _count(gateway, document)
    return Response(status_code=204, headers=_SAFE)


def file_of(document: DocumentRecord) -> Response:
    """Return a document's file, shown by the browser, with headers that keep it out of caches and search engines."""
    disposition = f"inline; filename*=UTF-8''{quote(document.name, safe='')}"
    headers = {**_FILE, "Content-Disposition": disposition}
    return Response(document.content, media_type=document.media_type, headers=headers)


async def _find(gateway: Parts, *, token: str) -> DocumentRecord | None:
    async with gateway.store.read() as tx:
        return await documents.by_token(tx, token=token)


def _is_preview(gateway: Parts, document: DocumentRecord, *, preview: str) -> bool:
    if not preview or gateway.tokens is None:
        return False
    return gateway.tokens.read(preview, purpose=PREVIEW) == str(document.id)


async def _count(gateway: Parts, document: DocumentRecord) -> None:
    now = gateway.now()
    happened = Happened(
        id=f"{document.id}:viewed:{now:%Y-%m-%d}",
        type="document.viewed",
        at=now,
        data={"template": document.template, "document": str(document.id), "number": document.number},
        orders=(document.key,),
    )

    async def mark(tx: Tx) -> tuple[Happened, ...]:
        await documents.viewed(tx, id=document.id, now=now)
        return ()

    await take(gateway, source=_SOURCE, told=Told(happened=[happened]), raw=b"", also=mark)


def _host(request: Request) -> str:
    return request.headers.get("host", "")


def _page(document: DocumentRecord, *, preview: str) -> str:
    query = f"?preview={quote(preview)}" if preview else ""
    # Relative, so that it also works where a proxy puts the gateway under a path.
    file = escape(f"{document.token}/file{query}")
    name = escape(document.name)
    script = "" if preview else f"<script>{_SCRIPT}</script>"
    return (
        f'<!doctype html><html lang="{escape(document.language)}"><head><meta charset="utf-8"><title>{name}</title>'
        '<meta name="robots" content="noindex, nofollow"><meta name="viewport" content="width=device-width">'
        f'<style>{_STYLE}</style></head><body data-viewed="{escape(document.token)}/viewed">'
        f'<header><a href="{file}">{name}</a></header>'
        f'<object data="{file}" type="{escape(document.media_type)}" title="{name}">'
        f'<p><a href="{file}">{name}</a></p></object>{script}</body></html>'
    )
