"""The simulator as a process: its first line, its ledger file after a kill, its TLS listeners."""

import http.client
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.simulator import SimulatorProcess, running_simulator


def post_charge(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(
        "POST",
        "/stripe/v1/charges",
        b"amount=1&currency=eur&source=tok_visa",
        {"authorization": "Bearer sk-test-not-a-real-key"},
    )
    status = connection.getresponse().status
    connection.close()
    return status


def test_it_prints_its_port_and_answers(simulator: SimulatorProcess) -> None:
    assert post_charge(simulator.port) == 200
    assert [(entry.vendor, entry.acted, entry.outcome) for entry in simulator.ledger()] == [
        ("stripe", True, "answered")
    ]
    assert simulator.state()["pid"] == simulator.process.pid


def test_a_port_that_is_taken_is_told_in_one_line(simulator: SimulatorProcess) -> None:
    command = [sys.executable, "-m", "trunkline.simulator", "--port", str(simulator.port)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert f"127.0.0.1:{simulator.port}" in done.stderr


@pytest.mark.row("Q2")
def test_the_ledger_file_tells_after_a_kill_what_was_done(tmp_path: Path) -> None:
    with running_simulator(ledger_file=tmp_path / "ledger.jsonl") as process:
        process.fault("server_error", "stripe", times=1)
        assert [post_charge(process.port) for _ in range(3)] == [500, 200, 200]
        process.kill()
        assert [(entry.status, entry.acted) for entry in process.ledger_after_death()] == [
            (500, False),
            (200, True),
            (200, True),
        ]


@pytest.mark.parametrize(
    ("kind", "verdict"),
    [
        ("valid", "ok"),
        ("expired", "certificate has expired"),
        ("wrong_host", "IP address mismatch, certificate is not valid for '127.0.0.1'"),
        ("self_signed", "self-signed certificate"),
    ],
)
def test_f7_certificates_good_and_bad(tls_simulator: SimulatorProcess, kind: str, verdict: str) -> None:
    context = ssl.create_default_context(cafile=tls_simulator.ca_file)
    connection = http.client.HTTPSConnection(
        "127.0.0.1", tls_simulator.tls_ports[kind], timeout=60, context=context
    )
    try:
        connection.request("GET", "/generic/status/200")
        found = "ok" if connection.getresponse().status == 200 else "?"
    except ssl.SSLCertVerificationError as error:
        found = error.verify_message
    finally:
        connection.close()
    assert found.rstrip(".") == verdict


@pytest.fixture(scope="module")
def tls_simulator(tmp_path_factory: pytest.TempPathFactory) -> object:
    folder = tmp_path_factory.mktemp("tls")
    with running_simulator(tls="valid,expired,wrong_host,self_signed", tls_dir=folder) as process:
        yield process
