"""What no log, metric or history may hold: people's names, numbers, addresses, texts, tokens (case 53).

In: what the suite produced, as text. Out: what was found, with the words around it; kinds of it, not a list of people.
"""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

from temporalio.client import Client, WorkflowExecution

#: Kinds of what is nobody's business, and what they look like in whatever the tests and the demo make up.
PATTERNS = {
    "name": r"Kowalsk|Zieliński|Nguyễn|Шевченко|Moreau|\bAnna\b|\bLinh\b|Оксана",
    "mail address": r"[\w.+-]+@(?!type\.googleapis\.com)(?:[\w-]+\.)+(?:example|com|org|net|pl)\b",
    "phone number": r"(?<![\w:.+-])\+[1-9]\d{8,14}\b",
    "text": r"Dziękujemy|Thank you|Where is (?:my order|it\?)|Hello Anna|waits for (?:your )?payment|has left our",
    "document or link token": r"/[dlu]/[\w-]{20,}",
    "signed token": r"(?<![\w.-])[\w-]{8,}\.[\w-]{6}\.[\w-]{27,86}(?![\w-])",
    "visitor": r"\b[cv]-[0-9a-f]{32}\b",
    "secret": r"whsec_\w|\bSG\.[\w-]|Bearer [\w-]{8,}|Basic [\w+/]{8,}",
}

_WHOLE = re.compile("|".join(f"(?P<p{place}>{pattern})" for place, pattern in enumerate(PATTERNS.values())))
_KINDS = tuple(PATTERNS)

#: Most findings that are told at once.
_MOST = 10
_AROUND = 60

#: Histories read at the same time.
_AT_ONCE = 8


def found_in(text: str) -> list[str]:
    """Say what a text holds that it may not: the kind, and the words around it."""
    told = []
    for match in _WHOLE.finditer(text):
        around = text[max(match.start() - _AROUND, 0) : match.end() + _AROUND]
        told.append(f"{_kind(match)}: …{' '.join(around.split())}…")
        if len(told) == _MOST:
            break
    return told


async def found_in_histories(client: Client) -> list[str]:
    """Say what orders' histories on a server hold that they may not; payloads are scanned as they are stored.

    Workflows of the shop's own (`run:`) hold what the shop gives them.
    """
    gate = asyncio.Semaphore(_AT_ONCE)

    async def scanned(execution: WorkflowExecution) -> list[str]:
        async with gate:
            handle = client.get_workflow_handle(execution.id, run_id=execution.run_id)
            history = await handle.fetch_history()
        raw = b"\n".join(event.SerializeToString() for event in history.events)
        return [f"history {execution.id}: {one}" for one in found_in(raw.decode(errors="replace"))]

    executions = [execution async for execution in client.list_workflows("WorkflowType = 'Order'")]
    found = await asyncio.gather(*(scanned(execution) for execution in executions))
    return [one for several in found for one in several]


def found_in_logs(folder: Path) -> list[str]:
    """Say what the log files below a folder hold that they may not."""
    return [
        f"{file.relative_to(folder)}: {one}"
        for file in _logs(folder)
        for one in found_in(file.read_text(encoding="utf-8", errors="replace"))
    ]


def _logs(folder: Path) -> Iterator[Path]:
    return (file for file in sorted(folder.rglob("*.log")) if file.is_file())


def _kind(match: re.Match[str]) -> str:
    return _KINDS[int(str(match.lastgroup).removeprefix("p"))]
