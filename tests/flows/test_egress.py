"""The CONNECT listener beside a running gateway: declared hosts are reached, others refused and reported with who asked."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import socketserver
import threading

import pytest

from tests.flows.test_cli_serve import Served
from tests.support.polling import eventually
from tests.support.ports import spare_port
from tests.support.processes import HANGS_S, ended
from trunkline.control.child import is_alive

REGISTRY = """version: 1
egress: {{port: {port}, allow: ["pypi.example.com"]}}
integrations:
  stripe: {{secret: env:STRIPE_SECRET_KEY}}
  inside: {{base_url: "http://127.0.0.1:{vendor}", auth: {{kind: none}}, network: private}}
"""


class Shouting(socketserver.StreamRequestHandler):
    """A vendor with a protocol of its own: says every line back in capitals."""

    def handle(self) -> None:
        for line in self.rfile:
            self.wfile.write(line.upper())


@pytest.fixture(scope="module")
def vendor():
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Shouting) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture(scope="module")
def served(tmp_path_factory, vendor):
    """One for all; the last story stops it."""
    one = Served(tmp_path_factory.mktemp("egress"))
    one.vendor, one.port = vendor, spare_port()
    one.registry.write_text(REGISTRY.format(port=one.port, vendor=vendor))
    one.start()
    eventually(lambda: one.facts("egress.json").get("port") == one.port, "the listener")
    yield one
    if one.process.poll() is None:
        one.process.send_signal(signal.SIGINT)
        one.process.send_signal(signal.SIGINT)
        ended(one.process)
    for name in ("gateway", "console", "simulator", "egress"):
        if is_alive(pid := one.pid(name)):
            os.kill(pid, signal.SIGKILL)


def key_of(served: Served, name: str, *scopes: str) -> str:
    """A new key."""
    flags = [flag for scope in scopes for flag in ("--scope", scope)]
    return json.loads(served.run("keys", "create", "--name", name, *flags, "--json").stdout)["key"]


def asked(served: Served, place: str, key: str = "") -> tuple[socket.socket, str, dict]:
    """Asks for a tunnel: the connection, the status line, and what the refusal says."""
    line = socket.create_connection(("127.0.0.1", served.port), HANGS_S)
    shown = base64.b64encode(f"{key}:".encode()).decode()
    fields = f"Proxy-Authorization: Basic {shown}\r\n" if key else ""
    line.sendall(f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n{fields}\r\n".encode())
    said = b""
    while b"\r\n\r\n" not in said:
        said += line.recv(4096)
    head, _, body = said.partition(b"\r\n\r\n")
    status = head.split(b"\r\n")[0].decode()
    while not status.startswith("HTTP/1.1 200") and (more := line.recv(4096)):
        body += more
    return line, status, json.loads(body) if body else {}


def says(line: socket.socket, text: bytes) -> bytes:
    line.sendall(text)
    return line.recv(4096)


def heard_of_end(line: socket.socket) -> bool:
    """Whether the tunnel is ended from the other side, well or by a reset."""
    try:
        return line.recv(1) == b""
    except ConnectionResetError:
        return True


def found(served: Served) -> list[dict]:
    """The findings of refused hosts."""
    shown = served.run("findings", "list", "--kind", "egress", "--json").stdout
    return [json.loads(line) for line in shown.splitlines()]


@pytest.mark.row("R7")
def test_declared_hosts_are_reached_and_others_refused_and_reported_with_who_asked(served):
    key = key_of(served, "importer", "integration:inside")
    line, opened, _ = eventually(
        lambda: (
            (got := asked(served, f"127.0.0.1:{served.vendor}", key))[1].startswith("HTTP/1.1 200") and got
        ),
        "the new key to be known",
    )
    heard = says(line, b"hello\n")
    _, refused, why = asked(served, "api.unknown.example:443", key)
    asked(served, "api.unknown.example:443", key)
    (one,) = eventually(
        lambda: (all_ := found(served)) and all_[0]["detail"]["calls"] == 2 and all_, "the finding"
    )

    assert (opened, heard) == ("HTTP/1.1 200 Connection established", b"HELLO\n")
    assert refused == "HTTP/1.1 403 Host Not Declared"
    assert why["code"] == "undeclared_host"
    assert "api.unknown.example:443 is not declared in the registry." in why["message"]
    assert (one["kind"], one["subject"]) == ("egress.undeclared", "api.unknown.example:443")
    assert (one["severity"], one["detail"]["callers"]) == ("warning", {"importer": 2})


@pytest.mark.row("R7", "W1")
def test_nobody_passes_without_a_key_or_with_one_for_something_else(served):
    other, before = key_of(served, "other", "integration:stripe"), found(served)
    place = f"127.0.0.1:{served.vendor}"
    eventually(lambda: "407" not in asked(served, place, other)[1], "the new key to be known")

    assert [asked(served, place, key)[1] for key in ("", "tl_wrong", other)] == [
        "HTTP/1.1 407 Proxy Authentication Required",
        "HTTP/1.1 407 Proxy Authentication Required",
        "HTTP/1.1 403 Forbidden",
    ]
    assert found(served) == before


@pytest.mark.row("W1")
def test_a_revoked_key_ends_its_tunnels(served):
    key = key_of(served, "leaver", "integration:inside")
    place = f"127.0.0.1:{served.vendor}"
    line = eventually(
        lambda: (got := asked(served, place, key))[1].startswith("HTTP/1.1 200") and got[0], "a tunnel"
    )
    served.run("keys", "revoke", "leaver")

    assert heard_of_end(line)


@pytest.mark.row("Q2")
def test_a_killed_listener_is_back_and_the_gateway_did_not_notice(served):
    gateway, first = served.pid("gateway"), served.kill("egress")
    eventually(lambda: served.pid("egress") not in (0, first), "a new one")
    eventually(lambda: asked_or_none(served), "an answer")

    assert served.pid("gateway") == gateway


@pytest.mark.row("R5")
def test_the_listener_comes_and_goes_with_the_registry(served):
    pid = eventually(lambda: served.pid("egress"), "its process")
    text = served.registry.read_text()
    served.registry.write_text(text.replace(f"port: {served.port}, ", ""))
    eventually(lambda: not is_alive(pid) and not served.facts("egress.json"), "the listener to end")
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", served.port), HANGS_S).close()
    served.registry.write_text(text)
    eventually(lambda: served.facts("egress.json").get("port") == served.port, "the listener")

    assert served.up()
    assert served.stop() == 0
    assert served.facts("egress.json") == {}


def asked_or_none(served: Served) -> str:
    try:
        return asked(served, "api.unknown.example:443")[1]
    except OSError:
        return ""
