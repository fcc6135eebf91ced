"""Connect to Temporal: address, namespace and TLS as Temporal's own environment and profile file say."""

import asyncio
import dataclasses

from temporalio.client import Client
from temporalio.converter import DataConverter
from temporalio.envconfig import ClientConfig
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig
from temporalio.service import RPCError

from activities.runtime.payloads import PAYLOADS
from activities.runtime.settings import Settings


class TemporalDown(Exception):
    """Temporal's server cannot be reached; the message names the address."""


def converter(settings: Settings) -> DataConverter:
    """Return the data converter: pydantic models as JSON, encrypted where ORDERS_CODEC_KEYS is set. Raise WrongKey."""
    if settings.codec_keys is None:
        return PAYLOADS
    from activities.runtime.codec import EncryptingCodec, read_keys  # noqa: PLC0415  optional

    codec = EncryptingCodec(read_keys(settings.codec_keys.get_secret_value()))
    return dataclasses.replace(PAYLOADS, payload_codec=codec)


async def connect(settings: Settings, *, is_lazy: bool = False, seconds: float = 5.0, metrics_port: int = 0) -> Client:
    """Connect to Temporal (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_PROFILE, temporal.toml).

    Raise TemporalDown where the server does not answer within `seconds`; a lazy client connects at its first call.
    With a `metrics_port` the SDK's own metrics are served there.
    """
    config = ClientConfig.load_client_connect_config()
    config.setdefault("target_host", "127.0.0.1:7233")
    target = config["target_host"]
    try:
        return await asyncio.wait_for(
            Client.connect(**config, data_converter=converter(settings), lazy=is_lazy, runtime=_runtime(metrics_port)),
            timeout=seconds,
        )
    except (RPCError, RuntimeError, TimeoutError, OSError) as error:
        raise TemporalDown(f"no Temporal server answers at {target}; set TEMPORAL_ADDRESS or start one") from error


def _runtime(metrics_port: int) -> Runtime | None:
    if not metrics_port:
        return None
    metrics = PrometheusConfig(
        bind_address=f"127.0.0.1:{metrics_port}", durations_as_seconds=True, counters_total_suffix=True
    )
    return Runtime(telemetry=TelemetryConfig(metrics=metrics))
