"""A form of the shop (T08, T09): shown at /f/NAME, also in a frame of the shop's site, and filled in without scripts.

An answer counts once, by the signed pass in the form. What a program sends (the trap filled in, sooner than a person
writes, a forged or an old pass) only shows the form again; a person who was taken for one sends it once more.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse

from activities.forms import PublishedForm, published_form
from activities.runtime.tokens import Tokens
from starter.gateway.forms import passes
from starter.gateway.forms.reading import Filled, Unreadable, filled
from starter.gateway.forms.showing import Shown, headers_of, page_of, thanks_of
from starter.gateway.forms.submitting import submit
from starter.gateway.pages.refusing import PageRoute
from starter.gateway.parts import Gateway, Parts
from starter.gateway.problems import Problem
from starter.gateway.quotas import quota_of
from starter.gateway.tracking import visitor_of

router = APIRouter(prefix="/f", include_in_schema=False, route_class=PageRoute)

Lang = Annotated[str, Query(max_length=40)]
Visitor = Annotated[str, Query(max_length=500)]


@router.api_route("/{name}", methods=["GET", "HEAD"], name="show_form")
async def show_form(request: Request, gateway: Gateway, name: str, lang: Lang = "", visitor: Visitor = "") -> Response:
    """Show a form. `visitor` is the token that the shop's page has."""
    tokens = _tokens(gateway)
    published = await _published(gateway, name=name)
    given = passes.fresh(name, now=gateway.now(), visitor=visitor_of(tokens, token=visitor) or "")
    shown = _shown(published, request=request, lang=lang)
    return _page(gateway, replace(shown, token=passes.signed(tokens, given)))


@router.post("/{name}", name="fill_in_form")
async def fill_in_form(request: Request, gateway: Gateway, name: str, lang: Lang = "") -> Response:
    """Take what was filled in, or show it again with what is wrong."""
    tokens = _tokens(gateway)
    published = await _published(gateway, name=name)
    sent = await _sent(request, published=published)
    shown = replace(_shown(published, request=request, lang=lang), filled=sent, token=sent.token)
    try:
        quota_of(request, name="form_quota", per_minute=gateway.settings.form_rate_per_minute).take(request)
    except Problem as problem:
        return _page(gateway, replace(shown, notice=shown.words.too_many), status=429, headers=problem.headers)
    now = gateway.now()
    given = passes.read(tokens, sent.token, form=name)
    if given is None or given.is_over(now):
        again = passes.fresh(name, now=now, visitor=given.visitor if given else "")
        return _page(gateway, _again(shown, token=passes.signed(tokens, again)), status=409)
    if sent.is_trapped or not given.is_ripe(now):
        return _page(gateway, _again(shown, token=sent.token), status=409)
    if sent.faults:
        return _page(gateway, shown, status=422)
    await submit(gateway, form=published.form, given=given, filled=sent, language=shown.language)
    # Going back or loading again sends nothing a second time.
    following = f"{quote(name)}/thanks?lang={quote(shown.language)}"
    return Response(status_code=303, headers={**headers_of(gateway.settings.form_origins), "Location": following})


@router.api_route("/{name}/thanks", methods=["GET", "HEAD"], name="thank_for_form")
async def thank_for_form(request: Request, gateway: Gateway, name: str, lang: Lang = "") -> Response:
    """Say that it has arrived."""
    shown = _shown(await _published(gateway, name=name), request=request, lang=lang)
    return HTMLResponse(thanks_of(shown), headers=headers_of(gateway.settings.form_origins))


def _tokens(gateway: Parts) -> Tokens:
    if gateway.tokens is None:
        raise Problem(404, code="forms-off", detail="Forms are off; set ORDERS_TOKEN_KEYS to turn them on.")
    return gateway.tokens


async def _published(gateway: Parts, *, name: str) -> PublishedForm:
    async with gateway.store.read() as tx:
        found = await published_form(tx, gateway.shelf, name=name)
    if found is None:
        raise Problem(404, code="no-form", detail="There is no such form; forms stand under 'forms:' in the pipeline.")
    return found


async def _sent(request: Request, *, published: PublishedForm) -> Filled:
    try:
        return filled(published.form, body=await request.body(), country=published.country)
    except Unreadable:
        raise Problem(400, code="malformed", detail="The body is not that of a form.") from None


def _shown(published: PublishedForm, *, request: Request, lang: str) -> Shown:
    offered = [one.partition(";")[0] for one in request.headers.get("accept-language", "")[:200].split(",")]
    return Shown(published.form, published.languages, published.language([lang, *offered]))


def _again(shown: Shown, *, token: str) -> Shown:
    return replace(shown, token=token, notice=shown.words.again)


def _page(gateway: Parts, shown: Shown, *, status: int = 200, headers: Mapping[str, str] | None = None) -> HTMLResponse:
    given = {**headers_of(gateway.settings.form_origins), **(headers or {})}
    return HTMLResponse(page_of(shown), status_code=status, headers=given)
