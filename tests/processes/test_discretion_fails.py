"""The suite's scan for people's data fails where there is some, and says where: shown on one that tells of people."""

import asyncio
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

#: Tests that pass, each with a part of the product that tells too much.
SUITE = """\
import asyncio

import structlog
from prometheus_client import Counter

from tests.support.house import ANNA
from tests.support.temporal import temporal_client, temporal_server


def test_discreet():
    structlog.get_logger().info("Order moved", order="shop:1001")


def test_log():
    structlog.get_logger().warning("Refused", to="+48" + "601234567")


def test_print():
    print("Hello " + "Kowalska")


def test_log_file(tmp_path):
    (tmp_path / "worker-1.log").write_text("to=ada" + "@mail.example")


def test_metrics():
    Counter("told_total", "Told", ["who"]).labels(who="Kowal" + "ska").inc()


async def test_history(temporal_client):
    await temporal_client.start_workflow("Order", ANNA, id="order:shop:7", task_queue="nobody")
    for _ in range(200):
        if [one async for one in temporal_client.list_workflows("WorkflowType = 'Order'")]:
            return
        await asyncio.sleep(0.05)
"""


@pytest.fixture(scope="module")
def told() -> str:
    """What pytest says of that suite. Its files are where this suite's scan does not look."""
    with tempfile.TemporaryDirectory(prefix="indiscreet-") as folder:
        (Path(folder) / "test_indiscreet.py").write_text(SUITE)
        return asyncio.run(_pytest(Path(folder)))


async def _pytest(folder: Path) -> str:
    command = ["-m", "pytest", "-p", "tests.conftest", "-c", str(ROOT / "pyproject.toml"), "-p", "no:cacheprovider"]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *command, "-rA", "--color=no", f"--basetemp={folder / 'files'}", str(folder)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 1, "the scan found nothing"
    return output.decode()


def summary(told: str, *, of: str) -> list[str]:
    """The outcomes of a test, as pytest sums them up."""
    return [line.split()[0] for line in told.splitlines() if line.endswith(f"::{of}") or f"::{of} - " in line]


@pytest.mark.parametrize("name", ["test_log", "test_print"])
def test_a_test_whose_output_tells_of_people_fails(told: str, name: str) -> None:
    """Covers case 53."""
    assert summary(told, of=name) == ["FAILED"]


def test_a_discreet_test_passes(told: str) -> None:
    assert summary(told, of="test_discreet") == ["PASSED"]


@pytest.mark.parametrize(
    "place",
    [
        pytest.param("Refused", id="log"),
        pytest.param("worker-1.log: mail address: ", id="log file"),
        pytest.param("metrics: name: ", id="metrics"),
        pytest.param("history order:shop:7: ", id="history"),
    ],
)
def test_the_suite_says_where_it_tells_of_people(told: str, place: str) -> None:
    """Covers case 53."""
    assert place in told
