"""A console over a ledger with a few calls and a published registry, and a client that speaks ASGI to it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest

from tests.support import deferred, found
from tests.support.records import NOON_US, JournalInMemory, begin, boot, call
from trunkline.console.access import Access, admin_token
from trunkline.console.app import build
from trunkline.console.context import Console
from trunkline.console.guard import allowed_hosts
from trunkline.console.published import Published
from trunkline.control.state import State
from trunkline.core.alerting import Rule
from trunkline.core.codec import from_json, to_json, to_pack
from trunkline.core.identity import ROLES
from trunkline.core.service import CallerKey, Callers, Credential, Operation, Service, Snapshot
from trunkline.ledger.drain import Drain
from trunkline.ledger.follow import DrainStatus
from trunkline.ledger.query import Ledger
from trunkline.ledger.usage import Rollups
from trunkline.ops.totals import Totals

NOW = NOON_US / 1e6
HOST = ("host", "127.0.0.1:4001")

SNAPSHOT = Snapshot(
    version="c0ffee",
    created="",
    environment="dev",
    alerts=[Rule(name="on-call")],
    services=[
        Service(
            name="stripe", title="Stripe <payments>", criticality="load-path", owner="ops@example.com",
            credentials=[Credential(ref="env:STRIPE_SECRET_KEY")],
            operations=[Operation(name="create_charge", method="POST", path="/v1/charges")],
        ),
        Service(name="openai", simulated=True, problem=""),
    ],
)  # fmt: skip

KEYS = {
    "tl_metrics": CallerKey(id="k1", name="prometheus", hash=b"1" * 32, scopes=["metrics:read"]),
    "tl_health": CallerKey(id="k2", name="monitor", hash=b"2" * 32, scopes=["health:read"]),
    "tl_plain": CallerKey(id="k3", name="web", hash=b"3" * 32, scopes=["integration:stripe"]),
    "tl_expired": CallerKey(id="k4", name="old", hash=b"4" * 32, scopes=["metrics:read"], expires_at=NOW - 1),
}
ROLE_KEYS = {
    f"tl_{role}{team}": CallerKey(
        id=f"r_{role}{team}",
        name=f"{role}{team}",
        hash=bytes([n]) * 32,
        role=role,
        team=team,
        scopes=["integration:stripe"],
    )
    for n, (role, team) in enumerate([(role, team) for role in ROLES for team in ("", "shop", "ops")])
}
"""A key of every role, of no team and of two."""


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return from_json(self.body)


Ask = Callable[..., Any]


@pytest.fixture(scope="session")
def model_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder: three calls in the ledger, a registry, keys, the gateway's numbers. To be copied."""
    tmp_path = tmp_path_factory.mktemp("state")
    failed = {"state": "error", "status": 502, "code": "network", "message": "reset", "source": "stripe"}
    journal = JournalInMemory(
        boot(), *call("a"), *call("b", NOON_US + 1000, ended=failed), begin("c", at_us=NOON_US + 2000)
    )
    drain = Drain(
        tmp_path / "journal", tmp_path / "ledger", read_from=journal.read_from, now_us=lambda: NOON_US
    )
    while drain.step():
        pass
    drain.close()
    (tmp_path / "snapshot.msgpack").write_bytes(to_pack(SNAPSHOT))
    (tmp_path / "callers.msgpack").write_bytes(to_pack(Callers(version="v", keys=list(KEYS.values()))))
    stats = {
        "at": NOW, "boot": "boot-1", "running": 1, "refused": {"unauthenticated": 3},
        "breakers": {"stripe": "half_open"}, "traffic": {},
    }  # fmt: skip
    (tmp_path / "gateway.stats").write_bytes(to_pack(stats))
    deferred.seed(tmp_path, NOW)
    found.seed(tmp_path, NOW)
    return tmp_path


@pytest.fixture
def state(model_state: Path, tmp_path: Path) -> Path:
    """A state folder of the test's own."""
    return shutil.copytree(model_state, tmp_path / "state")


@pytest.fixture
def token(state: Path) -> str:
    return admin_token(state)


@pytest.fixture
def console(state: Path, token: str) -> Iterator[Console]:
    status = DrainStatus()
    status.open = True
    with closing(Ledger(state / "ledger")) as ledger, closing(Rollups(state / "ledger")) as rollups:
        yield Console(
            state,
            access=Access(token, {**KEYS, **ROLE_KEYS}.get, State(state), clock=lambda: NOW),
            published=Published(state),
            ledger=ledger,
            rollups=rollups,
            totals=Totals(),
            drain=status,
            clock=lambda: NOW,
        )


@pytest.fixture
def ask(console: Console, token: str) -> Ask:
    """Ask the console: `await ask("/api/calls")`, as admin unless headers say otherwise."""
    app = build(console, allowed_hosts("127.0.0.1"))

    async def asking(
        target: str,
        *headers: tuple[str, str],
        method: str = "GET",
        signed: bool = True,
        body: Any = None,
        form: dict[str, str] | None = None,
        peer: str = "127.0.0.1",
    ) -> Answer:
        path, _, query = target.partition("?")
        sent = [*headers] if any(name == "host" for name, _ in headers) else [HOST, *headers]
        content = b""
        if form is not None:
            content = urlencode(form).encode()
            sent.append(("content-type", "application/x-www-form-urlencoded"))
        elif body is not None:
            content = body if isinstance(body, bytes) else to_json(body)
            if not any(name == "content-type" for name, _ in headers):
                sent.append(("content-type", "application/json"))
        if signed:
            sent.append(("authorization", f"Bearer {token}"))
        scope = {
            "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1",
            "method": method, "scheme": "http", "path": path, "raw_path": path.encode(), "root_path": "",
            "query_string": query.encode(), "client": (peer, 5), "server": ("127.0.0.1", 4001),
            "headers": [(name.encode(), value.encode()) for name, value in sent],
        }  # fmt: skip
        messages: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": content, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            messages.append(message)

        await app(scope, receive, send)  # type: ignore[arg-type]
        start = messages[0]
        fields = {name.decode(): value.decode() for name, value in start["headers"]}
        return Answer(start["status"], fields, b"".join(message.get("body", b"") for message in messages[1:]))

    return asking
