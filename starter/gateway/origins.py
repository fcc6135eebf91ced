"""Which sites' pages may do something with the gateway: those a setting lists, and the gateway's own."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers


def listed(setting: str) -> list[str]:
    """Read a setting of origins, separated by commas; whatever could not stand in a header is left out."""
    found = [one.strip().rstrip("/") for one in setting.split(",")]
    return [one for one in found if one and not any(sign in one for sign in "; '\"\r\n")]


def is_allowed(headers: Headers, *, setting: str, public_url: str) -> bool:
    """Say whether a request's page may; a request that names no page may not."""
    origin = headers.get("origin", "")
    if not origin or origin == "null":
        return False
    allowed = listed(setting)
    if origin in allowed or "*" in allowed:
        return True
    try:
        host = urlsplit(origin).netloc
    except ValueError:
        return False
    return host != "" and host in (headers.get("host"), urlsplit(public_url).netloc)
