"""Builds the gateway's application out of its parts; knows every group of routes and nothing of what they do."""

from typing import Any

from fastapi import FastAPI
from fastapi.middleware import Middleware
from fastapi.routing import APIRoute

from starter.gateway import pages, problems, sources
from starter.gateway.access import Access
from starter.gateway.chat.feeds import Feeds
from starter.gateway.chat.visitors import Quotas
from starter.gateway.front import Front
from starter.gateway.metrics import Metrics
from starter.gateway.openapi import DESCRIPTION, TAGS, TITLE, with_problems
from starter.gateway.parts import Parts
from starter.gateway.routes import (
    chats,
    codec,
    commands,
    customers,
    desk,
    docs,
    employees,
    events,
    facts,
    feed,
    health,
    messages,
    papers,
    parked,
    why,
)
from starter.gateway.routes import orders as order_routes

_ROUTERS = (
    *sources.ROUTERS,  # looked through first: vendors send more than anybody else
    order_routes.router,
    events.router,
    parked.router,
    facts.router,
    why.router,
    commands.router,
    customers.router,
    employees.router,
    desk.router,
    messages.router,
    feed.router,
    chats.router,
    papers.router,
    codec.router,
    health.router,
    *pages.ROUTERS,
)


#: Paths whose bodies may be larger, in bytes: SendGrid posts whole mails of up to 30 MB.
LARGER_BODIES = {"/hooks/sendgrid/inbound": 35 * 1024 * 1024}


def create_app(parts: Parts) -> FastAPI:
    """Return the application. It kicks the relay; running it, and closing the store, is its maker's."""
    metrics = Metrics(parts.relay)
    settings = parts.settings
    app = _Application(
        title=TITLE,
        version="1",
        description=DESCRIPTION,
        openapi_tags=TAGS,
        servers=[{"url": settings.public_url}] if settings.public_url else None,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=_name,
        middleware=[
            Middleware(Front, limit=settings.body_limit, larger=LARGER_BODIES, metrics=metrics),
            Middleware(Access, store=parts.store, per_minute=settings.rate_per_minute),
        ],
    )
    app.state.parts = parts
    app.state.metrics = metrics
    app.state.chat = Feeds(parts.store)
    app.state.chat_quotas = Quotas()
    problems.install(app)
    for router in _ROUTERS:
        app.include_router(router)
    docs.install(app)
    return app


class _Application(FastAPI):
    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = with_problems(super().openapi())
        return self.openapi_schema


def _name(route: APIRoute) -> str:
    """Return the name of an operation: generated clients call it so."""
    return route.name
