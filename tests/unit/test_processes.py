"""The test kit's waiting for processes: by what they do, with a bound for those that hang."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support import processes


def started(program: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def test_a_process_that_takes_its_time_is_waited_for() -> None:
    """It says that it is ready only when it is asked for the hundredth time, however long that takes."""
    process, looks = started("input()"), iter(range(1000))
    assert processes.ready(process, lambda: next(looks) == 100, "it", str)
    assert process.stdin is not None
    process.stdin.close()
    assert processes.ended(process) == 1


def test_one_that_ends_instead_is_told_at_once_with_what_it_wrote() -> None:
    process = started("raise SystemExit(3)")
    with pytest.raises(AssertionError, match="it ended with 3: words"):
        processes.ready(process, lambda: False, "it", lambda: "words")


def test_one_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "HANGS_S", 0.05)
    process = started(
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); input()"
    )
    assert process.stdout is not None
    process.stdout.readline()
    with pytest.raises(AssertionError, match=r"waited 0\.05 s for it to start"):
        processes.ready(process, lambda: False, "it", str)
    process.terminate()
    assert processes.ended(process) == -9
