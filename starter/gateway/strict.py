"""Reads request bodies strictly: JSON only, no NaN, no double keys, no text a database cannot keep. Says where."""

import json
import math
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

from fastapi import Request, Response
from fastapi.routing import APIRoute

from starter.gateway.problems import Fault, Problem, escaped

DEEPEST = 32


class StrictRoute(APIRoute):
    """A route whose JSON body is read strictly before anything else sees it."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]  # same callable
        """Wrap the route's handler."""
        handler = super().get_route_handler()
        field = self.body_field

        async def strict(request: Request) -> Response:
            if field is None:
                return await handler(request)
            body = await request.body()
            if not body and not field.field_info.is_required():
                return await handler(request)
            _check_type(request, body)
            return await handler(_Read(request, parsed(body)))

        return strict


class _Read(Request):
    """A request whose body has been read."""

    def __init__(self, request: Request, value: object) -> None:
        super().__init__(request.scope, request.receive)
        self._body = request._body
        self._value = value

    async def json(self) -> Any:
        return self._value


def parsed(body: bytes) -> object:
    """Read JSON; raise Problem (400) with the line and column, or the pointer, of what is wrong."""
    if not body:
        raise _malformed("The body is empty; send a JSON object.")
    try:
        text = body.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise _malformed(f"The body is not valid JSON: {error.msg} at {where}.") from error
    except UnicodeDecodeError as error:
        raise _malformed(f"The body is not UTF-8: see byte {error.start}.") from error
    except RecursionError as error:
        raise _malformed("The body is nested too deeply.") from error
    except ValueError as error:
        raise _malformed(f"The body is not valid JSON: {error}.") from error
    _check(value, pointer="", depth=0)
    return value


def _check_type(request: Request, body: bytes) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not body or kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json")):
        return
    sent = f"'{kind}'" if kind else "no content type"
    detail = f"The body must be JSON, but {sent} was sent: set the header Content-Type: application/json."
    raise Problem(415, code="not-json", detail=detail)


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) == len(pairs):
        return value
    names = [name for name, _ in pairs]
    double = next(name for name in names if names.count(name) > 1)
    raise ValueError(f"the key '{double}' stands twice in one object")


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _check(value: object, *, pointer: str, depth: int) -> None:
    """Refuse what no database or later reader could keep."""
    if depth > DEEPEST:
        raise _malformed(f"The body is nested more than {DEEPEST} levels deep.", pointer=pointer)
    if isinstance(value, dict):
        for name, inner in value.items():
            _check(name, pointer=pointer, depth=depth)
            _check(inner, pointer=f"{pointer}/{escaped(name)}", depth=depth + 1)
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            _check(inner, pointer=f"{pointer}/{position}", depth=depth + 1)
    elif isinstance(value, str) and not _is_storable(value):
        raise _malformed("The text has a NUL or half a surrogate pair in it.", pointer=pointer)
    elif isinstance(value, float) and not math.isfinite(value):
        raise _malformed("The number is too large.", pointer=pointer)


def _is_storable(text: str) -> bool:
    return (text.isascii() and "\0" not in text) or not any(c == "\0" or "\ud800" <= c <= "\udfff" for c in text)


def _malformed(detail: str, *, pointer: str | None = None) -> Problem:
    faults = [] if pointer is None else [Fault(detail=detail, pointer=f"#{pointer}")]
    return Problem(400, code="malformed", detail=detail, errors=faults)
