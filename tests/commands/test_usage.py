"""Help, usage errors, settings: what every command has in common."""

import subprocess
import sys

import pytest

from tests.commands.running import ROOT, Orders

_HEAVY = ("temporalio", "fastapi", "sqlalchemy", "pydantic", "rule_engine", "ruamel", "babel", "aiohttp")


def test_the_command_line_imports_nothing_heavy_before_it_is_needed() -> None:
    """What takes time is imported by the command that needs it: `orders --help` answers at once."""
    code = f"import sys, starter.cli.program; print([name for name in {_HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"


def test_help_names_every_command_and_the_exit_codes(orders: Orders) -> None:
    ended = orders("--help")
    assert ended.code == 0
    for word in (
        "up",
        "worker",
        "gateway",
        "pipeline",
        "order",
        "replay",
        "doctor",
        "events",
        "keys",
        "db",
        "Exit codes",
    ):
        assert word in ended.out


@pytest.mark.parametrize(
    ("group", "commands"),
    [
        ("order", "create list show why event move hold resume run-now skip repeat stop-waiting fork"),
        ("pipeline", "check fmt schema graph publish simulate"),
        ("keys", "create list revoke"),
        ("events", "dead replay parked show give dismiss"),
        ("db", "upgrade check"),
    ],
)
def test_help_of_a_group_names_its_commands(orders: Orders, group: str, commands: str) -> None:
    ended = orders(group, "--help")
    assert ended.code == 0
    assert all(command in ended.out for command in commands.split())


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("fly",), id="unknown command"),
        pytest.param(("order", "show"), id="missing argument"),
        pytest.param(("up", "--fast", "0"), id="a pace below one"),
        pytest.param(("up", "--port", "99999"), id="not a port"),
        pytest.param(("order", "list", "--kind", "odd"), id="unknown kind"),
        pytest.param(("replay",), id="replay of nothing"),
    ],
)
def test_wrong_usage_ends_with_exit_code_2(orders: Orders, arguments: tuple[str, ...]) -> None:
    ended = orders(*arguments)
    assert ended.code == 2
    assert ended.out == ""


def test_a_wrong_setting_is_named_with_its_variable(orders: Orders) -> None:
    ended = orders("db", "check", env={"ORDERS_STORE_URL": "mysql://x"})
    assert ended.code == 2
    assert "error: A setting is wrong: ORDERS_STORE_URL: write sqlite+aiosqlite:///PATH" in ended.err
    assert "help: " in ended.err


def test_debug_shows_where_an_error_came_from(orders: Orders) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "starter.cli", "--debug", "order", "show", "1001"],
        capture_output=True,
        text=True,
        cwd=orders.directory,
        env=orders.environment,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" in done.stderr
