"""The API's page in a browser, and the codec for Temporal's tools."""

import base64
import re
from dataclasses import replace

from pydantic import SecretStr
from temporalio.api.common.v1 import Payload

from activities.runtime.codec import EncryptingCodec, read_keys
from starter.gateway.parts import Parts
from tests.gateway.calling import Caller
from tests.gateway.conftest import Serve

KEYS = "k1:" + base64.b64encode(b"7" * 32).decode()


async def test_the_docs_page_needs_no_network(caller: Caller) -> None:
    page = (await caller.get("/docs")).body
    assert re.findall(r'(?:src|href)="(https?://[^"]+)"', page) == []
    script = re.search(r'src="([^"]+swagger-ui-bundle.js)"', page)
    assert script is not None
    assert "SwaggerUIBundle" in (await caller.get(script.group(1))).body


async def test_the_codec_decrypts_for_admins(serve: Serve, parts: Parts) -> None:
    settings = parts.settings.model_copy(update={"codec_keys": SecretStr(KEYS)})
    caller: Caller = await serve(replace(parts, settings=settings))
    sealed = (await EncryptingCodec(read_keys(KEYS)).encode([Payload(data=b'"hello"')]))[0]
    body = {
        "payloads": [
            {
                "metadata": {name: base64.b64encode(value).decode() for name, value in sealed.metadata.items()},
                "data": base64.b64encode(sealed.data).decode(),
            }
        ]
    }
    answer = await caller.post("/v1/codec/decode", body)
    assert answer.status == 200
    assert base64.b64decode(answer.body["payloads"][0]["data"]) == b'"hello"'


async def test_without_keys_there_is_no_codec(caller: Caller) -> None:
    answer = await caller.post("/v1/codec/decode", {"payloads": []})
    assert (answer.status, answer.body["detail"]) == (
        404,
        "Payloads are not encrypted here: ORDERS_CODEC_KEYS is not set.",
    )
