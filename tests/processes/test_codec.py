"""Encrypted payloads: what Temporal keeps is unreadable without the keys, and keys can be rotated."""

import base64
import re
from pathlib import Path

import pytest
from pydantic import SecretStr
from temporalio.api.common.v1 import Payload
from temporalio.client import Client

from activities.runtime.codec import EncryptingCodec, WrongKey, read_keys
from activities.runtime.settings import Settings
from activities.runtime.temporal import converter
from tests.life.pipelines import SHOP
from tests.support.house import House, store_at, working
from tests.support.temporal import temporal_client, temporal_server
from workflows.contracts.reasons import RunStatus

__all__ = ["temporal_client", "temporal_server"]

OLD = "old:" + base64.b64encode(b"1" * 32).decode()
NEW = "new:" + base64.b64encode(b"2" * 32).decode()


async def test_what_one_key_encrypts_the_rotated_keys_decrypt() -> None:
    payload = Payload(metadata={"encoding": b"json/plain"}, data=b'"hello"')
    sealed = await EncryptingCodec(read_keys(OLD)).encode([payload])
    assert b"hello" not in sealed[0].data
    assert await EncryptingCodec(read_keys(f"{NEW},{OLD}")).decode(sealed) == [payload]


async def test_a_payload_of_an_unknown_key_is_refused_with_the_setting() -> None:
    sealed = await EncryptingCodec(read_keys(OLD)).encode([Payload(data=b"x")])
    with pytest.raises(WrongKey, match="'old', which is not in ORDERS_CODEC_KEYS"):
        await EncryptingCodec(read_keys(NEW)).decode(sealed)


async def test_a_payload_that_was_changed_is_refused() -> None:
    codec = EncryptingCodec(read_keys(OLD))
    sealed = (await codec.encode([Payload(data=b"x")]))[0]
    sealed.data = sealed.data[:-1] + bytes([sealed.data[-1] ^ 1])
    with pytest.raises(WrongKey, match="does not fit key 'old'"):
        await codec.decode([sealed])


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        pytest.param("k:???", "is not base64", id="not base64"),
        pytest.param("k:" + base64.b64encode(b"short").decode(), "must have 32 bytes, it has 5", id="too short"),
        pytest.param(base64.b64encode(b"1" * 32).decode(), "must have 32 bytes", id="no id"),
    ],
)
def test_a_setting_that_cannot_be_read_says_why(setting: str, words: str) -> None:
    with pytest.raises(WrongKey, match=words):
        read_keys(setting)


async def test_an_order_lives_with_encrypted_payloads(tmp_path: Path, temporal_client: Client) -> None:
    """The whole way: signals, decisions, activities and queries."""
    config = temporal_client.config()
    config["data_converter"] = converter(Settings(codec_keys=SecretStr(OLD)))
    async with store_at(tmp_path) as store:
        house = House(store, Client(**config))
        async with working(house):
            await house.publish(SHOP)
            await house.order("1")
            await house.until_run("1", "thanks", RunStatus.DONE)
            assert (await house.handle("1").query("state"))["stage"] == "new"
            history = (await house.handle("1").fetch_history()).to_json()
        await house.close()
    payloads = [base64.b64decode(data) for data in re.findall(r'"data": "([^"]+)"', history)]
    assert payloads
    assert not [data for data in payloads if b"thanks" in data]
    assert base64.b64encode(b"binary/encrypted").decode() in history
