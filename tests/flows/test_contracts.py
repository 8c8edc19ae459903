"""A vendor's API changes, seen by who depends on it: what is learned, what is told, what is accepted; announced ends become dated tasks;
two versions side by side; checks that are recorded and judged again without a vendor.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.battery.served import Served, serving
from tests.support.caller import call
from tests.support.gateway import SECRETS
from tests.support.polling import eventually
from tests.support.site import Site, reply, running_site
from trunkline.cli import exits
from trunkline.control.state import State
from trunkline.ops import findings
from trunkline.ops.contracts import cassette, store
from trunkline.ops.contracts.watch import LEARNED_UNITS, OPEN_MAX, Operation

pytestmark = pytest.mark.row("C1", "C2", "C3", "C5", "C6")

REGISTRY = """version: 1
defaults: {samples: {share: 1, per_minute: 100000}, contract: {review: 90d}}
integrations:
  shop: &shop
    base_url: "{site}"
    auth: {kind: bearer, secret: env:CRM_TOKEN}
    api_version: {value: "2026-01", header: x-shop-version}
    operations:
      - {name: get_order, method: GET, path: "/orders/{id}"}
      - {name: list_items, method: GET, path: /items}
  shop@2026-08:
    base_url: "{site}"
    auth: {kind: bearer, secret: env:CRM_TOKEN}
    api_version: {value: "2026-08", header: x-shop-version}
    operations:
      - {name: get_price, method: GET, path: /price}
  openai: {base_url: "{site}", secret: env:OPENAI_API_KEY}
models: {house: {target: openai/gpt-5.4-nano}}
routes: {shopping: {split: {shop: 0.5, shop@2026-08: 0.5}}}
"""
ORDER = {
    "id": "ord_1Nv0FGQ9RKHgCVdK",
    "status": "paid",
    "amount": 500,
    "customer": {"name": "Anna Secret", "email": "anna@example.com"},
}
CHANGED = {**ORDER, "amount": "500", "customer": {"name": "Anna Secret"}}
CHECKS = """integration: shop
checks:
  - name: an answer streams
    call: POST /stream
    body: {prompt: hello}
    expect:
      status: 200
      events: [begin, text, end]
"""
PAUSE_S = 0.1


class Shop:
    """The vendor, and those who depend on it."""

    def __init__(self, served: Served, site: Site) -> None:
        self.served = served
        self.site = site
        self.state = State(served.state, served.environ)
        self._callers = 0

    def get(self, target: str, answer: bytes, **fields: str) -> int:
        """One call, answered so."""
        self.site.script.append(answer)
        headers = {"authorization": f"Bearer {self.served.key}", **fields}
        return call(self.served.port, "GET", target, headers).status

    def orders(self, body: Any, callers: int) -> None:
        """Calls of so many different callers."""
        answer = reply(json.dumps(body).encode())
        for _ in range(callers):
            self._callers += 1
            feature = f"feature-{self._callers}"
            assert self.get("/api/proxy/shop/orders/ord_1", answer, **{"x-trunkline-feature": feature}) == 200

    def run(self, *command: str, code: int = exits.OK) -> str:
        ran = self.served.run(*command)
        assert ran.returncode == code, (ran.stdout, ran.stderr)
        return ran.stdout

    def told(self, *command: str, code: int = exits.OK) -> list[Any]:
        """What a command says as JSON: an array at once, or one object a line."""
        said = [json.loads(line) for line in self.run(*command, "--json", code=code).splitlines()]
        return said[0] if len(said) == 1 and isinstance(said[0], list) else said

    def finds(self, kind: str) -> list[Any]:
        """The open findings of a kind, as they stand now."""
        return findings.listed(self.state, kind=kind)

    def order(self) -> Operation:
        """What is known of `get_order`, as the console has written it down."""
        return store.read(self.served.state, "shop").operation("get_order")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One Trunkline before one vendor for all stories; each has operations of its own."""
    with running_site() as site:
        text = REGISTRY.replace("{site}", site.address)
        secrets = {**SECRETS, "TRUNKLINE_PROBES": "false"}
        with serving(tmp_path_factory.mktemp("contracts"), text, secrets=secrets) as served:
            yield Shop(served, site)


@pytest.mark.slow
def test_from_what_was_learned_to_a_change_to_its_acceptance(shop: Shop) -> None:
    shop.orders(ORDER, LEARNED_UNITS + OPEN_MAX + 10)

    eventually(lambda: shop.order().learned, "the shape to be learned", limit_s=240)
    (row,) = shop.told("contracts", "list", "shop")
    assert (row["operation"], row["state"]) == ("get_order", "learned")
    shop.run("contracts", "learn", "shop", "--by", "jan")
    lock = (shop.served.folder / "trunkline.lock").read_text()
    assert "api_version: 2026-01" in lock or 'api_version: "2026-01"' in lock
    assert "Anna" not in lock
    assert "anna@example.com" not in lock
    shop.run("contracts", "check", "shop")

    shop.orders(CHANGED, OPEN_MAX + 40)

    def changed() -> bool:
        return {change.place for change in shop.order().changes()} == {"/amount", "/customer/email"}

    eventually(changed, "both changes", limit_s=240)
    (finding,) = shop.told("findings", "list", "--kind", "contract.drift")
    assert (finding["integration"], finding["subject"]) == ("shop", "get_order")
    assert finding["severity"] == "critical"
    assert {(one["where"], one["harm"]) for one in finding["detail"]["changes"]} == {
        ("reply /amount", "breaking"),
        ("reply /customer/email", "breaking"),
    }
    sample = json.dumps(finding["detail"]["sample"])
    assert '"amount"' in sample
    assert "Anna" not in sample
    assert "anna@" not in sample
    assert finding["correlation_ids"]
    assert finding["detail"]["diff"] == "trunkline contracts diff shop"

    (told,) = shop.told("contracts", "check", "shop", code=exits.FAILED)
    assert {one["kind"] for one in told["changes"]} == {"retyped", "removed"}
    diff = shop.run("contracts", "diff", "shop", code=exits.FAILED)
    assert re.search(r"^\s+-\s+/amount: .*integer", diff, re.MULTILINE)
    assert re.search(r"^\s+\+\s+/amount: .*string", diff, re.MULTILINE)
    shop.run("contracts", "accept", "shop", "get_order", "--by", "eva")
    shop.run("contracts", "check", "shop")
    assert shop.finds("contract.drift") == []


def test_what_a_vendor_announces_becomes_a_dated_task(shop: Shop) -> None:
    said = ("Deprecation: @1767225600", "Sunset: Thu, 31 Dec 2026 23:59:59 GMT", 'Warning: 299 - "use /v2/items"')  # fmt: skip
    assert shop.get("/api/proxy/shop/items", reply(b"{}", *said)) == 200
    assert shop.site.last.field("x-shop-version") == "2026-01"
    (task,) = eventually(lambda: shop.finds("contract.deprecation"), "the task", limit_s=240)
    assert (task.integration, task.subject, task.due) == ("shop", "list_items", "2026-12-31")
    assert "use /v2/items" in json.dumps(task.detail)
    (model,) = shop.told("findings", "list", "--kind", "model.shutdown")
    assert (model["subject"], model["due"]) == ("gpt-5.4-nano", "2027-04-01")
    assert model["detail"]["used_by"] == ["models.house"]


def test_two_versions_share_the_traffic_and_are_compared(shop: Shop) -> None:
    asked: dict[int, list[str | None]] = {}
    for number in [*range(40), *range(40)]:
        fields = {"x-trunkline-subject": f"subject-{number}"}
        assert shop.get("/api/proxy/shopping/price", reply(b'{"price": 5}'), **fields) == 200
        asked.setdefault(number, []).append(shop.site.last.field("x-shop-version"))
    assert all(first == again for first, again in asked.values()), "who calls stays with one version"
    shares = [first for first, _ in asked.values()]
    assert set(shares) == {"2026-01", "2026-08"}

    def compared() -> Any:
        (found,) = shop.told("contracts", "compare", "shop", "shop@2026-08")
        calls = [row["other"]["calls"] for row in found["calls"]]
        return found if calls[:1] == [2 * shares.count("2026-08")] else None

    found = eventually(compared, "every call to stand in the ledger", limit_s=240)
    assert found["calls"][0]["other"]["error_rate"] == 0.0


def test_checks_are_recorded_and_judged_without_the_vendor(shop: Shop) -> None:
    folder = shop.served.folder / "contracts"
    folder.mkdir()
    (folder / "shop.yaml").write_text(CHECKS)
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
    events = [
        b'event: begin\ndata: {"to": "anna@example.com"}\n\n',
        b'event: text\ndata: {"text": "Dear Anna Secret"}\n\n',
        b"event: end\ndata: {}\n\n",
    ]
    pieces = [b"%x\r\n%s\r\n" % (len(event), event) for event in events]
    for _ in range(2):
        shop.site.paced(PAUSE_S, head, *pieces, b"0\r\n\r\n")
    shop.run("contracts", "test")
    shop.run("contracts", "record")
    shop.site.pace_s = 0.0

    [(path, one)] = cassette.folder([folder / "cassettes"])
    assert one.response.pieces[-1].at_ms >= 3 * PAUSE_S * 1e3 * 0.9, "the pauses of the stream are kept"
    kept = path.read_text()
    assert one.api_version == "2026-01"
    for secret in (*SECRETS.values(), shop.served.key, "anna@example.com", "Anna Secret"):
        assert secret not in kept

    before = len(shop.site.seen)
    shop.run("contracts", "test", "--recorded")
    assert replayed(shop, path) == one.response.body
    path.write_text(kept.replace("event: end", "event: stop"))
    (judged,) = shop.told("contracts", "test", "--recorded", code=exits.FAILED)
    assert (judged["ok"], len(judged["checks"][0]["problems"])) == (False, 1)
    assert len(shop.site.seen) == before


def replayed(shop: Shop, path: Any) -> bytes:
    """What `contracts replay` answers to the call of a cassette."""
    command = [
        sys.executable,
        "-m",
        "trunkline.cli",
        "contracts",
        "replay",
        str(path),
        "--speed",
        "0",
        "--json",
    ]
    with subprocess.Popen(
        command, cwd=shop.served.folder, env=shop.served.environ, stdout=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout is not None
            port = json.loads(process.stdout.readline())["port"]
            fields = {"content-type": "application/json"}
            return call(port, "POST", "/stream", fields, b'{"prompt":"hello"}').body
        finally:
            process.terminate()
