"""Record one life of each side for the replays to count: `python -m tests.bench.record` writes histories/*.json.

They are kept, since a busy machine puts more workflow tasks into a history than a quiet one. Record ours anew when the
workflow takes another path for new orders.
"""

import asyncio
import tempfile
from pathlib import Path

from temporalio.testing import WorkflowEnvironment

from tests.bench.measures import life
from tests.bench.sides import FloorSide, OursSide, TemporalSide
from tests.replay.record import without_machine
from tests.support.temporal import FASTER, TEMPORAL
from workflows.attributes import KEYS

RECORDED = Path(__file__).with_name("histories")


async def main() -> None:
    """Play one life per side on a server of its own and write its history."""
    environment = await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(TEMPORAL),
        dev_server_extra_args=FASTER,
        dev_server_log_level="error",
        search_attributes=KEYS,
    )
    address = environment.client.service_client.config.target_host
    with tempfile.TemporaryDirectory() as folder:
        for make in (FloorSide, OursSide):
            await _record(make(Path(folder), address=address))
    await environment.shutdown()


async def _record(side: TemporalSide) -> None:
    await side.prepare()
    await side.launch()
    try:
        await life(side, "1")
        history = await side.history("1")
    finally:
        await side.close()
    assert history is not None
    await asyncio.to_thread((RECORDED / f"{side.name}.json").write_text, without_machine(history.to_json()) + "\n")
    print(f"{side.name}: {len(history.events)} events")


if __name__ == "__main__":
    asyncio.run(main())
