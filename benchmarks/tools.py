"""nginx and wrk, the two tools that are compared with and loaded by: found, or installed where that is possible.

They come from Debian (`nginx-light`, `wrk`). Not for: the peers (`peers.py`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from benchmarks.bench import NotRun

PACKAGES = {"nginx": "nginx-light", "wrk": "wrk"}
PLACES = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin")


def find(tool: str) -> str | None:
    """Where it is; servers often lie outside a user's path."""
    return shutil.which(tool) or next(
        (f"{place}/{tool}" for place in PLACES if Path(place, tool).exists()), None
    )


def need(*tools: str) -> None:
    """Raises NotRun naming what is missing and the cure."""
    if missing := [tool for tool in tools if find(tool) is None]:
        packages = " ".join(PACKAGES[tool] for tool in missing)
        raise NotRun(f"{' and '.join(missing)} missing; cure: apt-get install {packages}")


def path(tool: str) -> str:
    """Raises NotRun when it is missing."""
    need(tool)
    return find(tool) or tool


def install_missing(say: Callable[[str], None]) -> None:
    """Installs what is missing where we are root on a Debian; else leaves it to `need` to say so."""
    packages = [package for tool, package in PACKAGES.items() if find(tool) is None]
    if not packages or os.geteuid() != 0 or shutil.which("apt-get") is None:
        return
    say(f"Installing {' '.join(packages)} ...")
    # RUNLEVEL=1 keeps the package from starting a system-wide server.
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages],
    ):
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=500, check=False)
        if done.returncode:
            say(f"{' '.join(command)}: {done.stderr.strip()[-300:]}")
            return


def version(tool: str) -> str:
    """Its version as it tells it; empty if it is missing."""
    where = find(tool)
    if where is None:
        return ""
    told = subprocess.run([where, "-v"], capture_output=True, text=True, timeout=10, check=False)
    return (told.stdout + told.stderr).strip().splitlines()[0].partition(" Copyright")[0].strip()
