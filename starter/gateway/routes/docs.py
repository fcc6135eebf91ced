"""/docs: the API's description in a browser, without a network: its scripts come from a package, not from a CDN."""

from importlib.util import find_spec
from pathlib import Path

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

_ASSETS = "/docs-assets"


def install(app: FastAPI) -> None:
    """Add the page and its assets to an application that was made without a page of its own."""
    spec = find_spec("fastapi_offline")  # only its files are used; importing it would be of no use
    if spec is None or spec.origin is None:
        raise RuntimeError("the package fastapi-offline is missing: run `make install`")
    app.mount(_ASSETS, StaticFiles(directory=Path(spec.origin).parent / "static"), name="docs-assets")

    async def docs(_: Request) -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url=app.openapi_url or "/openapi.json",
            title=app.title,
            swagger_js_url=f"{_ASSETS}/swagger-ui-bundle.js",
            swagger_css_url=f"{_ASSETS}/swagger-ui.css",
            swagger_favicon_url=f"{_ASSETS}/favicon.png",
        )

    app.add_route("/docs", docs, include_in_schema=False)
