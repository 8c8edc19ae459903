"""The console as a process: it starts, answers, stays small, says why it cannot start, and ends when told."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import uvicorn

from tests.support.ports import spare_port
from tests.support.processes import HANGS_S
from tests.support.records import call
from trunkline.console.serve import NICE, end_by_signals
from trunkline.core.codec import from_json, to_pack
from trunkline.journal.append import Journal

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def port() -> int:
    return spare_port()


@pytest.fixture
def start(tmp_path: Path, port: int) -> Iterator[Start]:
    """Start `python -m trunkline.console` over `tmp_path`; it is killed if it is still there at the end."""
    running: list[subprocess.Popen[str]] = []

    def starting(**more: str) -> subprocess.Popen[str]:
        environ = {name: value for name, value in os.environ.items() if not name.startswith("TRUNKLINE_")}
        environ |= {"TRUNKLINE_STATE_DIR": str(tmp_path), "TRUNKLINE_CONSOLE_PORT": str(port), **more}
        command = [sys.executable, "-m", "trunkline.console"]
        process = subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True)
        running.append(process)
        return process

    yield starting
    for process in running:
        process.kill()
        process.communicate()


def ask(port: int, path: str, token: str = "", tries: int = 18_000) -> tuple[int, bytes]:
    """Ask until the console listens."""
    for _ in range(tries):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=HANGS_S)
        try:
            connection.request("GET", path, headers={"authorization": f"Bearer {token}"} if token else {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except ConnectionRefusedError:
            select_pause()
        finally:
            connection.close()
    raise AssertionError(f"nothing listens on {port}")


def select_pause() -> None:
    import select

    select.select([], [], [], 0.01)


@pytest.mark.row("O1", "X6")
def test_it_drains_the_journal_answers_and_stays_small(start: Start, port: int, tmp_path: Path) -> None:
    with Journal(tmp_path / "journal", segment_bytes=1 << 20) as journal:
        for record in call("a"):
            journal.append(to_pack(record))
        process = start()
        assert ask(port, "/health/live")[0] == 200
        token = (tmp_path / "admin.token").read_text().strip()
        while ask(port, "/health/ready")[0] != 200:
            select_pause()
        while not (found := from_json(ask(port, "/api/calls", token)[1])["calls"]):
            select_pause()
        metrics = ask(port, "/metrics", token)[1].decode()
        gives_way = os.getpriority(os.PRIO_PROCESS, process.pid)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=HANGS_S)
    memory = next(line for line in metrics.splitlines() if line.startswith("trunkline_console_memory_bytes "))
    assert ([one["call_id"] for one in found], process.returncode, errors) == (["a"], 0, "")
    assert gives_way == min(19, os.getpriority(os.PRIO_PROCESS, 0) + NICE) or sys.platform != "linux"
    # X6 leaves 150 MB to both; 60 of them are the gateway's (docs/performance.md).
    assert float(memory.split()[1]) < 90e6


@pytest.mark.parametrize(
    ("settings", "code", "words"),
    [
        ({"TRUNKLINE_CONSOLE_PORT": "many"}, 2, "TRUNKLINE_CONSOLE_PORT='many'"),
        ({"TRUNKLINE_CONSOLE_HOST": "203.0.113.7"}, 1, "203.0.113.7"),
    ],
)
def test_a_setting_that_cannot_be_used_is_said(
    start: Start, settings: dict[str, str], code: int, words: str
) -> None:
    process = start(**settings)
    _, errors = process.communicate(timeout=HANGS_S)
    assert process.returncode == code
    assert words in errors
    assert "Traceback" not in errors


def test_a_taken_port_is_said(start: Start, port: int) -> None:
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        process = start()
        _, errors = process.communicate(timeout=HANGS_S)
    told = f"the console cannot start: 127.0.0.1:{port} cannot be used (Address already in use); "
    assert (process.returncode, errors) == (1, told + "choose another with --console-port\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_before_the_server_listens_to_them_is_not_lost(number: signal.Signals) -> None:
    server = uvicorn.Server(uvicorn.Config(app=""))
    before = {one: signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)}
    try:
        end_by_signals(server)
        signal.raise_signal(number)
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
    assert server.should_exit
