"""/healthz, /readyz, /metrics: for whoever runs the gateway. No key, no person's data."""

from enum import StrEnum

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from activities.store.database import StoreDown
from activities.store.values import Boundary
from starter.client import TemporalDown
from starter.gateway.parts import Gateway

router = APIRouter(tags=["service"])


class Standing(StrEnum):
    """Whether a part answers."""

    UP = "up"
    DOWN = "down"


class Health(Boundary):
    """The process lives."""

    status: Standing = Standing.UP


class Readiness(Boundary):
    """Which parts answer. Without Temporal the gateway still takes events; without the store it takes nothing."""

    store: Standing
    temporal: Standing
    words: str = ""


_READY = {"store": "up", "temporal": "up", "words": ""}
_NO_STORE = {"store": "down", "temporal": "up", "words": "The database file cannot be opened"}


@router.get("/healthz", responses={200: {"content": {"application/json": {"example": {"status": "up"}}}}})
async def healthz() -> Health:
    """Say that the process lives."""
    return Health()


@router.get(
    "/readyz",
    responses={
        200: {"content": {"application/json": {"example": _READY}}},
        503: {"description": "Nothing is accepted.", "content": {"application/json": {"example": _NO_STORE}}},
    },
)
async def readyz(gateway: Gateway, response: Response) -> Readiness:
    """Say whether requests can be taken: 503 while the store is down. While Temporal is down they still can."""
    store = temporal = Standing.UP
    words = ""
    try:
        await gateway.orders.ready()
    except TemporalDown as error:
        temporal, words = Standing.DOWN, f"{error}; events are taken and delivered later"
    try:
        await gateway.store.check()
    except StoreDown as error:
        store, words = Standing.DOWN, error.reason
        response.status_code = 503
    return Readiness(store=store, temporal=temporal, words=words)


@router.get(
    "/metrics",
    response_class=Response,
    responses={
        200: {"description": "Prometheus' text format.", "content": {"text/plain": {"example": "orders_x 1.0"}}}
    },
)
async def metrics(request: Request) -> Response:
    """Return the gateway's figures for Prometheus."""
    return Response(request.app.state.metrics.text(), media_type=CONTENT_TYPE_LATEST)
