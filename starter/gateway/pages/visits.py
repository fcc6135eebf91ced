"""The script for the shop's pages, and what it tells: who looks at which page. Bots, and who objects, are left out."""

from pathlib import Path
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field, ValidationError

from activities.runtime.tokens import Tokens
from activities.store.values import Boundary
from starter.gateway import tracking
from starter.gateway.machines import is_machine
from starter.gateway.origins import is_allowed
from starter.gateway.parts import Gateway, Parts
from starter.gateway.problems import Problem
from starter.gateway.quotas import quota_of
from starter.gateway.strict import parsed

router = APIRouter(prefix="/t", include_in_schema=False)

SCRIPT = Path(__file__).with_name("site.js")

#: Most bytes of what a page tells.
_LARGEST = 4_096


class Seen(Boundary):
    """A page that somebody looks at. The token is the one from before, if there is any."""

    token: str = Field(default="", max_length=1_000)
    page: str = Field(min_length=1, max_length=1_000, pattern=r"^/")
    referrer: str = Field(default="", max_length=1_000)


@router.api_route("/site.js", methods=["GET", "HEAD"], name="site_script")
async def site_script() -> Response:
    """Give the script."""
    headers = {
        "Cache-Control": "public, max-age=3600",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    return Response(SCRIPT.read_bytes(), media_type="text/javascript; charset=utf-8", headers=headers)


@router.post("/visit", name="visit_page")
async def visit_page(request: Request, gateway: Gateway) -> Response:
    """Note that a page is looked at (T17, T18), and give the visitor's token."""
    tokens = _tokens(gateway)
    settings = gateway.settings
    if not is_allowed(request.headers, setting=settings.site_origins, public_url=gateway.public_url):
        detail = "Visits of this site are not followed; add it to ORDERS_SITE_ORIGINS."
        raise Problem(403, code="origin-refused", detail=detail)
    quota_of(request, name="site_quota", per_minute=settings.site_rate_per_minute).take(request)
    seen = await _seen(request)
    if is_machine(request.headers) or _objects(request):
        return Response(status_code=204, headers=_crossing(request))
    visitor = tracking.visitor_of(tokens, token=seen.token) or tracking.newcomer()
    await tracking.visit(gateway, visitor=visitor, page=seen.page, referrer=_site_of(seen.referrer))
    return JSONResponse({"token": tracking.signed(tokens, visitor=visitor)}, headers=_crossing(request))


def _tokens(gateway: Parts) -> Tokens:
    if gateway.tokens is None:
        raise Problem(404, code="tracking-off", detail="Tracking is off; set ORDERS_TOKEN_KEYS to turn it on.")
    return gateway.tokens


async def _seen(request: Request) -> Seen:
    # The body comes as text, for which browsers ask no permission beforehand.
    body = await request.body()
    if len(body) > _LARGEST:
        raise Problem(413, code="body-too-large", detail=f"The body is larger than {_LARGEST} bytes.")
    try:
        return Seen.model_validate(parsed(body))
    except ValidationError:
        raise Problem(422, code="invalid-request", detail='Send {"token": "…", "page": "/…"}.') from None


def _objects(request: Request) -> bool:
    return request.headers.get("dnt") == "1" or request.headers.get("sec-gpc") == "1"


def _site_of(referrer: str) -> str:
    """Return whose page led here; what is behind the name of the site may be private."""
    try:
        return urlsplit(referrer).netloc[:200]
    except ValueError:
        return ""


def _crossing(request: Request) -> dict[str, str]:
    origin = request.headers.get("origin", "")
    return {"Access-Control-Allow-Origin": origin, "Vary": "Origin", "Cache-Control": "no-store"}
