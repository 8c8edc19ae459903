"""One supervisor per state folder: claiming the folder, and ending what a supervisor that was killed left behind.

Not for: the processes of this supervisor (`child.py`).
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import IO

from trunkline.control.child import is_alive
from trunkline.control.state import State

ORPHAN_GRACE_S = 40.0


class ClaimRefused(Exception):
    """The folder or a port is taken; says by whom and the cure."""


def claim(state: State) -> IO[str]:
    """Takes the folder for this process until the returned file is closed. Raises ClaimRefused naming the other's pid."""
    state.create()
    handle = state.serve_pid.open("a+")  # held open: the lock lives as long as it
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        pid = read_pid(state.serve_pid)
        handle.close()
        cure = f"Stop it (kill {pid}), or give this one another folder with --state-dir."
        raise ClaimRefused(f"Trunkline is already running on {state.path} (pid {pid}). {cure}") from None
    handle.truncate(0)
    handle.write(f"{os.getpid()}\n")
    handle.flush()
    return handle


def is_claimed(state: State) -> bool:
    """Whether a supervisor holds the folder now."""
    try:
        handle = state.serve_pid.open("r")
    except OSError:
        return False
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def read_pid(path: Path) -> int:
    """The pid in a file; 0 without a readable one."""
    try:
        return int(path.read_text().strip() or 0)
    except (OSError, ValueError):
        return 0


def end_orphans(state: State) -> list[int]:
    """Ends the processes of a supervisor that died without stopping them; answers their pids."""
    found = []
    places = {"app": state.gateway_pid, "console": state.console_pid, "simulator": state.simulator_pid}
    places |= {"worker": state.worker_pid, "egress": state.egress_pid}
    for name, path in places.items():
        pid = read_pid(path)
        if is_alive(pid) and f"trunkline.{name}" in _command(pid):
            os.kill(pid, signal.SIGTERM)
            found.append(pid)
    deadline = time.monotonic() + ORPHAN_GRACE_S
    while any(is_alive(pid) for pid in found) and time.monotonic() < deadline:
        time.sleep(0.02)
    for pid in filter(is_alive, found):
        os.kill(pid, signal.SIGKILL)
    return found


def check_port(host: str, port: int, flag: str) -> None:
    """Raises ClaimRefused if the port cannot be listened on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as problem:
            cure = f"Choose another with {flag}." if port else "Choose another address."
            raise ClaimRefused(f"Port {port} on {host} cannot be used ({problem.strerror}). {cure}") from None


def free_port(preferred: int = 0) -> int:
    """A port on loopback that is free now: the preferred one if it is."""
    for port in (preferred, 0):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return int(probe.getsockname()[1])
            except OSError:
                continue
    raise ClaimRefused("No free port on 127.0.0.1. Close some programs.")


def _command(pid: int) -> str:
    """The command line of a process; empty if it cannot be told."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        pass
    told = ["ps", "-o", "command=", "-p", str(pid)]
    try:
        shown = subprocess.run(told, capture_output=True, text=True, timeout=5, check=False)  # noqa: S603 (fixed words)
    except (OSError, subprocess.SubprocessError):
        return ""
    return shown.stdout
