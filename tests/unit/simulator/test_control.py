"""The control API, over the wire."""

import asyncio

from tests.unit.simulator.conftest import Ask
from trunkline.simulator import Simulator


async def test_a_rule_is_set_listed_and_lifted(call: Ask) -> None:
    rule = (await call("POST", "/_sim/faults", {"fault": "F3", "vendor": "openai", "times": 1})).json()
    assert (rule["id"], rule["fault"], rule["times"]) == (1, "server_error", 1)
    statuses = [(await call("GET", "/openai/v1/models")).status for _ in range(2)]
    assert statuses == [500, 200]
    listed = (await call("GET", "/_sim/faults")).json()
    assert [(it["matched"], it["fired"]) for it in listed["faults"]] == [(1, 1)]
    assert {"never", "html", "rate_limit", "status"} <= set(listed["known"])
    assert (await call("DELETE", "/_sim/faults/1")).json() == {"removed": 1}


async def test_wrong_rules_are_refused_with_the_cure(call: Ask) -> None:
    unknown = await call("POST", "/_sim/faults", {"fault": "explode"})
    assert (unknown.status, "reset_mid" in unknown.json()["error"]["message"]) == (400, True)
    misspelt = await call("POST", "/_sim/faults", {"fault": "reset", "vendro": "openai"})
    assert (misspelt.status, "vendro" in misspelt.json()["error"]["message"]) == (400, True)
    assert (await call("GET", "/_sim/faults")).json()["faults"] == []


async def test_latency_and_credentials_are_set_and_reset(local: Simulator, call: Ask) -> None:
    await call("POST", "/_sim/latency", {"vendor": "openai", "first_ms": 1, "per_chunk_ms": 2, "chunks": 3})
    await call("POST", "/_sim/credentials", {"vendor": "openai", "values": ["a", "b"]})
    state = (await call("GET", "/_sim/state")).json()
    assert state["latency"] == {"openai": {"first_ms": 1, "per_chunk_ms": 2, "chunks": 3}}
    assert state["credentials"] == {"openai": 2}
    assert (await call("POST", "/_sim/credentials", {"values": "a"})).status == 400
    assert (await call("POST", "/_sim/latency", {"first": 1})).status == 400
    await call("POST", "/_sim/reset")
    assert (await call("GET", "/_sim/state")).json()["credentials"] == {}


async def test_the_ledger_is_read_in_parts_and_cleared(call: Ask) -> None:
    for _ in range(3):
        await call("GET", "/openai/v1/models")
    part = (await call("GET", "/_sim/ledger?limit=2")).json()
    assert [it["seq"] for it in part["entries"]] == [1, 2]
    assert [
        it["seq"] for it in (await call("GET", f"/_sim/ledger?since={part['next']}")).json()["entries"]
    ] == [3]
    await call("DELETE", "/_sim/ledger")
    assert (await call("GET", "/_sim/ledger")).json()["entries"] == []


async def test_state_counts_connections_and_endings(call: Ask) -> None:
    await call("GET", "/openai/v1/models")
    state = (await call("GET", "/_sim/state")).json()
    assert (state["simulated"], state["requests"], state["outcomes"]) == (True, 1, {"answered": 1})
    assert state["connections"]["accepted"] == 2


async def test_idle_connections_are_dropped_on_demand(local: Simulator, call: Ask) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", local.port)
    writer.write(b"GET /generic/status/200 HTTP/1.1\r\nhost: x\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    await reader.readexactly(31)
    assert (await call("POST", "/_sim/connections", {})).json()["dropped"] == 1
    assert await reader.read() == b""
    writer.close()


async def test_an_unknown_route_names_those_that_exist(call: Ask) -> None:
    answer = await call("GET", "/_sim/nothing")
    assert (answer.status, "GET ledger" in answer.json()["error"]["message"]) == (404, True)
