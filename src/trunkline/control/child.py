"""One process that the supervisor keeps alive: its start, its end, and how soon it may start again.

Not for: which processes there are and in which order they stop (`supervise.py`).
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from trunkline.control.held import WORD

QUICK_END_S = 5.0
FREE_RESTARTS = 2
LONGEST_DELAY_S = 0.5
ON_DEMAND_PATIENCE = 20.0
"""Nobody waits for a process that runs on demand as for one that answers: its delays are so many times as long."""

# A child gets what it needs to run, never the credentials that stand in the supervisor's environment.
PASSED = frozenset(
    (
        *(
            "PATH",
            "HOME",
            "LANG",
            "TZ",
            "TMPDIR",
            "USER",
            "TERM",
            "NO_COLOR",
            "VIRTUAL_ENV",
            "SSL_CERT_FILE",
            "SSL_CERT_DIR",
        ),
        *(
            "HTTP_PROXY",
            "HTTPS_PROXY",
            "NO_PROXY",
            "ALL_PROXY",
            "http_proxy",
            "https_proxy",
            "no_proxy",
            "all_proxy",
        ),
        *("TRUNKLINE_MASTER_KEY", "TRUNKLINE_MASTER_KEY_FILE", "TRUNKLINE_DEBUG"),
    )
)
PASSED_PREFIXES = ("LC_", "PYTHON", "COVERAGE_")


def restart_delay(quick_ends: int) -> float:
    """Seconds to wait before a restart after so many ends in a row within QUICK_END_S of the start: none at first."""
    if quick_ends <= FREE_RESTARTS:
        return 0.0
    return min(0.25 * 2.0 ** (quick_ends - FREE_RESTARTS - 1), LONGEST_DELAY_S)


def child_environ(environ: Mapping[str, str], settings: Mapping[str, str]) -> dict[str, str]:
    """The environment of a child: what is on the list, and the settings."""
    kept = {
        name: value for name, value in environ.items() if name in PASSED or name.startswith(PASSED_PREFIXES)
    }
    return {**kept, **settings}


class Child:
    """A process by name. `pid_file`, if any, holds its pid while it lives."""

    def __init__(
        self,
        name: str,
        module: str,
        environ: dict[str, str],
        *,
        arguments: tuple[str, ...] = (),
        pid_file: Path | None = None,
        quiet: bool = False,
        demand: Callable[[], bool] | None = None,
    ) -> None:
        """With a `demand` it runs only while there is one: it ends by itself, with status 0, when it has nothing to do."""
        self.name = name
        self._demand = demand
        self._failed = False
        self.module = module
        self.arguments = arguments
        self.environ = environ
        self.process: subprocess.Popen[bytes] | None = None
        self.restart_at = 0.0
        self._pid_file = pid_file
        self._stdout = subprocess.DEVNULL if quiet else sys.stderr.fileno()  # our stdout is for data
        self._started = 0.0
        self._quick_ends = 0

    def __repr__(self) -> str:
        return f"Child({self.name}, pid={self.pid}, quick_ends={self._quick_ends})"

    @property
    def pid(self) -> int:
        return self.process.pid if self.process else 0

    def start(self, *, held: bool = False) -> None:
        """Starts it in a process group of its own, so that Ctrl-C reaches the supervisor alone.

        With `held` it only imports, until `let_go`.
        """
        self._started = time.monotonic()
        argv = [
            sys.executable,
            "-m",
            *(["trunkline.control.held"] if held else []),
            self.module,
            *self.arguments,
        ]
        stdin = subprocess.PIPE if held else subprocess.DEVNULL
        self.process = subprocess.Popen(  # noqa: S603 (our own modules)
            argv, env=self.environ, stdin=stdin, stdout=self._stdout, process_group=0
        )
        if self._pid_file is not None:
            self._pid_file.write_text(f"{self.process.pid}\n")

    @property
    def resting(self) -> bool:
        """Not running, and rightly so until there is a demand."""
        return self.process is None and self._demand is not None and not self._failed

    @property
    def wanted(self) -> bool:
        """Whether it should be started now, as far as its own wish goes."""
        return not self.resting or (self._demand is not None and self._demand())

    def let_go(self) -> None:
        """Gives a held child the word."""
        if self.process is not None and self.process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.write(WORD)
                self.process.stdin.close()

    def ended(self) -> int | None:
        """The exit status if it has ended since the last look (negative: the signal); sets when it may start again."""
        status = self.process.poll() if self.process else None
        if status is None:
            return None
        now = time.monotonic()
        self._quick_ends = self._quick_ends + 1 if now - self._started < QUICK_END_S else 0
        self._failed = status != 0
        patience = 1.0 if self._demand is None else ON_DEMAND_PATIENCE
        self.restart_at = now + patience * restart_delay(self._quick_ends)
        self._forget()
        return status

    def signal(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    def kill(self) -> None:
        """At once, and reaped."""
        self.signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()
        self._forget()

    def _forget(self) -> None:
        self.process = None
        if self._pid_file is not None:
            self._pid_file.unlink(missing_ok=True)


def is_alive(pid: int) -> bool:
    """Whether a process of this id exists and has not ended (a zombie that nobody reaps has)."""
    if pid <= 0:
        return False
    with contextlib.suppress(OSError, IndexError):
        stat = Path(f"/proc/{pid}/stat").read_bytes()
        if stat.rpartition(b")")[2].split()[0] == b"Z":
            return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
