"""What `orders up` prints when everything runs: the links, and how to send an event. On stdout, as it is data."""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from starter.cli.embedded.folder import Folder, Running
from starter.cli.output import say

_OPEN = "OrderStageKind = 'open'"


def say_links(running: Running, *, ui: str, folder: Folder, has_demo: bool, stand_ins: Mapping[str, str]) -> None:
    """Print where everything is."""
    rows = [("API", f"{running.gateway}/docs"), ("Outbox", f"{running.gateway}/outbox   what would have been sent")]
    if ui:
        rows.append(("Temporal UI", _view(ui)))
        if has_demo:
            rows.append(("One order", f"{ui}/namespaces/default/workflows/order:shop:D-1001"))
    rows += [
        (name.removeprefix("Stand-in of ").capitalize(), f"{url}/stand-in/accepted   what it took")
        for name, url in stand_ins.items()
    ]
    rows.append(("Logs", str(folder.logs)))
    for name, value in rows:
        say(f"  {name:<12} {value}")
    say("")
    for line in _how_to(running, folder=folder, has_demo=has_demo):
        say(f"  {line}")


def _view(ui: str) -> str:
    """Return the list of open orders; opened once, the browser keeps it as a view."""
    return f"{ui}/namespaces/default/workflows?query={quote(_OPEN)}&savedQuery={quote('Open orders')}"


def _how_to(running: Running, *, folder: Folder, has_demo: bool) -> list[str]:
    number = "D-1005" if has_demo else "NUMBER"
    body = '{"id": "pay-1", "type": "payment.paid"}'
    lines = [
        "Send an event, and see what it does:",
        f"curl -X POST {running.gateway}/v1/orders/{number}/events \\",
        f'  -H "Authorization: Bearer $(cat {folder.key_file})" -H "Content-Type: application/json" \\',
        f"  -d '{body}'",
        f"{_command()} order why {number}",
    ]
    if folder.path != folder.usual:
        lines.append(f"(in another terminal first: export ORDERS_DIR={folder.path})")
    return lines


def _command() -> str:
    """Return what to type for this command: its name, its path where it is not on PATH, or the module."""
    if shutil.which("orders"):
        return "orders"
    own = Path(sys.argv[0])
    return os.path.relpath(own) if own.name == "orders" else f"{sys.executable} -m starter.cli"
