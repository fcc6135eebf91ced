"""A change of the workflow that orders in flight could not replay is caught before it is deployed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.replay.record import HISTORIES

ROOT = Path(__file__).resolve().parents[2]

#: (file, what stands there, what somebody might write instead): each gives an old history other commands.
CHANGES = {
    "a timer before the first event": (
        "workflows/order.py",
        "            carry = await self.automation.serve()\n",
        "            await workflow.sleep(1)\n            carry = await self.automation.serve()\n",
    ),
    "a look at the machine's clock": (
        "workflows/order.py",
        "            carry = await self.automation.serve()\n",
        "            __import__('datetime').datetime.now()\n            carry = await self.automation.serve()\n",
    ),
    "another id of a rule's activity": (
        "workflows/contracts/ids.py",
        'return f"{visit}.{rule}"',
        'return f"{rule}.{visit}"',
    ),
    "another attribute that is upserted later": (
        "workflows/clock.py",
        "        if changed:\n            workflow.upsert_search_attributes(changed)\n",
        "        if changed and len(self._shown) > 2:\n            workflow.upsert_search_attributes(changed)\n",
    ),
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The product's source, to be changed."""
    for name in ("workflows", "activities", "starter"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def replay(source: Path) -> subprocess.CompletedProcess[str]:
    """Replay the golden histories against a source, as the release does."""
    return subprocess.run(
        [sys.executable, "-m", "starter.cli", "replay", str(HISTORIES)],
        cwd=source,
        env={**os.environ, "PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def test_the_present_source_replays(copy: Path) -> None:
    ended = replay(copy)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("name", CHANGES)
def test_an_incompatible_change_is_caught(copy: Path, name: str) -> None:
    """Exit code 5, with what to do."""
    file, before, after = CHANGES[name]
    text = (copy / file).read_text(encoding="utf-8")
    assert before in text, "the change does not fit the source any more: write another one"
    (copy / file).write_text(text.replace(before, after), encoding="utf-8")
    ended = replay(copy)
    assert ended.returncode == 5, ended.stdout + ended.stderr
    assert "histories do not replay" in ended.stderr
    assert "help: guard the change with workflow.patched(), or undo it" in ended.stderr
