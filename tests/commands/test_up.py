"""`orders up`: everything with one command, demo orders that move, the same data at the next start, a clean end."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.commands.running import Orders, Up, is_alive, until

#: Where each demo order is led by what happens to it.
_STAGES = {
    "D-1001": "completed",
    "D-1002": "shipped",
    "D-1003": "paid",
    "D-1004": "cancelled",
    "D-1006": "shipped",
    "D-1007": "new",
    "D-1009": "ready",
}


def _stages(orders: Orders) -> dict[str, str]:
    return {one["number"]: one["stage"] for one in orders.must("order", "list", "--json").json["items"]}


def _link(up: Up, name: str) -> str:
    return next(line.split()[1 + name.count(" ")] for line in up.out.splitlines() if line.strip().startswith(name))


@pytest.mark.timeout(900)
def test_demo_orders_reach_their_stages_and_the_next_start_goes_on_with_them(tmp_path: Path) -> None:
    """Covers M07, M10, M42, M56 as a newcomer sees them."""
    orders = Orders(tmp_path, is_set=False)
    up = Up(tmp_path, "--fast", "500")
    try:
        up.wait_until_ready()
        for part in ("Temporal server", "Store", "Gateway", "Worker"):
            assert f"✓ {part}" in up.err
        assert "savedQuery=Open%20orders" in _link(up, "Temporal UI")
        with urllib.request.urlopen(_link(up, "Outbox")) as page:
            assert page.status == 200
        assert os.stat(tmp_path / ".orders" / "demo.key").st_mode & 0o777 == 0o600
        until(lambda: _STAGES.items() <= _stages(orders).items(), what="the stages of the demo orders")
        events = orders.must("order", "why", "D-1001", "--json").json["events"]
        children = up.children()
        assert len(children) == 3
    finally:
        assert up.stop(signal.SIGINT) == 0, up.err
    assert "Everything has stopped" in up.err
    assert not [pid for pid in children if is_alive(pid)]
    again = Up(tmp_path, "--fast", "500")
    try:
        again.wait_until_ready()
        assert "is unchanged" in again.err
        later = orders.must("order", "why", "D-1001", "--json").json["events"]
        demo = [event["id"] for event in later if event["source"] == "demo"]
        assert demo == [event["id"] for event in events if event["source"] == "demo"]
        assert len(_stages(orders)) == 9
    finally:
        assert again.stop(signal.SIGTERM) == 0, again.err


def test_a_second_one_takes_free_ports_and_says_so(house: Orders, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ended = Orders(tmp_path)("up", "--port", str(taken.getsockname()[1]))
        assert ended.code == 1
        assert "is taken" in ended.err
        assert "help: name another with --port, or leave it out" in ended.err
    up = Up(tmp_path, "--no-demo")
    try:
        up.wait_until_ready()
        running = json.loads((house.directory / ".orders" / "up.json").read_text())
        assert _link(up, "API").startswith("http://127.0.0.1:")
        assert running["gateway"] not in up.out
        assert Orders(tmp_path, is_set=False).must("doctor", "--json").json
    finally:
        assert up.stop() == 0


def test_a_second_one_in_the_same_folder_is_refused(house: Orders) -> None:
    ended = house("up")
    assert ended.code == 1
    assert "error: Another `orders up` runs in" in ended.err
    assert "help: stop it with Ctrl+C, or name another folder with --dir" in ended.err


def test_a_running_temporal_server_is_used_on_request(house: Orders, tmp_path: Path) -> None:
    running = json.loads((house.directory / ".orders" / "up.json").read_text())
    up = Up(tmp_path, "--no-demo", env={"TEMPORAL_ADDRESS": running["temporal"]})
    try:
        up.wait_until_ready()
        assert f"✓ Temporal server at {running['temporal']}" in up.err
        assert len(up.children()) == 2
    finally:
        assert up.stop() == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_no_child_outlives_it_even_when_it_is_killed(tmp_path: Path) -> None:
    up = Up(tmp_path, "--no-demo")
    up.wait_until_ready()
    children = up.children()
    assert len(children) == 3
    up.stop(signal.SIGKILL)
    until(lambda: not any(is_alive(pid) for pid in children), what="the end of the children")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_child_that_ends_by_itself_is_named_with_its_last_lines(tmp_path: Path) -> None:
    up = Up(tmp_path, "--no-demo")
    up.wait_until_ready()
    children = {_arguments(pid): pid for pid in up.children()}
    worker = next(pid for arguments, pid in children.items() if arguments.endswith("-m worker"))
    os.kill(worker, signal.SIGKILL)
    assert up.process.wait(180) == 1
    assert "error: Worker ended by itself. Its last lines:" in up.err
    assert "Worker is ready" in up.err
    assert not [pid for pid in children.values() if is_alive(pid)]


@pytest.mark.parametrize(
    ("arguments", "env", "code", "words"),
    [
        pytest.param((), {"TEMPORAL_CLI": "/nowhere/temporal"}, 1, "TEMPORAL_CLI names /nowhere/temporal", id="no cli"),
        pytest.param(
            (), {"TEMPORAL_ADDRESS": "127.0.0.1:9"}, 4, "No Temporal server answers at 127.0.0.1:9", id="down"
        ),
        pytest.param(("--dir", "file/below"), {}, 1, "cannot be written (Not a directory)", id="folder is a file"),
        pytest.param(("--pipeline", "none.yaml"), {}, 2, "there is no file 'none.yaml'", id="no pipeline"),
        pytest.param(("--pipeline", "file"), {}, 3, "nothing was published", id="pipeline with errors"),
    ],
)
def test_what_is_missing_is_said_and_nothing_is_left_running(
    tmp_path: Path, arguments: tuple[str, ...], env: dict[str, str], code: int, words: str
) -> None:
    (tmp_path / "file").write_text("stages: {}\n")
    orders = Orders(tmp_path, is_set=False)
    ended = orders("up", *arguments, env=env)
    assert ended.code == code, ended.err
    assert words in ended.err
    assert ended.out == ""
    left = subprocess.run(["pgrep", "-f", str(tmp_path)], capture_output=True, text=True, check=False)
    assert left.stdout == ""


def _arguments(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().decode().replace("\0", " ").strip()
