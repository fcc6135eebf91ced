"""What the product's processes log: lines of our own and of Temporal's SDK in one shape."""

import json
import subprocess
import sys

import pytest

_SCRIPT = """
import logging
from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment
from activities.runtime.logs import configure, log
from activities.runtime.settings import Settings

configure(Settings(log_format={format!r}))
log("courier").warning("Courier waits", reason="no answer")
logging.getLogger("vendor").warning("%s is slow", "it")

def fail(error):
    try:
        raise error
    except Exception:
        activity.logger.warning("Completing activity as failed", exc_info=True)

environment = ActivityEnvironment()
environment.run(fail, ApplicationError("it is closed until 8:00", type="not-sent"))
environment.run(fail, ValueError("a bug"))
"""


def logged(*, format: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT.format(format=format)], capture_output=True, text=True, check=True
    )
    return done.stderr


def test_every_line_is_json_with_its_fields() -> None:
    ours, vendors, expected, bug = [json.loads(line) for line in logged(format="json").splitlines()]
    assert (ours["event"], ours["part"], ours["reason"]) == ("Courier waits", "courier", "no answer")
    assert (vendors["event"], vendors["level"]) == ("it is slow", "warning")
    assert expected["error"] == "not-sent: it is closed until 8:00"
    assert expected["event"] == "Completing activity as failed"
    assert expected["order"] == "test"
    assert "exception" not in expected
    assert bug["exception"].endswith("ValueError: a bug")


@pytest.mark.parametrize("format", ["text", "json"])
def test_only_a_bug_has_a_traceback(format: str) -> None:
    assert logged(format=format).count("Traceback") == 1
