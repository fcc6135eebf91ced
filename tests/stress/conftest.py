"""A house on a real Temporal server, as in tests/life."""

from tests.life.conftest import house
from tests.support.temporal import temporal_client, temporal_server

__all__ = ["house", "temporal_client", "temporal_server"]
