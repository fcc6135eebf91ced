"""Webhook triggers: `/hooks/trigger/{code}?target=ORDER_{n}` fires `webhook.NAME` on an order (T16).

The code is all a simple caller needs; a code made with a secret must also be signed as Standard Webhooks. The call
counts once by its id: `webhook-id`, `Idempotency-Key`, or `id` in the address; without one, each call is its own.
"""

import json
import re
from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from activities.store import hook_codes
from activities.store.database import Tx
from activities.store.hook_codes import HookCode
from starter.gateway.access import Rates
from starter.gateway.hooks import Happened, Told, take
from starter.gateway.parts import Gateway, Parts
from starter.gateway.problems import Problem
from starter.gateway.signatures import may_be_standard, standard, verified
from workflows.contracts.events import WEBHOOK_PREFIX
from workflows.contracts.ids import OrderKey

router = APIRouter(prefix="/hooks/trigger", include_in_schema=False)

SOURCE = "webhook"

_TARGET = re.compile(r"ORDER_([A-Za-z0-9][A-Za-z0-9._-]{0,63})")

#: What the address says to us; the rest of it is the event's data.
_OWN = ("target", "id", "shop")


@router.get("/{code}")
@router.post("/{code}")
async def fire(
    request: Request, gateway: Gateway, code: str, target: Annotated[str, Query(max_length=80)] = ""
) -> Response:
    """Fire a webhook trigger on an order."""
    known = await _known(gateway, code=code)
    _rates(request, gateway=gateway).take(known.hash)
    headers, now = request.headers, gateway.now()
    raw = await verified(
        request,
        source=SOURCE,
        setting=f"the secret of webhook '{known.trigger}'",
        may_be=not known.secret or may_be_standard(headers, now=now),
        fits=lambda body: not known.secret or standard(body, headers=headers, secrets=[known.secret], now=now),
    )
    happened = _happened(request, raw=raw, trigger=known.trigger, target=target, gateway=gateway)

    async def note_use(tx: Tx) -> list[Happened]:
        await hook_codes.used(tx, hash=known.hash, now=gateway.now())
        return []

    await take(gateway, source=SOURCE, told=Told(happened=[happened]), raw=raw, also=note_use)
    return JSONResponse({"id": happened.id, "type": happened.type, "order": happened.orders[0].number}, status_code=202)


async def _known(gateway: Parts, *, code: str) -> HookCode:
    async with gateway.store.read() as tx:
        found = await hook_codes.find(tx, code=code, now=gateway.now())
    if found is None:
        raise Problem(404, code="unknown-code", detail="There is no such address, or its code was exchanged.")
    return found


def _rates(request: Request, *, gateway: Parts) -> Rates:
    """Return this process's token buckets, one per code."""
    state = request.app.state
    if not hasattr(state, "hook_rates"):
        state.hook_rates = Rates(gateway.settings.hook_rate_per_minute, by="with this code")
    rates: Rates = state.hook_rates
    return rates


def _happened(request: Request, *, raw: bytes, trigger: str, target: str, gateway: Parts) -> Happened:
    named = _TARGET.fullmatch(target)
    if named is None:
        detail = "Name the order in the address: ?target=ORDER_ and the order's number."
        raise Problem(422, code="invalid-request", detail=detail)
    key = OrderKey(shop=request.query_params.get("shop") or gateway.settings.shop, number=named.group(1))
    own = request.headers.get("webhook-id") or request.headers.get("idempotency-key")
    id = (own or request.query_params.get("id") or str(uuid4()))[:120]
    data = {**_query(request), **_body(raw, content_type=request.headers.get("content-type", ""))}
    return Happened(f"{trigger}:{key}:{id}"[:200], f"{WEBHOOK_PREFIX}{trigger}", gateway.now(), data, orders=(key,))


def _query(request: Request) -> dict[str, Any]:
    return {name: value for name, value in request.query_params.items() if name not in _OWN}


def _body(raw: bytes, *, content_type: str) -> dict[str, Any]:
    """Read a JSON object as the event's data; another body says nothing to us. Raise Problem for broken JSON."""
    if not raw or "json" not in content_type.lower():
        return {}
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        raise Problem(400, code="malformed", detail="The body is not valid JSON.") from None
    return value if isinstance(value, dict) else {"value": value}
