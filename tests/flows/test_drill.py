"""`trunkline drill` as a person runs it: an isolated copy, vendors' faults, outages, stores that go away, and a report."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.support.gateway import running_trunkline
from tests.support.polling import eventually

pytestmark = pytest.mark.row("F12", "X3")

REGISTRY = """version: 1
integrations:
  openai:
    secret: env:OPENAI_API_KEY
    fallback: {kind: target, target: spare}
  spare: {vendor: openai, base_url: "https://eu.api.openai.com", secret: env:OPENAI_API_KEY}
  stripe: {secret: env:STRIPE_SECRET_KEY}
  crm:
    base_url: https://crm.example
    auth: {kind: bearer, secret: env:CRM_TOKEN}
    cache: {ttl: 60s}
    fallback: [{kind: stale, max_age: 1h}, {kind: static, body: '{"later": true}'}]
  jobs:
    base_url: https://jobs.example
    auth: {kind: none}
    fallback: {kind: defer}
"""
SECRETS = {"OPENAI_API_KEY": "sk-live-looking-but-not-real", "STRIPE_SECRET_KEY": "sk_live_notReal000000000"}


class Drilled(NamedTuple):
    code: int
    report: dict[str, Any]
    page: str
    folder: Path

    def shown(self, entry: str, form: str, fault: str) -> dict[str, Any]:
        found = [
            one
            for one in self.report["played"]
            if (one["entry"], one["form"], one["fault"]) == (entry, form, fault)
        ]
        assert len(found) == 1, (entry, form, fault)
        return found[0]


def drill(folder: Path, registry: str, *arguments: str) -> Drilled:
    folder.mkdir(exist_ok=True)
    (folder / "trunkline.yaml").write_text(registry)
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "TRUNKLINE_ENV": "staging", **SECRETS}
    environ |= {name: value for name, value in os.environ.items() if name.startswith("PYTHON")}
    command = [sys.executable, "-m", "trunkline.cli", "drill", "--yes", "--json", *arguments]
    ran = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=240)
    assert ran.returncode in (0, 1), ran.stderr
    (page,) = folder.rglob("*.md")
    return Drilled(ran.returncode, json.loads(ran.stdout), page.read_text(), folder)


@pytest.fixture(scope="module")
def drilled(tmp_path_factory: pytest.TempPathFactory) -> Drilled:
    """A drill of all integrations with the faults that come to an end quickly, and with all stores."""
    faults = ("server_error", "refused", "error_first", "cut", "disk_full", "secret_lost")
    arguments = [word for fault in faults for word in ("--fault", fault)]
    return drill(tmp_path_factory.mktemp("drill"), REGISTRY, *arguments)


def test_a_sound_registry_passes(drilled: Drilled) -> None:
    assert [one for one in drilled.report["played"] if one["result"] != "pass"] == []
    assert (drilled.code, drilled.report["result"]) == (0, "pass")


@pytest.mark.parametrize(
    ("entry", "form", "fault", "caller"),
    [
        ("openai", "model", "server_error", "200, fallback target=spare/"),
        ("openai", "stream", "error_first", "200, fallback target=spare/"),
        ("openai", "stream", "cut", "200, network, event"),
        ("crm", "read", "refused", "200, fallback stale"),
        ("crm", "act", "refused", "200, fallback static"),
        ("crm", "act", "server_error", "502, server_error"),
        ("jobs", "read", "server_error", "202, fallback defer"),
        ("stripe", "act", "server_error", "502, server_error"),
    ],
)
def test_each_declared_fallback_is_seen_to_serve(
    drilled: Drilled, entry: str, form: str, fault: str, caller: str
) -> None:
    assert drilled.shown(entry, form, fault)["caller"].startswith(caller)


def test_the_vendors_side_and_the_ledger_are_the_evidence(drilled: Drilled) -> None:
    one = drilled.shown("openai", "model", "server_error")
    assert one["vendor"] == ["openai: 500", "openai: 500", "openai: 500", "spare: 200, carried out"]
    assert [tried.partition(":")[2].strip() for tried in one["attempts"]] == ["500 server_error"] * 3 + [
        "200 ok"
    ]
    checks = {check["name"]: check["ok"] for check in one["checks"]}
    assert checks == dict.fromkeys(
        ("in time", "told clearly", "fallback", "attempts", "never twice", "recorded"), True
    )
    act = drilled.shown("crm", "act", "server_error")
    assert act["vendor"] == ["crm: 500"]


def test_a_deferred_call_runs_when_the_vendor_is_back(drilled: Drilled) -> None:
    checks = {check["name"]: check for check in drilled.shown("jobs", "read", "server_error")["checks"]}
    assert checks["ran later"]["ok"]
    assert "ended as done" in checks["ran later"]["said"]


def test_what_has_no_fallback_is_a_finding(drilled: Drilled) -> None:
    found = {(one["code"], one["item"]) for one in drilled.report["findings"]}
    assert {("no-fallback", "spare"), ("no-fallback", "stripe")} <= found
    assert ("no-fallback", "openai") not in found


def test_stores_that_go_away_are_survived_as_declared(drilled: Drilled) -> None:
    full = {c["name"]: c["said"] for c in drilled.shown("stores", "all", "disk_full")["checks"]}
    assert full["acts refused"] == "3 of 3 acts answered 503 store_unavailable"
    lost = {c["name"]: c["said"] for c in drilled.shown("stores", "all", "secret_lost")["checks"]}
    assert lost["reload refused"].startswith("secret-lost:")


def test_the_page_is_dated_and_nothing_real_was_touched(drilled: Drilled) -> None:
    assert f"# Drill of {drilled.report['at']}" in drilled.page
    assert "Environment `staging`" in drilled.page
    made = {path.relative_to(drilled.folder).parts[0] for path in drilled.folder.rglob("*") if path.is_file()}
    assert made == {"trunkline.yaml", "drills"}
    told = json.dumps(drilled.report) + drilled.page
    assert [value for value in SECRETS.values() if value in told] == []


def test_a_fallback_that_cannot_serve_fails_the_drill(tmp_path: Path) -> None:
    """Nothing of it is ever kept, so that there is no older answer."""
    registry = """version: 1
integrations:
  crm:
    base_url: https://crm.example
    auth: {kind: none}
    fallback: {kind: stale, max_age: 1h}
"""
    done = drill(tmp_path, registry, "crm", "--fault", "server_error")
    assert (done.code, done.report["result"]) == (1, "fail")
    wrong = [
        check["said"] for check in done.shown("crm", "read", "server_error")["checks"] if not check["ok"]
    ]
    assert wrong == ["declared for `server_error`: stale; none of them answered"]


@pytest.mark.row("F3")
def test_an_outage_opens_the_breaker_and_its_end_closes_it(tmp_path: Path) -> None:
    registry = """version: 1
integrations:
  crm:
    base_url: https://crm.example
    auth: {kind: none}
    breaker: {volume: 5, open_for: 1s, ramp: 1s}
  tolerant: {base_url: https://t.example, auth: {kind: none}, breaker: {volume: 100000}}
"""
    done = drill(tmp_path, registry, "--fault", "outage", "--out", str(tmp_path / "x" / "page.md"))
    assert done.code == 0
    one = done.shown("crm", "breaker", "outage")
    assert (one["result"], [check["name"] for check in one["checks"]]) == (
        "pass",
        ["opened", "held back", "closed again"],
    )
    assert done.shown("tolerant", "breaker", "outage")["result"] == "not run"
    assert [finding["code"] for finding in done.report["findings"]] == ["breaker-not-drilled"]


@pytest.mark.slow
def test_a_running_gateway_tells_of_the_last_drill(tmp_path: Path) -> None:
    """A drill of all that is live, as the console makes it on the registry's schedule."""
    registry = "version: 1\nintegrations:\n  crm: {base_url: https://crm.example, auth: {kind: none}}\ndrills: {every: 1d}\n"
    with running_trunkline(tmp_path / "live", registry) as gateway:
        assert gateway.call("GET", "/health?detail=1").json["drills"]["last"] is None
        environ = {
            "PATH": os.environ["PATH"],
            "TRUNKLINE_ENV": "dev",
            "TRUNKLINE_STATE_DIR": str(gateway.state.path),
        }
        command = [sys.executable, "-m", "trunkline.cli", "drill", "--yes", "--live", "--scheduled", "--json"]
        ran = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=240)
        assert (ran.returncode, json.loads(ran.stdout)["result"]) == (0, "pass"), ran.stderr
        last = eventually(
            lambda: gateway.call("GET", "/health?detail=1").json["drills"]["last"],
            "the gateway to know of it",
        )
        page = Path(last["report"])
        assert (last["result"], page.parent, page.exists()) == ("pass", gateway.state.path / "drills", True)


def test_a_full_disk_is_played_where_nothing_acts(tmp_path: Path) -> None:
    """What is no act is served all the while; it counts as recorded again only after there was room."""
    registry = "version: 1\nintegrations:\n  openai: {secret: env:KEY}\n"
    done = drill(tmp_path, registry, "openai", "--fault", "disk_full")
    checks = {check["name"]: check for check in done.shown("stores", "all", "disk_full")["checks"]}
    assert checks["recorded again"]["ok"], checks
    assert checks["acts refused"]["said"].startswith("0 of 0 acts")
