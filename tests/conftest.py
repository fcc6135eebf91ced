"""What every test shares: random searches are the same ones in every run of the suite, and nothing tells of people.

`HYPOTHESIS_PROFILE=search` looks elsewhere each time, and prints how to repeat what it finds. What the product logs in
a test, its log files and its metrics are scanned for people's data (case 53); tests/support/temporal.py scans the
histories.
"""

import atexit
import os
import sys
from collections.abc import Generator, Iterator

import pytest
import structlog
from hypothesis import settings
from prometheus_client import generate_latest

from tests.support.discretion import found_in, found_in_logs

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("search", deadline=None, print_blob=True)
settings.load_profile("search" if os.environ.get("HYPOTHESIS_PROFILE") == "search" else "repeatable")

# As the processes log (activities/runtime/logs.py): tracebacks without local variables, which hold people's data.
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test in which a part of the product logged what is nobody's business; parts of one's own say so."""
    report = yield
    if report.passed:
        found = [one for _, text in report.sections[_seen(item) :] for one in found_in(text)]
        if found:
            report.outcome = "failed"
            report.longrepr = "\n".join(["The log holds people's data (case 53):", *found])
    item.stash[_SECTIONS] = len(report.sections)
    return report


_SECTIONS = pytest.StashKey[int]()


def _seen(item: pytest.Item) -> int:
    """Say how many sections the report of the phase before had: they come again."""
    return item.stash.get(_SECTIONS, 0)


@pytest.fixture(scope="session", autouse=True)
def discreet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """At the end of the suite, scan the log files of all processes and the metrics."""
    yield
    found = found_in_logs(tmp_path_factory.getbasetemp())
    found += [f"metrics: {one}" for one in found_in(generate_latest().decode())]
    assert not found, "\n".join(["What the suite logged and counted holds people's data (case 53):", *found])


_STATUS = pytest.StashKey[int]()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Keep the exit code of the run."""
    session.config.stash[_STATUS] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """End as the product's processes do: Temporal's native threads abort some that end normally (sdk-python #300)."""
    if _STATUS not in config.stash or "temporalio" not in sys.modules or hasattr(config, "workerinput"):
        return
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        if stream is not None:
            stream.flush()
    os._exit(config.stash[_STATUS])
