"""Lists as the API pages them: filtered by To and From, the newest first."""

from typing import Any
from urllib.parse import urlencode

from aiohttp import web


def page_of(records: list[dict[str, Any]], *, name: str, request: web.Request) -> dict[str, Any]:
    """Return one page of records, under their name."""
    query = request.query
    wanted = {field: query[field.title()] for field in ("to", "from") if query.get(field.title())}
    fitting = [one for one in records if all(one[field] == value for field, value in wanted.items())]
    size = min(int(query.get("PageSize", "50")), 1_000)
    number = int(query.get("Page", "0"))
    shown = fitting[number * size : (number + 1) * size]
    has_more = len(fitting) > (number + 1) * size

    def uri(page: int) -> str:
        filters = {field.title(): value for field, value in wanted.items()}
        return f"{request.path}?{urlencode({**filters, 'PageSize': size, 'Page': page})}"

    return {
        "end": number * size + max(len(shown) - 1, 0),
        "first_page_uri": uri(0),
        "next_page_uri": uri(number + 1) if has_more else None,
        "page": number,
        "page_size": size,
        "previous_page_uri": uri(number - 1) if number else None,
        "start": number * size,
        "uri": uri(number),
        name: shown,
    }
