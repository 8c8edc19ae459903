"""Health, readiness and what simulated answers say of themselves."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.console import running_console
from tests.support.gateway import Trunkline
from tests.support.polling import eventually
from tests.support.simulator import SimulatorProcess
from tests.support.site import CLOSE, Site, reply
from trunkline.control import unknown

pytestmark = pytest.mark.row("H1")
Start = Callable[..., Trunkline]

REGISTRY = """
version: 1
integrations:
  crm: {base_url: "{simulator}/crm", auth: {kind: none}, criticality: load-path}
  extra: {base_url: "{simulator}/extra", auth: {kind: none}, retry: {attempts: 1}}
"""


def test_health_is_told_to_who_may_read_it(trunkline: Trunkline) -> None:
    reader = trunkline.new_key("monitor", "health:read")
    answer = trunkline.call("GET", "/health", key=reader)

    assert answer.status == 200
    assert set(answer.json) == {"status", "integrations"}
    assert answer.json["status"] in ("healthy", "degraded")
    assert {"openai", "stripe", "crm"} <= set(answer.json["integrations"])


def test_health_can_be_declared_public(start: Start) -> None:
    trunkline = start(REGISTRY + "health: {public: true}\n")

    assert trunkline.call("GET", "/health", key="").status == 200
    assert trunkline.call("GET", "/health?detail=1", key="").status == 401
    assert trunkline.call("GET", "/api/proxy/crm/echo", key="").status == 401


def test_live_and_ready_are_open_and_say_little(trunkline: Trunkline) -> None:
    live, ready = (trunkline.call("GET", f"/health/{name}", key="") for name in ("live", "ready"))

    assert (live.status, live.json) == (200, {"status": "live"})
    assert (ready.status, ready.json["status"]) == (200, "ready")


def test_health_follows_what_really_happens(start: Start, simulator: SimulatorProcess) -> None:
    trunkline = start(REGISTRY)

    def health() -> tuple[int, str]:
        answer = trunkline.call("GET", "/health")
        return answer.status, answer.json["status"]

    for _ in range(20):
        trunkline.call("GET", "/api/proxy/crm/echo")
        trunkline.call("GET", "/api/proxy/extra/echo")
    well = health()
    simulator.fault("server_error", "extra")
    for _ in range(40):
        trunkline.call("GET", "/api/proxy/extra/echo")
    degraded = health()
    simulator.fault("server_error", "crm")
    for _ in range(40):
        trunkline.call("GET", "/api/proxy/crm/echo", headers={"x-trunkline-max-attempts": "1"})
    down = health()

    assert (well, degraded, down) == ((200, "healthy"), (200, "degraded"), (503, "down"))


def test_a_callers_own_mistakes_do_not_make_a_vendor_ill(start: Start, simulator: SimulatorProcess) -> None:
    trunkline = start(REGISTRY)
    simulator.fault("invalid", "crm")
    for _ in range(40):
        trunkline.call("GET", "/api/proxy/crm/echo")

    assert trunkline.call("GET", "/health").json["status"] == "healthy"


def test_details_name_the_reason(start: Start) -> None:
    trunkline = start(
        REGISTRY + "  lame: {base_url: 'https://lame.example.com', auth: {kind: bearer, secret: env:UNSET}}\n"
    )
    told = trunkline.call("GET", "/health?detail=1").json

    assert "env:UNSET" in str(told)
    assert trunkline.call("GET", "/health").json["status"] != "down"


def test_health_in_the_draft_standards_form(trunkline: Trunkline) -> None:
    answer = trunkline.call("GET", "/health", headers={"accept": "application/health+json"})

    assert answer.field("content-type") == "application/health+json"
    assert answer.json["status"] in ("pass", "warn")


def test_readiness_ends_with_the_drain_and_running_calls_still_finish(start: Start, site: Site) -> None:
    trunkline = start("version: 1\nintegrations:\n  site: {base_url: '{site}', auth: {kind: none}}\n")
    site.paced(0.1, b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n", b"1", b"2", b"3", b"4", b"5", b"6")
    with trunkline.stream("GET", "/api/proxy/site/slow") as answer:
        first = answer.piece()
        trunkline.signal(signal.SIGTERM)
        rest = answer.rest()

    assert first + rest == b"123456"
    assert trunkline.wait() == 0
    assert trunkline.recorded(answer).end.state == "ok"


@pytest.mark.row("P1")
def test_a_simulated_answer_says_so(trunkline: Trunkline, simulator: SimulatorProcess) -> None:
    from trunkline.control import publish, published
    from trunkline.registry.load import SimulatorAddress, load

    played = SimulatorAddress(base_url=simulator.address(), resolves=lambda ref: False)
    registry = trunkline.folder / "simulated.yaml"
    registry.write_text(
        "version: 1\nintegrations:\n  openai: {secret: env:OPENAI_API_KEY}\n  stripe: {secret: env:S}\n"
    )
    before = published.read_snapshot(trunkline.state)
    assert before is not None
    publish.snapshot(trunkline.state, load(registry, environment="dev", environ={}, simulate=played).snapshot)
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]}

    def simulated() -> bool:
        return trunkline.call("POST", "/v1/chat/completions", body).field("x-trunkline-simulated") == "true"

    eventually(simulated, "the simulated world")
    charge = trunkline.call("POST", "/api/proxy/stripe/v1/charges", b"amount=5&currency=eur&source=tok_visa")
    stream = trunkline.call("POST", "/v1/chat/completions", {**body, "stream": True})
    health = trunkline.call("GET", "/health?detail=1")
    publish.snapshot(trunkline.state, before)

    for answer in (charge, stream, health):
        assert [value for name, value in answer.headers if name == "x-trunkline-simulated"] == ["true"]
    assert trunkline.recorded(charge).begin.simulated is True
    eventually(lambda: not simulated(), "the world before")


# With the console: probes, status pages, features.

PAGES = Path(__file__).parents[1] / "fixtures" / "status_pages"


def detail(trunkline: Trunkline, name: str) -> dict[str, Any]:
    found: dict[str, Any] = trunkline.call("GET", "/health?detail=1").json["details"][name]
    return found


def test_what_nobody_calls_is_probed_and_its_fall_and_return_are_seen(start: Start, site: Site) -> None:
    site.script.append(reply(b"{}", status="401 Unauthorized"))
    probe = "probe: {path: /ping, every: 5s}, criticality: load-path"
    trunkline = start(
        f'version: 1\nintegrations:\n  crm: {{base_url: "{{site}}", secret: env:CRM_TOKEN, {probe}}}\n'
    )
    with running_console(trunkline):
        eventually(lambda: trunkline.call("GET", "/health").status == 503, "the fall to be seen")
        down = trunkline.call("GET", "/health").json
        told = detail(trunkline, "crm")
        eventually(lambda: trunkline.call("GET", "/health").status == 200, "the return to be seen")
        back = detail(trunkline, "crm")

    assert {(seen.target, seen.field("authorization")) for seen in site.seen} == {
        ("/ping", "Bearer crm-test-not-a-real-token")
    }
    assert down == {"status": "down", "integrations": {"crm": "down"}}
    evidence = {one["source"]: one for one in told["evidence"]}
    assert evidence["probe"]["reason"].endswith(": the credential is refused")
    assert (evidence["probe"]["status"], evidence["traffic"]["status"]) == ("down", None)
    assert evidence["probe"]["age_s"] >= 0
    assert back["reason"].startswith("probe: GET /ping answered 200")
    assert trunkline.calls() == {}, "a probe is no call of anybody"


def test_what_a_vendor_reports_is_told_with_its_age(start: Start, site: Site) -> None:
    page = (PAGES / "incident_io-outage.json").read_bytes()
    site.script.extend([reply(page)] * 3)
    trunkline = start(
        'version: 1\nintegrations:\n  chat: {base_url: "{site}", auth: {kind: none}, status_feed: "{site}/summary"}\n'
    )
    with running_console(trunkline):
        eventually(
            lambda: trunkline.call("GET", "/health").json["integrations"]["chat"] == "degraded", "the page"
        )
        told = detail(trunkline, "chat")
    site.script.clear()
    for _ in range(5):
        trunkline.call("GET", "/api/proxy/chat/x")
    well = detail(trunkline, "chat")

    assert told["reason"] == "its vendor reports: Model serving down (investigating)"
    assert (told["status_page"]["indicator"], told["status_page"]["components"]) == (
        "critical",
        ["Chat: full outage"],
    )
    assert told["status_page"]["age_s"] >= 0
    assert (well["status"], well["reason"]) == (
        "healthy",
        f"0 of the last 5 attempts failed; {told['reason']}",
    )


def test_the_features_that_are_hit_are_named(start: Start, site: Site) -> None:
    trunkline = start(
        'version: 1\nintegrations:\n  crm: {base_url: "{site}", auth: {kind: none}, retry: {attempts: 1}}\n'
    )
    with running_console(trunkline):
        trunkline.call("GET", "/api/proxy/crm/a", headers={"x-trunkline-feature": "search"})
        site.script.append(reply(b"{}", status="500 Internal Server Error"))
        trunkline.call("GET", "/api/proxy/crm/b", headers={"x-trunkline-feature": "checkout"})
        found = eventually(
            lambda: len(f := detail(trunkline, "crm")["features"]) == 2 and f, "both features", 20
        )
    assert found == [
        {"feature": "checkout", "calls": 1, "failures": 1},
        {"feature": "search", "calls": 1, "failures": 0},
    ]


@pytest.mark.row("F2")
def test_acts_in_doubt_are_told_and_are_gone_when_a_person_has_looked(start: Start, site: Site) -> None:
    trunkline = start('version: 1\nintegrations:\n  shop: {base_url: "{site}", auth: {kind: none}}\n')
    site.script.append(CLOSE)
    cut = trunkline.call("POST", "/api/proxy/shop/pay", {"n": 1})
    assert (cut.status, cut.json["code"]) == (502, "outcome_unknown")

    def told() -> dict[str, Any]:
        body: dict[str, Any] = trunkline.call("GET", "/health?detail=1").json
        return body

    with running_console(trunkline):
        body = eventually(lambda: (b := told()).get("unknown_outcomes") == {"open": 1} and b, "the act", 40)
        assert [one["code"] for one in body["findings"]] == ["unknown-outcome"]
        assert set(trunkline.call("GET", "/health").json) == {"status", "integrations"}
        (call,) = trunkline.calls()
        unknown.resolve(trunkline.state, call, "did-not-happen")
        body = eventually(lambda: (b := told()).get("unknown_outcomes") == {"open": 0} and b, "its end", 40)
    assert body["findings"] == []


@pytest.mark.row("H2")
def test_the_pdf_renderer_is_down_and_its_fallback_works_as_in_the_text_that_asked_for_this(
    start: Start, simulator: SimulatorProcess
) -> None:
    fallback = "fallback: [{kind: template, body: {summary: '{{ /title }}'}}], "
    fallback += "operations: [{name: render, method: POST, path: /echo, repeat: always}], "
    fallback += "retry: {backoff: 10ms}"
    names = "".join(
        f'  {name}: {{base_url: "{{simulator}}/{name}", auth: {{kind: none}}}}\n'
        for name in ("openai", "stripe", "infinisynapse", "vector_db")
    )
    pdf = f'  pdf_render: {{base_url: "{{simulator}}/pdf", auth: {{kind: none}}, criticality: load-path, {fallback}}}\n'
    trunkline = start(f"version: 1\nintegrations:\n{names}{pdf}")
    simulator.fault("server_error", "pdf")
    answers = [trunkline.call("POST", "/api/proxy/pdf_render/echo", {"title": "Hello"}) for _ in range(8)]
    health = trunkline.call("GET", "/health")

    assert {(answer.status, answer.json["summary"]) for answer in answers} == {(200, "Hello")}
    assert health.status == 200
    assert health.json == {
        "status": "degraded",
        "integrations": {
            "openai": "healthy",
            "stripe": "healthy",
            "infinisynapse": "healthy",
            "vector_db": "healthy",
            "pdf_render": "down",
        },
    }
    assert detail(trunkline, "pdf_render")["fallbacks"] == ["template"]
