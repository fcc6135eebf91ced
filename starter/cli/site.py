"""What `orders doctor` says of the shop's own pages: the addresses of its forms, and the lines to paste for visits and
chat, with the sites whose pages may use them.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from starter.cli.findings import Finding

if TYPE_CHECKING:
    from activities.runtime.settings import Settings
    from activities.store.database import Store

_SITE = '<script src="{base}/t/site.js" async></script>'
_CHAT = '<script src="{base}/chat/widget.js" data-shop="{shop}" async></script>'


async def of_site(settings: "Settings", *, store: "Store") -> list[Finding]:
    """Say what may be put on the shop's pages; nothing where nothing signs it. Raise StoreDown."""
    if settings.token_keys is None:
        return []
    base = settings.public_url.rstrip("/") or "https://YOUR-ADDRESS"
    return [*_forms(await _names(store), base=base), *_scripts(settings, base=base)]


async def _names(store: "Store") -> list[str]:
    from activities.actions import KINDS
    from activities.shelf import Shelf
    from activities.store import pipelines

    shelf = Shelf(KINDS)
    async with store.read() as tx:
        published = [
            await shelf.get(tx, name=name, version=version) for name, version in (await pipelines.names(tx)).items()
        ]
    return sorted({name for pipeline in published for name in pipeline.forms})


def _forms(names: list[str], *, base: str) -> Iterator[Finding]:
    if names:
        yield Finding("forms", True, "they are at " + ", ".join(f"{base}/f/{name}" for name in names))


def _scripts(settings: "Settings", *, base: str) -> Iterator[Finding]:
    lines = {
        "visits": (_SITE.format(base=base), "ORDERS_SITE_ORIGINS", settings.site_origins),
        "web chat": (_CHAT.format(base=base, shop=settings.shop), "ORDERS_CHAT_ORIGINS", settings.chat_origins),
    }
    for what, (line, setting, origins) in lines.items():
        if origins.strip():
            yield Finding(what, True, f"paste into the pages of {origins}: {line}")
            continue
        help = f"set {setting}=https://YOUR-SHOP for the gateway, then paste into every page: {line}"
        words = f"the shop's pages are refused: {setting} is empty"
        yield Finding(what, True, words, help=help, is_warning=True)
