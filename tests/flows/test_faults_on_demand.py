"""Faults on demand (F12): an integration of a gateway outside of production fails as it is told to, and says so."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.caller import Answer, Cut
from tests.support.gateway import Trunkline, running_trunkline
from tests.support.polling import eventually
from tests.support.simulator import SimulatorProcess
from trunkline.cli import faults as command
from trunkline.control import faults as control
from trunkline.core.faults import DISK_FULL, JOURNAL, Fault

pytestmark = pytest.mark.row("F12")

REGISTRY = """version: 1
defaults:
  retry: {{attempts: 2, backoff: 1ms}}
  breaker: {{volume: 1000000}}
integrations:
{struck}
  openai: {{base_url: "{simulator}/openai", secret: env:OPENAI_API_KEY, timeout: {{first_byte: 1s, idle: 1s, total: 2s}}}}
  spare: {{vendor: openai, base_url: "{simulator}/openai", secret: env:OPENAI_API_KEY}}
  crm: {{base_url: "{simulator}/crm", auth: {{kind: bearer, secret: env:CRM_TOKEN}}}}
models:
  safe: {{target: openai/gpt-4o-mini, fallback: [{{kind: target, target: spare/gpt-4o-mini}}]}}
"""
STRUCK = '  {fault}: {{vendor: openai, base_url: "{simulator}/openai", secret: env:OPENAI_API_KEY, timeout: {{first_byte: 1s, total: 2s}}}}'
CHAT = {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]}


FAILURES = [
    ("rate_limit", 429, "rate_limited"),
    ("rate_limit_bare", 429, "rate_limited"),
    ("server_error", 500, "server_error"),
    ("overloaded", 503, "overloaded"),
    ("auth_invalid", 401, "auth_invalid"),
    ("refused", 502, "network"),
    ("bad_json", 502, "malformed_response"),
    ("error_in_200", 200, "overloaded"),
    ("error_first", 200, "overloaded"),
    ("never", 504, "timeout_upstream"),
    ("cut", 502, "network"),
]


def registry(simulator: SimulatorProcess) -> str:
    address = simulator.address()
    names = [fault.replace("_", "-") for fault, _, _ in FAILURES]
    struck = "\n".join(STRUCK.format(fault=name, simulator=address) for name in names)
    return REGISTRY.format(struck=struck, simulator=address)


@pytest.fixture(scope="module")
def running(
    tmp_path_factory: pytest.TempPathFactory, simulator_process: SimulatorProcess
) -> Iterator[Trunkline]:
    with running_trunkline(tmp_path_factory.mktemp("faults"), registry(simulator_process)) as trunkline:
        yield trunkline


@pytest.fixture
def gateway(running: Trunkline, simulator: SimulatorProcess) -> Iterator[Trunkline]:
    """Without faults, before and after."""
    yield running
    clear(running)


def put(gateway: Trunkline, fault: str, integration: str = "openai", **change: Any) -> None:
    """Sets a fault as the command does, and waits until it is live."""
    now = time.time()
    if integration == JOURNAL:
        made = Fault(integration=JOURNAL, fault=DISK_FULL, play="disk_full", since=now)
    else:
        found = worded(gateway, integration, fault)
        made = command.timed(found, **{"share": 1.0, "now": now, "until": 0.0, "ms": None, **change})
    control.put(gateway.state, made, now)
    eventually(lambda: fault in [one["fault"] for one in told(gateway)], "the fault to be live")


def worded(gateway: Trunkline, integration: str, fault: str) -> Fault:
    from trunkline.control import published

    snapshot = published.read_snapshot(gateway.state)
    assert snapshot is not None
    service = next(service for service in snapshot.services if service.name == integration)
    return command.made(service, fault)


def told(gateway: Trunkline) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = gateway.call("GET", "/health?detail=1").json.get("faults", [])
    return found


def clear(gateway: Trunkline) -> None:
    control.clear(gateway.state, "", time.time())
    eventually(lambda: told(gateway) == [], "the faults to be lifted")


def chat(gateway: Trunkline, **more: Any) -> Answer:
    return gateway.call("POST", "/v1/chat/completions", {**CHAT, **more})


@pytest.mark.parametrize(("fault", "status", "code"), FAILURES)
def test_a_struck_call_fails_as_the_vendor_would_have_it(
    gateway: Trunkline, simulator: SimulatorProcess, fault: str, status: int, code: str
) -> None:
    name = fault.replace("_", "-")  # of its own, because a vendor that asks for a pause gets it
    put(gateway, fault, name)
    once = {"x-trunkline-max-attempts": "1"}
    answer = gateway.call("POST", "/v1/chat/completions", {**CHAT, "model": f"{name}/gpt-4o-mini"}, once)
    assert (answer.status, answer.field("x-trunkline-fault")) == (status, fault)
    record = gateway.recorded(answer)
    assert record.codes == [code]
    assert f"fault={fault}" in record.end.notes
    reached = [entry.vendor for entry in simulator.ledger()]
    assert reached == (["openai"] if fault == "cut" else [])


def test_a_fallback_stands_in_and_the_answer_says_why(gateway: Trunkline) -> None:
    put(gateway, "server_error")
    answer = chat(gateway, model="safe")
    assert (answer.status, answer.field("x-trunkline-fault"), answer.field("x-trunkline-fallback")) == (
        200,
        "server_error",
        "target=spare/gpt-4o-mini",
    )


def test_a_late_answer_is_the_vendors_own(gateway: Trunkline) -> None:
    put(gateway, "latency", ms=400.0)
    begun = time.monotonic()
    answer = chat(gateway)
    assert time.monotonic() - begun >= 0.4
    assert (answer.status, answer.field("x-trunkline-fault")) == (200, "latency")
    assert answer.json["choices"]


def test_a_stream_is_late_whole_and_well_ended(gateway: Trunkline) -> None:
    put(gateway, "latency", ms=100.0)
    answer = chat(gateway, stream=True)
    assert answer.status == 200
    assert answer.body.endswith(b"data: [DONE]\n\n")


def test_an_answer_that_is_too_late_is_a_timeout(gateway: Trunkline) -> None:
    put(gateway, "latency", ms=5000.0)
    answer = chat(gateway)
    assert gateway.recorded(answer).codes[0] == "timeout_upstream"


@pytest.mark.parametrize(("fault", "code"), [("cut", "network"), ("error_after", "overloaded")])
def test_a_stream_breaks_after_its_first_content(gateway: Trunkline, fault: str, code: str) -> None:
    put(gateway, fault)
    answer = chat(gateway, stream=True)
    events = [event for event in answer.body.split(b"\n\n") if event]
    assert answer.status == 200
    assert b"correlationId" in events[-1]
    assert b'"delta"' in events[1]
    record = gateway.recorded(answer)
    assert (record.codes, record.end.state) == ([code], "truncated")


def test_a_stream_that_fails_before_content_falls_over_unseen(gateway: Trunkline) -> None:
    put(gateway, "error_first")
    answer = chat(gateway, model="safe", stream=True)
    assert answer.field("x-trunkline-fallback") == "target=spare/gpt-4o-mini"
    assert answer.body.endswith(b"data: [DONE]\n\n")


def test_a_share_strikes_some_and_leaves_others(gateway: Trunkline) -> None:
    put(gateway, "server_error", share=0.5)
    struck = [chat(gateway).field("x-trunkline-fault") for _ in range(15)]
    assert {"server_error", None} == set(struck)


def test_others_are_not_struck_and_a_cleared_fault_is_over(gateway: Trunkline) -> None:
    put(gateway, "server_error")
    other = gateway.call("GET", "/api/proxy/crm/echo")
    assert (other.status, other.field("x-trunkline-fault")) == (200, None)
    clear(gateway)
    answer = chat(gateway)
    assert (answer.status, answer.field("x-trunkline-fault")) == (200, None)


def test_a_fault_passes_with_its_time(gateway: Trunkline) -> None:
    put(gateway, "server_error", until=time.time() + 3600)
    assert chat(gateway).status == 500
    now = time.time()
    soon = command.timed(
        worded(gateway, "openai", "server_error"), share=1.0, now=now, until=now + 0.3, ms=None
    )
    control.put(gateway.state, soon, now)
    eventually(lambda: told(gateway) == [], "the fault to pass")
    assert chat(gateway).status == 200


def test_a_pretended_full_disk_refuses_acts_and_lets_the_rest_pass(gateway: Trunkline) -> None:
    act = lambda: gateway.call("POST", "/api/proxy/crm/items", {"name": "x"})  # noqa: E731
    assert act().status == 201
    put(gateway, DISK_FULL, JOURNAL)
    refused, read = act(), gateway.call("GET", "/api/proxy/crm/echo")
    assert (refused.status, refused.json["code"], read.status) == (503, "store_unavailable", 200)
    clear(gateway)
    assert act().status == 201


def test_health_names_the_fault_as_a_finding(gateway: Trunkline) -> None:
    put(gateway, "overloaded", share=0.25)
    body = gateway.call("GET", "/health?detail=1").json
    assert body["faults"] == [{"integration": "openai", "fault": "overloaded", "share": 0.25, "until": None}]
    assert [one["item"] for one in body["findings"] if one["code"] == "fault-set"] == ["integrations.openai"]


def test_in_production_the_file_is_passed_over(tmp_path: Path, simulator: SimulatorProcess) -> None:
    with running_trunkline(tmp_path, registry(simulator), env="prod") as gateway:
        fault = worded(gateway, "openai", "server_error")
        control.put(gateway.state, fault, time.time())
        eventually(lambda: "passed over" in gateway.errors, "the gateway to say so")
        answer = chat(gateway)
        assert (answer.status, answer.field("x-trunkline-fault")) == (200, None)


def test_a_hang_up_during_a_late_answer_ends_the_vendors_call(
    gateway: Trunkline, simulator: SimulatorProcess
) -> None:
    simulator.latency("openai", first_ms=50, per_chunk_ms=50, chunks=40)
    put(gateway, "latency", ms=100.0)
    with gateway.stream("POST", "/v1/chat/completions", {**CHAT, "stream": True}) as answer:
        assert answer.piece()
        answer.hang_up()
    eventually(lambda: [e.outcome for e in simulator.ledger()] == ["client_gone"], "the vendor to be left")


def test_a_cut_is_seen_as_one(gateway: Trunkline) -> None:
    put(gateway, "cut", "crm")
    with pytest.raises(Cut):
        gateway.call("GET", "/api/proxy/crm/bytes/900000")
