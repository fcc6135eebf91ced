"""What the worker does not import before it is needed: it starts in a moment, whatever vendors and formats we know."""

import subprocess
import sys

import pytest

from tests.commands.running import ROOT

#: Libraries of single vendors, rule kinds, formats, or of the processes beside the worker.
_HEAVY = (
    "aiohttp",
    "aiosmtplib",
    "alembic",
    "asyncpg",
    "cryptography",
    "fastapi",
    "holidays",
    "icalendar",
    "imap_tools",
    "jinja2",
    "liquid",
    "markdown_it",
    "nh3",
    "openapi_core",
    "requests",
    "rule_engine",
    "ruamel",
    "sendgrid",
    "standardwebhooks",
    "starlette",
    "stripe",
    "twilio",
    "typer",
    "typst",
    "uvicorn",
    "websockets",
)


@pytest.mark.parametrize("module", ["worker", "workflows.order"])
def test_nothing_is_imported_that_only_some_orders_need(module: str) -> None:
    """A name that this prints is to be imported in the function that uses it."""
    code = f"import sys, {module}; print([name for name in {_HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"


def test_a_worker_without_accounts_loads_no_vendors_client() -> None:
    code = (
        "import sys; from activities.providers.registry import Connecting, connect; "
        "connect(Connecting(store=None, channels={'sms': 'outbox'}, environment={})); "
        f"print([name for name in {_HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"
