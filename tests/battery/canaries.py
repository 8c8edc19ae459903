"""S7: secrets of vendors and callers go through every channel; afterwards none may stand anywhere but in the sealed store.

Canaries are made up, from a seed. Vendors' ones are injected by Trunkline and repeated by the vendor in every form; callers' ones
are sent in every place of a request. Not for: which texts look like a key (`tests/unit/engine/test_scrub.py`).
"""

from __future__ import annotations

import base64
import json
import os
import random
import resource
import signal
import string
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from tests.battery.served import Served, serving
from tests.support.caller import Answer, Cut, call
from tests.support.polling import eventually
from tests.support.simulator import SimulatorProcess
from trunkline.console.endpoints import ENDPOINTS
from trunkline.control.claim import free_port
from trunkline.core.scrub import written


@dataclass
class Leaks:
    """Where which canary was found. `canaries` and `calls`: how many there were."""

    found: list[str] = field(default_factory=list)
    canaries: int = 0
    calls: int = 0
    places: int = 0
    """Files and texts that were searched."""


AUTHS = (
    "{{kind: bearer, secret: {ref}}}",
    "{{kind: header, name: x-api-token, secret: {ref}}}",
    "{{kind: query, name: token, secret: {ref}}}",
    "{{kind: basic, username: shop, secret: {ref}}}",
)
_LETTERS = string.ascii_letters + string.digits


def vendor_canaries(count: int, seed: int) -> dict[str, str]:
    """By integration: values of many shapes, some with what must be escaped in URLs, JSON and regular expressions."""
    dice = random.Random(seed)
    shapes: tuple[Callable[[str], str], ...] = (
        lambda text: f"sk-{text}",
        lambda text: text,
        lambda text: f"{text}/+=={text[:4]}",
        lambda text: f"pass%20{text}&x=1",
        lambda text: f'a"b\\{text}$^*',
        lambda text: text.lower().encode().hex(),
    )
    return {f"v{n}": shapes[n % len(shapes)](_text(dice)) for n in range(count)}


def _text(dice: random.Random, size: int = 24) -> str:
    return "".join(dice.choices(_LETTERS, k=size))


def registry(simulator: SimulatorProcess, names: list[str]) -> str:
    lines = [
        "version: 1",
        "defaults:",
        "  retry: {backoff: 10ms, backoff_max: 20ms}",
        "  breaker: {volume: 1000000}",
        "integrations:",
    ]
    for number, name in enumerate(names):
        auth = AUTHS[number % len(AUTHS)].format(ref=f"env:CANARY_{name.upper()}")
        lines.append(f"  {name}: {{base_url: '{simulator.address(name)}', auth: {auth}}}")
    lines.append(f"  openai: {{base_url: '{simulator.address('openai')}', secret: env:CANARY_V0}}")
    lines.append(
        f"  crm: {{base_url: '{simulator.address('crm')}', auth: {{kind: bearer, secret: env:CANARY_V1}}}}"
    )
    return "\n".join(lines) + "\n"


def send_canaries(
    folder: Path, simulator: SimulatorProcess, *, vendors: int, seed: int, everywhere: bool = False
) -> Leaks:
    """The whole experiment, through `trunkline serve`. `everywhere`: all that can be read or exported is, which takes a minute."""
    dice = random.Random(seed)
    known = vendor_canaries(vendors, seed)
    environ = {f"CANARY_{name.upper()}": value for name, value in known.items()}
    leaks = Leaks(canaries=len(known))
    if everywhere:
        _dumps_allowed()
    with serving(
        folder, registry(simulator, list(known)), secrets=environ, console_port=free_port()
    ) as served:
        said: list[tuple[str, Answer, list[str]]] = []
        for name, value in known.items():
            for number, (method, target, body) in enumerate(_echoes(simulator, name, value)):
                said.append((f"{name} echo {number}", _ask(served, method, target, {}, body), [value]))
        for channel, method, target, fields, body, secrets in _sent(dice):
            leaks.canaries += len(secrets)
            said.append((channel, _ask(served, method, target, fields, body), secrets))
        leaks.calls = len(said)
        everyone = [*known.values(), *(secret for *_, secrets in said for secret in secrets)]
        for channel, answer, secrets in said:
            if answer.status >= 400:
                _search(
                    leaks,
                    f"the error answer to {channel}",
                    answer.body + repr(answer.headers).encode(),
                    [*known.values(), *secrets],
                )
        eventually(lambda: len(served.logs()) >= leaks.calls - len(_WRONG_KEYS), "the ledger to catch up")
        for command in _READING if everywhere else _READING[:4]:
            ran = served.run(*command)
            _search(leaks, f"`trunkline {' '.join(command)}`", (ran.stdout + ran.stderr).encode(), everyone)
        if everywhere:
            _pages(leaks, served, everyone)
            _archive(leaks, served, everyone)
            _dump(leaks, served)
        served.stop()
        _search(leaks, "what serve wrote", served.log.read_bytes(), everyone)
        for path in sorted(path for path in folder.rglob("*") if path.is_file() and path != served.registry):
            _search(leaks, str(path.relative_to(folder)), path.read_bytes(), everyone)
    return leaks


_READING = (
    ("logs", "--json", "--limit", "100000"), ("usage", "--json"), ("integrations", "--json"), ("doctor", "--json"),
    ("logs", "--limit", "100000"), ("secrets", "list", "--json"), ("health", "--json"), ("audit", "log", "--json"), ("audit", "export"),
    ("audit", "baseline", "--json"), ("data-map",), ("findings", "list", "--json"), ("incidents", "list", "--json"),
    ("unknown", "list", "--json"), ("tasks", "list", "--json"), ("contracts", "list", "--json"), ("keys", "list", "--json"),
    ("alerts", "notices", "--json"),
)  # fmt: skip
"""What a person reads, exports or hands to others."""


def _pages(leaks: Leaks, served: Served, secrets: list[str]) -> None:
    """Every reading address of the console, as JSON and as the page that a browser gets."""
    served.console_ready()
    for one in (
        one for one in ENDPOINTS if one.method == "GET" and "{" not in one.path and one.name != "tail"
    ):
        for accept in ("application/json", "text/html"):
            answer = served.console(one.path, accept=accept)
            assert answer.status != 401, one.path
            told = answer.body + repr(answer.headers).encode()
            _search(leaks, f"the console's {one.path} as {accept}", told, secrets)


def _archive(leaks: Leaks, served: Served, secrets: list[str]) -> None:
    """A backup, member by member. The registry in it names secrets and holds none."""
    target = served.folder / "backup.tar"
    ran = served.run("backup", str(target))
    assert ran.returncode == 0, ran.stderr
    with tarfile.open(target) as archive:
        for member in archive.getmembers():
            file = archive.extractfile(member)
            _search(leaks, f"{member.name} of a backup", file.read() if file else b"", secrets)


def _dumps_allowed() -> None:
    """Core dumps as large as the system allows: whoever starts Trunkline may have it so."""
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (most, most))


def _dump(leaks: Leaks, served: Served) -> None:
    """Aborts gateway and console, as a fault in native code would. What they leave lies in the folder, or where the system wants it."""
    for name in ("gateway", "console"):
        pid = eventually(lambda name=name: served.pid(name), f"the {name}")
        told = Path(f"/proc/{pid}/coredump_filter").read_text().strip()
        limit = next(
            line for line in Path(f"/proc/{pid}/limits").read_text().splitlines() if "core file" in line
        )
        leaks.places += 1
        if int(told, 16) or limit.split()[4:6] != ["0", "0"]:
            leaks.found.append(f"memory of {name} would stand in its core dump: {told}, {limit}")
        os.kill(pid, signal.SIGABRT)
        eventually(lambda name=name, pid=pid: served.pid(name) not in (0, pid), f"another {name}")


def _ask(served: Served, method: str, target: str, fields: dict[str, str], body: bytes | None) -> Answer:
    lines = {"authorization": f"Bearer {served.key}", **fields}
    try:
        return call(served.port, method, target, lines, body, timeout_s=15)
    except Cut:
        return Answer(0, [], b"")


def _echoes(simulator: SimulatorProcess, name: str, value: str) -> Iterator[tuple[str, str, bytes | None]]:
    """The vendor repeats the credential that it got: in its message, elsewhere in the body, in a header, encoded, as HTML, in an event."""
    raw = base64.b64encode(value.encode()).decode()
    bodies: list[object] = [
        {"error": {"message": f"The key {value} is not valid", "type": "authentication_error"}},
        {"error": {"message": "No", "request": {"auth": f"Bearer {value}", "list": [value]}}},
        {"error": {"message": f"Authorization: Basic {base64.b64encode(f'shop:{value}'.encode()).decode()}"}},
        {"error": {"message": f"GET /x?token={quote(value, safe='')} was refused"}},
        {"error": {"message": f"encoded {raw}"}},
        {"fault": f"unknown shape {value}"},
    ]
    for status, body in zip((401, 400, 403, 500, 422, 418), bodies, strict=True):
        simulator.fault(
            "status", name, times=8, args={"status": status, "body": body, "headers": {"x-why": "refused"}}
        )
        yield "GET", f"/api/proxy/{name}/echo", None
        simulator.no_faults()
    simulator.fault(
        "status",
        name,
        times=8,
        args={
            "status": 401,
            "body": {"error": "no"},
            "headers": {"x-your-key": value.encode("ascii", "ignore").decode()},
        },
    )
    yield "GET", f"/api/proxy/{name}/echo", None
    simulator.no_faults()
    yield "GET", f"/api/proxy/{name}/sse?n=2&ms=1", None


_WRONG_KEYS = ("authorization", "x-api-key", "x-goog-api-key", "api-key", "x-trunkline-key")


def _sent(dice: random.Random) -> Iterator[tuple[str, str, str, dict[str, str], bytes | None, list[str]]]:
    """What callers send: (channel, method, target, headers, body, the canaries in it)."""
    echo, chat = "/api/proxy/crm/echo", "/v1/chat/completions"
    json_ = {"content-type": "application/json"}

    def one() -> str:
        return f"sk-proj-{_text(dice)}"

    for name in (
        "x-secret",
        "cookie",
        "proxy-authorization",
        "x-amz-security-token",
        "idempotency-key",
        "x-trunkline-subject",
        "referer",
        "user-agent",
    ):
        secret = one()
        yield f"header {name}", "GET", echo, {name: secret}, None, [secret]
    for name in ("api_key", "token", "access_token", "password"):
        secret = one()
        yield f"query {name}", "GET", f"{echo}?{name}={secret}", {}, None, [secret]
        yield (
            f"query {name} of a failure",
            "GET",
            f"/api/proxy/crm/status/500?{name}={quote(secret)}",
            {},
            None,
            [secret],
        )
    for _ in range(4):
        secret = one()
        yield (
            "JSON",
            "POST",
            "/api/proxy/crm/items",
            json_,
            json.dumps({"api_key": secret}).encode(),
            [secret],
        )
        encoded = base64.b64encode(secret.encode()).decode()
        yield (
            "base64 in JSON",
            "POST",
            "/api/proxy/crm/items",
            json_,
            json.dumps({"blob": encoded}).encode(),
            [secret],
        )
        yield (
            "form",
            "POST",
            "/api/proxy/crm/items",
            {"content-type": "application/x-www-form-urlencoded"},
            f"key={quote(secret)}".encode(),
            [secret],
        )
    for _ in range(3):
        secret = one()
        part = f'--b\r\ncontent-disposition: form-data; name="file"; filename="{secret}.pem"\r\n\r\n{secret}\r\n--b--\r\n'
        yield (
            "multipart",
            "POST",
            "/api/proxy/crm/items",
            {"content-type": "multipart/form-data; boundary=b"},
            part.encode(),
            [secret],
        )
    for stream in (False, True):
        for fault in ("", "server_error", "bad_json", "error_after", "truncate", "reset_mid"):
            secret = one()
            body = {
                "model": "gpt-4o-mini",
                "stream": stream,
                "messages": [{"role": "user", "content": f"My key is {secret}"}],
            }
            fields = {**json_, **({"x-sim-fault": fault} if fault else {})}
            yield (
                f"chat {'stream ' * stream}{fault}",
                "POST",
                chat,
                fields,
                json.dumps(body).encode(),
                [secret],
            )
        secret = one()
        body = {"model": f"does-not-exist-{secret}", "stream": stream, "messages": []}
        yield "unknown model", "POST", chat, json_, json.dumps(body).encode(), [secret]
    for field_ in _WRONG_KEYS:
        secret = f"tl_{_text(dice, 32)}"
        yield (
            f"a wrong key in {field_}",
            "GET",
            "/v1/models",
            {"authorization": "", field_: f"Bearer {secret}" if field_ == "authorization" else secret},
            None,
            [secret],
        )
    secret = f"tl_{_text(dice, 32)}"
    yield "a key in the query", "GET", f"{echo}?key={secret}", {}, None, [secret]


def _search(leaks: Leaks, place: str, text: bytes, secrets: list[str]) -> None:
    leaks.places += 1
    for secret in dict.fromkeys(secrets):
        if any(form.encode() in text for form in set(written(secret)) if len(form) >= 8):
            leaks.found.append(f"{secret} in {place}")
