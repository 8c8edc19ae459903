"""Processes that the supervisor keeps alive."""

import subprocess
import sys

import pytest

from trunkline.control.child import Child, child_environ, is_alive, restart_delay


@pytest.mark.parametrize(
    ("quick_ends", "expected"), [(0, 0), (1, 0), (2, 0), (3, 0.25), (4, 0.5), (5, 0.5), (50, 0.5)]
)
def test_a_restart_is_immediate_and_slows_only_in_a_crash_loop(quick_ends, expected):
    assert restart_delay(quick_ends) == expected


@pytest.mark.row("S1")
def test_a_child_gets_no_credential_of_the_environment():
    environ = {
        "OPENAI_API_KEY": "x",
        "AWS_SECRET_ACCESS_KEY": "y",
        "TRUNKLINE_KEY": "tl_z",
        "PATH": "/bin",
        "LC_ALL": "C",
        "HTTPS_PROXY": "p",
    }
    environ |= {"TRUNKLINE_MASTER_KEY_FILE": "/k", "TRUNKLINE_PORT": "1"}
    assert child_environ(environ, {"TRUNKLINE_PORT": "4000"}) == {
        "PATH": "/bin",
        "LC_ALL": "C",
        "HTTPS_PROXY": "p",
        "TRUNKLINE_MASTER_KEY_FILE": "/k",
        "TRUNKLINE_PORT": "4000",
    }


def test_a_child_that_ends_leaves_no_pid_file(tmp_path):
    child = Child("platform", "platform", child_environ({}, {}), pid_file=tmp_path / "p.pid", quiet=True)
    child.start()
    assert (tmp_path / "p.pid").read_text() == f"{child.pid}\n"
    assert is_alive(child.pid)
    child.process.wait(60)
    assert child.ended() == 0
    assert child.pid == 0
    assert not (tmp_path / "p.pid").exists()
    assert child.ended() is None


def test_a_held_child_runs_only_with_the_word(tmp_path):
    program = tmp_path / "held_probe.py"
    program.write_text("import os\ndef main():\n    open('ran', 'w').close()\n")
    environ = {**child_environ({}, {}), "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-m", "trunkline.control.held", "held_probe"]
    for word, ran in ((b"", False), (b"go\n", True)):
        done = subprocess.run(command, input=word, env=environ, cwd=tmp_path, timeout=60)
        assert (done.returncode, (tmp_path / "ran").exists()) == (0, ran)
