"""/v1/codec: decrypt what Temporal keeps, for its command line (`--codec-endpoint`, `--codec-auth`). Admins only."""

import json

from fastapi import APIRouter, Depends, Request, Response
from google.protobuf import json_format
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.converter import PayloadCodec

from activities.runtime.codec import EncryptingCodec, WrongKey, read_keys
from starter.gateway.access import Right, needs
from starter.gateway.openapi import body, changes
from starter.gateway.parts import Gateway
from starter.gateway.problems import Problem

router = APIRouter(prefix="/v1/codec", tags=["service"], dependencies=[Depends(needs(Right.ADMIN))])

_EXAMPLE: dict[str, object] = {"payloads": []}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"type": "object"}, "examples": body(_EXAMPLE, summary="None")}},
    }
}
_ANSWER = changes(_EXAMPLE, refusals=(404,))


@router.post("/decode", openapi_extra=_BODY, responses=_ANSWER)
async def decode(request: Request, gateway: Gateway) -> Response:
    """Decrypt payloads, as Temporal's tools ask for it."""
    codec = _codec(gateway)
    payloads = await _payloads(request)
    try:
        return _answer(await codec.decode(payloads.payloads))
    except WrongKey as error:
        raise Problem(422, code="wrong-key", detail=str(error)) from error


@router.post("/encode", openapi_extra=_BODY, responses=_ANSWER)
async def encode(request: Request, gateway: Gateway) -> Response:
    """Encrypt payloads, as Temporal's tools ask for it."""
    codec = _codec(gateway)
    return _answer(await codec.encode((await _payloads(request)).payloads))


def _codec(gateway: Gateway) -> PayloadCodec:
    setting = gateway.settings.codec_keys
    if setting is None:
        raise Problem(404, code="no-codec", detail="Payloads are not encrypted here: ORDERS_CODEC_KEYS is not set.")
    return EncryptingCodec(read_keys(setting.get_secret_value()))


async def _payloads(request: Request) -> Payloads:
    try:
        return json_format.ParseDict(json.loads(await request.body()), Payloads())
    except (ValueError, json_format.ParseError) as error:
        detail = 'Send {"payloads": [...]} as Temporal\'s tools do.'
        raise Problem(422, code="invalid-request", detail=detail) from error


def _answer(payloads: list[Payload]) -> Response:
    return Response(json_format.MessageToJson(Payloads(payloads=payloads)), media_type="application/json")
