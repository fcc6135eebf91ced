"""The links and the open pixel of mails: on to the stored address, and the event of a click (T05) or an opening (T04).

Only addresses that a rule put into a message are behind a token, so nobody can make the gateway lead elsewhere. What
programs do, and what comes sooner than a person reads, causes no event (case 44). A link counts once a day.
"""

from hashlib import sha256

from fastapi import APIRouter, Depends, Request, Response

from activities.runtime.logs import log
from activities.store import links
from activities.store.database import StoreDown, Tx
from activities.store.links import LinkRecord
from starter.gateway.hooks import Happened, Told, take
from starter.gateway.machines import is_machine, is_too_soon
from starter.gateway.pages.refusing import PageRoute, refusal
from starter.gateway.parts import Gateway, Parts
from starter.gateway.quotas import within_page_rate

router = APIRouter(include_in_schema=False, route_class=PageRoute, dependencies=[Depends(within_page_rate)])

_SOURCE = "links"

_SAFE = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
    "Referrer-Policy": "no-referrer",
}

#: A transparent picture of one pixel.
_GIF = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c000000000100010000020144003b")

_log = log("links")


@router.api_route("/l/{token}.gif", methods=["GET", "HEAD"], name="open_mail")
async def open_mail(request: Request, gateway: Gateway, token: str) -> Response:
    """Give the pixel of a mail."""
    link = await _find(gateway, token=token)
    if link is None or not link.is_pixel:
        return refusal(request, status=404)
    await _count(request, gateway, link=link, type="email.viewed", data={"rule": link.rule})
    return Response(_GIF, media_type="image/gif", headers=_SAFE)


@router.api_route("/l/{token}", methods=["GET", "HEAD"], name="follow_link")
async def follow_link(request: Request, gateway: Gateway, token: str) -> Response:
    """Lead on to the address behind a link."""
    link = await _find(gateway, token=token)
    if link is None or link.is_pixel:
        return refusal(request, status=404)
    await _count(request, gateway, link=link, type="email.link_clicked", data={"url": link.url, "rule": link.rule})
    return Response(status_code=302, headers={**_SAFE, "Location": link.url})


async def _find(gateway: Parts, *, token: str) -> LinkRecord | None:
    async with gateway.store.read() as tx:
        return await links.find(tx, token=token)


async def _count(request: Request, gateway: Parts, *, link: LinkRecord, type: str, data: dict[str, object]) -> None:
    now = gateway.now()
    if is_machine(request.headers, method=request.method) or is_too_soon(now, arrived_at=link.arrived_at):
        return
    what = sha256(link.url.encode()).hexdigest()[:16] if link.url else "open"
    happened = Happened(id=f"{link.send_id}:{what}:{now:%Y-%m-%d}", type=type, at=now, data=data, orders=(link.key,))

    async def mark(tx: Tx) -> tuple[Happened, ...]:
        await links.open(tx, token=link.token, now=now)
        return ()

    try:
        await take(gateway, source=_SOURCE, told=Told(happened=[happened]), raw=b"", also=mark)
    except StoreDown:
        # The customer goes on all the same: a click that is not counted is better than a link that does not open.
        _log.warning("A click was not counted: the store is down", order=str(link.key), send=str(link.send_id))
