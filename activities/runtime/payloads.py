"""Payloads of Temporal: our contracts as JSON, as the SDK's own converter for pydantic writes and reads them.

The SDK makes a converter of each workflow and two of each activation: each would build its own JSON serializer, and
read the first payload of each type with a validator built anew. Here all of them share one.
"""

from functools import cache

from temporalio.contrib.pydantic import PydanticPayloadConverter
from temporalio.converter import CompositePayloadConverter, DataConverter, EncodingPayloadConverter


class SharedPayloadConverter(PydanticPayloadConverter):
    """The SDK's converter of pydantic models on parts that are made once in a process; they keep nothing of a call."""

    def __init__(self) -> None:
        CompositePayloadConverter.__init__(self, *_parts())


@cache
def _parts() -> tuple[EncodingPayloadConverter, ...]:
    return tuple(PydanticPayloadConverter().converters.values())


PAYLOADS = DataConverter(payload_converter_class=SharedPayloadConverter)
