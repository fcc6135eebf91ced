"""What the API's description says beyond the types: an example of every answer, and every refusal with its words."""

from collections.abc import Iterable
from typing import Any, TypeAlias

from pydantic import BaseModel

from starter.gateway.problems import MEDIA_TYPE, ProblemBody

Answers: TypeAlias = dict[int | str, dict[str, Any]]

TITLE = "Order automation"

DESCRIPTION = """
Create orders, tell what happened to them, see what the automation did and why.

* **Keys.** Every path under `/v1` needs `Authorization: Bearer oa_…`; `orders keys create` makes a key with scopes.
* **Events.** What is answered with 2xx is journalled for good. The automation takes it up a moment later, or, when
  Temporal is down, as soon as it is back.
* **Repeating is safe.** An event is handled once by its (source, id): a duplicate is answered 200 with
  `"duplicate": true`. The same order sent twice is answered 200, another one under the same number 409.
* **Money** is text (`"49.90"`) with an ISO 4217 currency, **times** have a zone, **phones** are E.164.
* **Errors** are `application/problem+json` (RFC 9457): `detail` says what to do, `errors` where.
* **Lists** have `next_cursor` and a `Link` header to the next page.
"""

TAGS = [
    {"name": "orders", "description": "Orders: the records that the pipeline moves from stage to stage."},
    {"name": "events", "description": "What happened: to one order, or to a customer and so to all their open orders."},
    {"name": "facts", "description": "Payments and shipments; each is an event, too."},
    {"name": "answers", "description": "What happened to an order and why it did, or did not."},
    {"name": "commands", "description": "What an operator may do to an order's automation."},
    {"name": "people", "description": "Customers and employees."},
    {"name": "desk", "description": "Tasks and notices of employees, and what the outbox took in place of a provider."},
    {"name": "chats", "description": "Chats with customers, and the whispers of employees in them."},
    {"name": "service", "description": "Health and figures."},
]

_REFUSALS: dict[int, tuple[str, str, str]] = {
    400: ("Bad Request", "malformed", "The body is not valid JSON: Expecting ',' delimiter at line 3, column 14."),
    401: ("Unauthorized", "no-key", "Send the header Authorization: Bearer oa_…; `orders keys create` makes a key."),
    403: ("Forbidden", "missing-scope", "The key 'erp' lacks the scope events:write; make one that has it."),
    404: ("Not Found", "not-found", "There is no order '2026-00117'."),
    409: ("Conflict", "conflict", "Order 2026-00117 exists with other content; change it with PATCH."),
    413: ("Content Too Large", "body-too-large", "The body is larger than 262144 bytes; send less."),
    415: (
        "Unsupported Media Type",
        "not-json",
        "The body must be JSON: set the header Content-Type: application/json.",
    ),
    422: (
        "Unprocessable Content",
        "invalid-request",
        "#/type: 'payment.payed' is not an event type; did you mean 'payment.paid'?",
    ),
    429: ("Too Many Requests", "too-many-requests", "Too many requests with this key; send the next one in 3 s."),
    504: ("Gateway Timeout", "no-answer", "Order 2026-00117 did not answer in time; it may still be carried out."),
    503: ("Service Unavailable", "store-down", "The store cannot be reached; nothing was accepted. Send it again."),
}

_SAYS = {
    200: "As asked.",
    201: "It is stored.",
    202: "It is journalled; the automation takes it up in a moment.",
}

_ALWAYS = (401, 403, 422, 429, 503)
_WITH_BODY = (400, 413, 415)


def answers(
    example: object, *, status: int = 200, also: Answers | None = None, refusals: Iterable[int] = ()
) -> Answers:
    """Describe a route that reads: its answer by example, and its refusals."""
    described: Answers = {status: _answer(example, status=status)}
    described |= also or {}
    return described | {code: _refusal(code) for code in sorted({*_ALWAYS, *refusals})}


def changes(
    example: object, *, status: int = 200, also: Answers | None = None, refusals: Iterable[int] = ()
) -> Answers:
    """Describe a route that takes a body."""
    return answers(example, status=status, also=also, refusals=[*refusals, *_WITH_BODY])


def body(example: object, *, summary: str) -> dict[str, Any]:
    """Return the `openapi_examples` of a request's body."""
    return {"example": {"summary": summary, "value": example}}


def again(example: object, *, model: type[BaseModel]) -> Answers:
    """Describe the 200 that a repeated request gets."""
    says = "It was taken before; nothing is done again."
    return {200: {"description": says, "model": model, "content": {"application/json": {"example": example}}}}


def with_problems(described: dict[str, Any]) -> dict[str, Any]:
    """Add the schemas of problems to an API's description."""
    schema = ProblemBody.model_json_schema(ref_template="#/components/schemas/{model}")
    inner = schema.pop("$defs", {})
    described["components"]["schemas"] |= {"ProblemBody": schema, **inner}
    return described


def _answer(example: object, *, status: int) -> dict[str, Any]:
    return {"description": _SAYS[status], "content": {"application/json": {"example": example}}}


def _refusal(status: int) -> dict[str, Any]:
    title, code, detail = _REFUSALS[status]
    example = {
        "type": f"urn:order-automation:problem:{code}",
        "title": title,
        "status": status,
        "code": code,
        "detail": detail,
    }
    schema = {"$ref": "#/components/schemas/ProblemBody"}
    described: dict[str, Any] = {"description": title, "content": {MEDIA_TYPE: {"schema": schema, "example": example}}}
    if status in (429, 503):
        described["headers"] = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
    return described
