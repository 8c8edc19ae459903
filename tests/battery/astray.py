"""S3 and S4: every known way to lead a proxy elsewhere. A trap listens; the simulator says whose credential came where.

Not for: which forms are refused with which status (`tests/flows/test_paths.py`, `tests/wire_table`).
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.caller import Cut, Line, request
from tests.support.gateway import Trunkline, running_trunkline
from tests.support.simulator import SimulatorProcess
from trunkline.simulator.ledger import digest

SECRETS = {
    "CRM_A": "crm-a-not-a-real-token",
    "CRM_B": "crm-b-not-a-real-token",
    "OPENAI_API_KEY": "sk-test-openai-not-a-real-key",
}


PRETENDED = ("ip6-localhost", "localhost.localdomain", socket.gethostname())
"""Names that resolve, or might, to this machine: public ones as far as the registry can tell."""
NEVER = (
    "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "127.1", "0.0.0.0", "0", "169.254.169.254", "[fe80::1]", "[fd00:ec2::254]",
    "224.0.0.1", "[ff02::1]", "[::]", "[::ffff:169.254.169.254]", "metadata.google.internal", "100.100.100.200",
)  # fmt: skip
"""Hosts that a registry may not name at all."""


class Trap:
    """Listens on loopback, where nobody may ever come."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self.visits: list[bytes] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                with sock:
                    sock.settimeout(1)
                    with suppress(OSError):
                        self.visits.append(sock.recv(4096))

    def close(self) -> None:
        self._listener.close()


@contextmanager
def trap() -> Iterator[Trap]:
    laid = Trap()
    try:
        yield laid
    finally:
        laid.close()


@dataclass
class Astray:
    """What the tries led to."""

    tries: int = 0
    visits: list[bytes] = field(default_factory=list)
    """Connections to the trap."""
    swapped: list[str] = field(default_factory=list)
    """Requests at one vendor with another's credential, or outside of its prefix."""
    reached: int = 0
    """Tries that the right vendor got: they were harmless."""
    accepted: list[str] = field(default_factory=list)
    """Hosts that a registry may not name, and that one could."""
    denied: dict[str, str] = field(default_factory=dict)
    """By address that an integration pretends to have: how the call ended."""


def loopback_forms(port: int) -> list[str]:
    """Authorities that mean 127.0.0.1, or might to a careless reader."""
    hosts = (
        "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001", "0.0.0.0", "0",
        "localhost", "LOCALHOST.", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::]", "127.0.0.1.", "127。0。0。1",
        "①②⑦.0.0.1", "127.000.000.001", "openai.example@127.0.0.1", "127.0.0.1#openai.example", "127.0.0.1?openai.example",
        "127.0.0.1%00.openai.example", "localtest.invalid@127.0.0.1", "crm:x@127.0.0.1",
    )  # fmt: skip
    return [f"{host}:{port}" for host in hosts]


def path_forms() -> list[str]:
    """Paths that try to leave an integration for the other, `b`, at the same host."""
    return [
        "/api/proxy/a/../b/echo", "/api/proxy/a/./../b/echo", "/api/proxy/a/%2e%2e/b/echo", "/api/proxy/a/%2E%2E/b/echo",
        "/api/proxy/a/.%2e/b/echo", "/api/proxy/a/..%2fb/echo", "/api/proxy/a/%2e%2e%2fb/echo", "/api/proxy/a/..%5cb/echo",
        "/api/proxy/a/..\\b/echo", "/api/proxy/a\\..\\b/echo", "/api/proxy/a/..;/b/echo", "/api/proxy/a/;/../b/echo",
        "/api/proxy/a//../b/echo", "/api/proxy//b/echo", "//api/proxy/b/echo", "/api/proxy/a/%252e%252e/b/echo",
        "/api/proxy/a/%c0%ae%c0%ae/b/echo", "/api/proxy/a/%c0%ae%c0%ae%c0%afb/echo", "/api/proxy/a/..%c0%afb/echo",
        "/api/proxy/a/%e0%80%ae%e0%80%ae/b/echo", "/api/proxy/a/..%00/b/echo", "/api/proxy/a/%00../b/echo", "/api/proxy/a/..%0d%0a/b/echo",
        "/api/proxy/a/%2e%2e/%2e%2e/b/echo", "/api/proxy/a/x/../../b/echo", "/api/proxy/a/.../b/echo", "/api/proxy/a/..%u002fb/echo",
        "/api/proxy/a%2f..%2fb/echo", "/api/proxy/a%2fb/echo", "/api/proxy/%61/../%62/echo", "/api/proxy/a/..//b/echo", "/api/proxy/a/..",
        "/api/proxy/../proxy/b/echo", "/api/proxy/a/?/../b/echo", "/api/proxy/a/#/../b/echo", "/api/proxy/a/..?x", "/api/proxy/a/%2e%2e?x",
        "/api/./proxy/a/../b", "/api/proxy/a/..%ef%bc%8fb/echo", "/api/proxy/a/．．/b/echo", "/api/proxy/a/..%e2%88%95b/echo",
    ]  # fmt: skip


def targets(port: int) -> Iterator[bytes]:
    """Request targets that name the trap."""
    for place in loopback_forms(port):
        for form in (
            "http://{}/x",
            "/api/proxy/a/http://{}/x",
            "/api/proxy/a//{}/x",
            "/api/proxy/a/@{}/x",
            "/api/proxy/http://{}/x",
        ):
            yield form.format(place).encode()
    for scheme in ("https", "file", "gopher", "ftp", "dict", "ws"):
        yield f"{scheme}://127.0.0.1:{port}/x".encode()
        yield f"/api/proxy/a/{scheme}://127.0.0.1:{port}/x".encode()
    yield f"127.0.0.1:{port}".encode()


_HEADERS = (
    "host", "x-forwarded-host", "x-original-url", "x-rewrite-url", "x-original-host", "forwarded", "x-host", "x-base-url", "api-base",
    "x-portkey-custom-host", "x-trunkline-base-url", "x-trunkline-target", "x-litellm-api-base", "x-proxy-url", "proxy", "referer",
)  # fmt: skip
_MEMBERS = (
    "api_base",
    "base_url",
    "custom_host",
    "baseUrl",
    "endpoint",
    "url",
    "host",
    "api_url",
    "proxy",
    "callback_url",
    "webhook_url",
)


def lead_astray(folder: Path, simulator: SimulatorProcess) -> Astray:
    """Tries everything, then asks the trap and the simulator."""
    with (
        trap() as laid,
        running_trunkline(folder, registry(simulator, laid.port), secrets=SECRETS) as gateway,
    ):
        found = Astray()
        simulator.reset()
        for target in [path.encode() for path in path_forms()] + list(targets(laid.port)):
            found.reached += _try(gateway, target, {})
            found.tries += 1
        for name, place in ((name, f"127.0.0.1:{laid.port}") for name in _HEADERS):
            for value in (place, f"http://{place}/x"):
                found.reached += _try(gateway, b"/api/proxy/a/echo", {name: value})
                found.tries += 1
        _bodies(gateway, laid, found)
        _redirects(gateway, simulator, laid, found)
        _check(simulator, found)
        _addresses(gateway, found)
        _refused(gateway, found)
        found.visits = laid.visits
        return found


def registry(simulator: SimulatorProcess, port: int) -> str:
    """`a` and `b` are neighbours at one host. Others pretend to have addresses that may not be reached by name."""
    lines = [
        "version: 1", "defaults:", "  breaker: {volume: 1000000}", "integrations:",
        f"  a: {{base_url: '{simulator.address('a')}', auth: {{kind: bearer, secret: env:CRM_A}}}}",
        f"  b: {{base_url: '{simulator.address('b')}', auth: {{kind: bearer, secret: env:CRM_B}}}}",
        f"  openai: {{base_url: '{simulator.address('openai')}', secret: env:OPENAI_API_KEY}}",
    ]  # fmt: skip
    lines += [
        f"  named{n}: {{base_url: 'http://{host}:{port}', allow_http: true, auth: {{kind: bearer, secret: env:CRM_A}}}}"
        for n, host in enumerate(PRETENDED)
    ]
    return "\n".join(lines) + "\n"


def _try(
    gateway: Trunkline, target: bytes, fields: dict[str, str], body: bytes | None = None, method: str = "GET"
) -> int:
    """1 if the call was answered well."""
    lines = {
        "authorization": f"Bearer {gateway.key}",
        "x-trunkline-max-attempts": "1",
        "content-type": "application/json",
        **fields,
    }
    with Line(gateway.port, timeout_s=5) as line, suppress(Cut, OSError):
        line.send(request(method, target, lines, body))
        return int(line.answer(method).status < 300)
    return 0


def _bodies(gateway: Trunkline, laid: Trap, found: Astray) -> None:
    for name in _MEMBERS:
        for value in (f"http://127.0.0.1:{laid.port}", f"http://localhost:{laid.port}/v1"):
            chat = {
                "model": "gpt-4o-mini",
                "messages": [{"role": "user", "content": "Hi"}],
                name: value,
                "extra_body": {name: value},
            }
            found.reached += _try(gateway, b"/v1/chat/completions", {}, json.dumps(chat).encode(), "POST")
            found.reached += _try(gateway, f"/api/proxy/a/echo?{name}={value}".encode(), {})
            found.tries += 2


def _redirects(gateway: Trunkline, simulator: SimulatorProcess, laid: Trap, found: Astray) -> None:
    for place in (
        f"http://127.0.0.1:{laid.port}/x",
        f"//127.0.0.1:{laid.port}/x",
        f"http://localhost:{laid.port}/",
        "http://169.254.169.254/latest",
    ):
        for status in (301, 302, 303, 307, 308):
            simulator.fault("redirect", "a", times=1, args={"to": place, "status": status})
            _try(gateway, b"/api/proxy/a/echo", {})
            found.tries += 1
    simulator.no_faults()


def _check(simulator: SimulatorProcess, found: Astray) -> None:
    whose = {
        digest(SECRETS["CRM_A"]): "a",
        digest(SECRETS["CRM_B"]): "b",
        digest(SECRETS["OPENAI_API_KEY"]): "openai",
    }
    for entry in simulator.ledger():
        if whose.get(entry.credential) != entry.vendor:
            found.swapped.append(f"{whose.get(entry.credential)}'s credential at {entry.vendor}{entry.path}")


def _addresses(gateway: Trunkline, found: Astray) -> None:
    for name in (f"named{n}" for n in range(len(PRETENDED))):
        answer = gateway.call("GET", f"/api/proxy/{name}/x", headers={"x-trunkline-max-attempts": "1"})
        found.denied[name] = f"{answer.status} {answer.json.get('code')}"
        found.tries += 1


def _refused(gateway: Trunkline, found: Astray) -> None:
    for host in NEVER:
        line = f"  never: {{base_url: 'http://{host}', allow_http: true, network: private, auth: {{kind: none}}}}"
        outcome = gateway.reload(f"version: 1\nintegrations:\n{line}\n")
        found.tries += 1
        if outcome.ok:
            found.accepted.append(host)
