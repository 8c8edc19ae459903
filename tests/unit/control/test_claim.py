"""One supervisor per state folder."""

import os
import socket
import subprocess
import sys

import pytest

from trunkline.control import claim
from trunkline.control.claim import ClaimRefused

HOLD = """
import sys
from trunkline.control import claim
from trunkline.control.state import State
held = claim.claim(State(sys.argv[1], {}))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.row("X1")
def test_a_second_supervisor_is_refused_naming_the_pid_of_the_first(state):
    first = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(state.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert first.stdout.readline() == b"held\n"
        assert claim.is_claimed(state)
        with pytest.raises(ClaimRefused, match=rf"already running on .* \(pid {first.pid}\).*--state-dir"):
            claim.claim(state)
    finally:
        first.communicate(timeout=60)
    assert not claim.is_claimed(state)
    with claim.claim(state):
        assert claim.read_pid(state.serve_pid) == os.getpid()


def test_a_taken_port_is_said_with_the_flag_that_changes_it():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        port = taken.getsockname()[1]
        with pytest.raises(
            ClaimRefused, match=f"Port {port} on 127.0.0.1 cannot be used .* Choose another with --port."
        ):
            claim.check_port("127.0.0.1", port, "--port")
        assert claim.free_port(port) != port
    claim.check_port("127.0.0.1", port, "--port")


def test_what_a_killed_supervisor_left_behind_is_ended(state, tmp_path):
    package = tmp_path / "probe"
    (package / "trunkline").mkdir(parents=True)
    (package / "trunkline" / "app.py").write_text("import time\nprint('up', flush=True)\ntime.sleep(60)\n")
    left = subprocess.Popen(
        [sys.executable, str(package / "trunkline" / "app.py"), "-m", "trunkline.app"], stdout=subprocess.PIPE
    )
    try:
        assert left.stdout.readline() == b"up\n"
        state.gateway_pid.write_text(f"{left.pid}\n")
        state.console_pid.write_text(f"{os.getpid()}\n")  # another program's process by now: left alone
        assert claim.end_orphans(state) == [left.pid]
        assert left.wait(60) == -15
    finally:
        left.kill()
        left.stdout.close()


@pytest.mark.parametrize("content", ["", "x", "12 34"])
def test_a_broken_pid_file_counts_as_none(state, content):
    state.gateway_pid.write_text(content)
    assert claim.read_pid(state.gateway_pid) == 0
    assert claim.end_orphans(state) == []
