"""What the kernel knows of the benchmark's processes: processor time, memory, and who listens where. Linux only."""

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu(pid: int, *, with_reaped: bool = False) -> float:
    """Return the seconds of processor time a process has used; `with_reaped` adds those of children that ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(field) for field in fields[11 : 15 if with_reaped else 13]) / _TICKS


def family_cpu(pid: int) -> float:
    """Return the seconds of processor time of a process and of all the children it ever had."""
    used = cpu(pid, with_reaped=True)
    for child in _all():
        try:
            if parent(child) == pid:
                used += cpu(child)
        except OSError:
            continue  # it ended meanwhile
    return used


def memory(pid: int) -> float:
    """Return the resident memory of a process in kB."""
    return float(_status(pid, "VmRSS"))


def parent(pid: int) -> int:
    """Return the process that started this one."""
    return int(_status(pid, "PPid"))


def dev_server(address: str) -> int:
    """Find the Temporal dev server by the port it was told to listen on."""
    port = address.rpartition(":")[2]
    for pid in _all():
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"start-dev" in command and port.encode() in command:
            return pid
    raise RuntimeError(f"no dev server listens on {address}")


def _status(pid: int, field: str) -> str:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(line for line in lines if line.startswith(f"{field}:")).split()[1]


def _all() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
