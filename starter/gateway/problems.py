"""Errors as callers see them: problem+json (RFC 9457), always with a `detail` that says what to do."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from activities.runtime.logs import log
from activities.store.database import Conflict, NotFound, StoreDown, Unreadable
from activities.store.facts import BadEvent
from starter.client import CommandRefused, NoAnswer, NoSuchOrder, TemporalDown
from starter.misfits import misfits

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 5

#: When it is worth asking again for what a person has to correct first.
_UNTIL_CORRECTED = 60

_log = log("gateway")


class Fault(BaseModel):
    """One thing that is wrong with a request: where (`pointer` into the body, or `parameter`), and what to do."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    detail: str
    pointer: str | None = Field(default=None, description="JSON pointer into the request's body.")
    parameter: str | None = Field(default=None, description="The path, query or header parameter.")


class ProblemBody(BaseModel):
    """An error, as RFC 9457 has it. `code` is stable; `detail` is for people."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: list[Fault] | None = None


class Problem(Exception):
    """A refusal to be answered as problem+json."""

    def __init__(self, status: int, *, code: str, detail: str, errors: Sequence[Fault] = ()) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = tuple(errors)
        self.headers: dict[str, str] = {}

    def with_headers(self, headers: Mapping[str, str]) -> "Problem":
        """Add headers to the answer, e.g. `Retry-After`."""
        self.headers |= headers
        return self

    def response(self) -> JSONResponse:
        """Return the answer to send."""
        body = ProblemBody(
            type=f"urn:order-automation:problem:{self.code}",
            title=HTTPStatus(self.status).phrase,
            status=self.status,
            code=self.code,
            detail=self.detail,
            errors=list(self.errors) or None,
        )
        return JSONResponse(
            body.model_dump(exclude_none=True), status_code=self.status, media_type=MEDIA_TYPE, headers=self.headers
        )


def at(pointer: str, *, detail: str, code: str = "invalid-request") -> Problem:
    """Refuse one value of the body: `at("/data/amount", detail="…")`."""
    return Problem(422, code=code, detail=detail, errors=[Fault(detail=detail, pointer=f"#{pointer}")])


def install(app: FastAPI) -> None:
    """Answer every known error of the product, and every error of the framework, as a problem."""

    async def answer(request: Request, error: Exception) -> JSONResponse:
        return problem_of(request, error).response()

    for known in KNOWN:
        app.add_exception_handler(known, answer)


#: Errors that are answers; every other one is a bug.
KNOWN: tuple[type[Exception], ...] = (
    Problem,
    RequestValidationError,
    HTTPException,
    StoreDown,
    NotFound,
    Unreadable,
    Conflict,
    BadEvent,
    TemporalDown,
    NoAnswer,
    NoSuchOrder,
    CommandRefused,
)


def problem_of(request: Request, error: Exception) -> Problem:
    """Return the answer to one of the known errors."""
    retry = {"Retry-After": str(RETRY_SECONDS)}
    match error:
        case Problem():
            return error
        case RequestValidationError():
            return _invalid(request, error.errors())
        case HTTPException():
            return _of_framework(request, error)
        case StoreDown():
            detail = "The store cannot be reached; nothing was accepted. Send the request again in a few seconds."
            return Problem(503, code="store-down", detail=detail).with_headers(retry)
        case TemporalDown():
            detail = f"{error}. Nothing was done. Send the request again in a few seconds."
            return Problem(503, code="temporal-down", detail=detail).with_headers(retry)
        case NoAnswer():
            detail = f"{error} It may still be carried out: look at the order before you send it again."
            return Problem(504, code="no-answer", detail=detail)
        case NotFound() | NoSuchOrder():
            return Problem(404, code="not-found", detail=f"{error}.")
        case Unreadable():
            return _of_version(error)
        case BadEvent():
            return Problem(422, code="bad-event", detail=str(error))
        case CommandRefused():
            return Problem(409, code="refused", detail=error.words)
        case _:
            return Problem(409, code="conflict", detail=str(error))


def _of_version(error: Unreadable) -> Problem:
    """Say that a published version must be corrected first.

    503 and no 4xx: nothing is wrong with the request, which is taken as it is once a version is published that this
    release can read. What is wrong with the version stands in the log, as its texts are the shop's.
    """
    _log.error(
        "A published version cannot be read by this release: publish a corrected one, or run the release before",
        pipeline=error.pipeline,
        version=error.version,
        problems=error.problems,
    )
    detail = (
        f"Version {error.version} of pipeline '{error.pipeline}' cannot be read by this release: publish a corrected "
        "one (the log says what is wrong), or run the release before. Nothing was accepted; then send it again."
    )
    retry = {"Retry-After": str(_UNTIL_CORRECTED)}
    return Problem(503, code="pipeline-unreadable", detail=detail).with_headers(retry)


def _of_framework(request: Request, error: HTTPException) -> Problem:
    headers = dict(error.headers or {})
    if error.status_code == 404:
        detail = f"There is nothing at {request.url.path}. The API is described at /docs."
        return Problem(404, code="no-such-path", detail=detail)
    if error.status_code == 405:
        detail = f"{request.method} is not possible here. Allowed: {headers.get('Allow', 'see /docs')}."
        return Problem(405, code="method-not-allowed", detail=detail).with_headers(headers)
    return Problem(error.status_code, code="refused", detail=str(error.detail)).with_headers(headers)


def _invalid(request: Request, errors: Sequence[Any]) -> Problem:
    """Say where a request does not fit."""
    faults = [_fault(error, route=request.scope.get("route")) for error in errors]
    first = faults[0]
    where = first.pointer or first.parameter or "the request"
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return Problem(422, code="invalid-request", detail=f"{where}: {first.detail}{more}", errors=faults)


def _fault(error: Mapping[str, Any], *, route: object) -> Fault:
    part, *place = error["loc"] or ("",)
    [misfit] = misfits([{**error, "loc": place}], kind=_kind(route, part=part))
    if part == "body":
        return Fault(detail=misfit.words, pointer=f"#{''.join(f'/{escaped(step)}' for step in place)}")
    return Fault(detail=misfit.words, parameter="/".join(str(step) for step in error["loc"]))


def _kind(route: object, *, part: object) -> object:
    """Return what a route wants a part of the request (`body`, `query`) to be; None where that is no one model."""
    if not isinstance(route, APIRoute):
        return None
    fields = [route.body_field] if part == "body" else route.dependant.query_params if part == "query" else []
    kinds = [field.field_info.annotation for field in fields if field is not None]
    return kinds[0] if len(kinds) == 1 else None


def escaped(part: str | int) -> str:
    """Escape a step of a JSON pointer (RFC 6901, section 3)."""
    return str(part).replace("~", "~0").replace("/", "~1")
