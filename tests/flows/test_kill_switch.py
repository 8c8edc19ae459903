"""The kill switch: keys, credentials and integrations are dead, running streams included, without the console.

That it takes two seconds at most is measured by one slow test, on a machine that does nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.caller import Cut
from tests.support.gateway import Trunkline
from tests.support.polling import eventually
from tests.support.site import SILENCE, Site, reply
from trunkline.control import kills
from trunkline.core.codec import pack_decoder

pytestmark = pytest.mark.row("S4")
Start = Callable[..., Trunkline]
LIMIT_S = 2.0
_stats = pack_decoder(dict[str, Any])
REGISTRY = """
version: 1
integrations:
  site: {base_url: "{site}", secret: env:CRM_TOKEN}
  chat:
    base_url: "{site}"
    secret: env:OPENAI_API_KEY
    dialects: [{name: openai-chat, path: /v1/chat/completions}]
    models: [{id: tiny}]
  pool:
    base_url: "{site}"
    secret: [{ref: env:ANTHROPIC_API_KEY, weight: 1000}, {ref: env:GEMINI_API_KEY}]
"""
EVENT = b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n'
ENDLESS = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n",
    *[EVENT] * 200,
)
CHAT = {"model": "chat/tiny", "stream": True, "messages": []}


def test_a_revoked_key_is_dead_and_its_running_streams_with_it(start: Start, site: Site) -> None:
    trunkline = start(REGISTRY)
    key = trunkline.new_key("leaked", "*")
    key_id = kills.key_id(trunkline.state, "leaked")
    site.paced(0.1, *ENDLESS)
    site.script.append(ENDLESS)
    with (
        trunkline.stream("POST", "/v1/chat/completions", CHAT, key=key) as dead,
        trunkline.stream("POST", "/v1/chat/completions", CHAT) as other,
    ):
        assert EVENT in dead.piece()
        other.piece()
        kills.append(trunkline.state, "key", key_id)
        rest = dead.rest()
        refused = trunkline.call("GET", "/api/proxy/site/x", key=key)
        assert other.piece()

    assert refused.status == 401
    assert b"was revoked" in rest
    assert b"[DONE]" not in rest
    assert trunkline.recorded(dead).end.code == "unauthenticated"
    assert eventually(lambda: site.gone, "the vendor's connection to be closed")


def test_a_disabled_integration_is_dead_and_its_running_streams_with_it_until_it_is_enabled(
    start: Start, site: Site
) -> None:
    trunkline = start(REGISTRY)
    site.paced(0.1, *ENDLESS)
    with trunkline.stream("GET", "/api/proxy/site/slow") as running:
        running.piece()
        kills.append(trunkline.state, "integration", "site", why="wrong amounts")
        with pytest.raises(Cut):
            running.rest()
    site.reset()
    refused = trunkline.call("POST", "/api/proxy/site/x", b"{}")
    asked = len(site.seen)
    health = trunkline.call("GET", "/health?detail=1").json

    assert (refused.status, refused.json["code"], asked) == (503, "disabled", 0)
    assert "wrong amounts" in refused.json["message"]
    assert health["integrations"]["site"] == "down"
    assert "wrong amounts" in health["details"]["site"]["reason"]

    kills.append(trunkline.state, "integration", "site", dead=False)
    eventually(lambda: trunkline.call("GET", "/api/proxy/site/x").status == 200, "it to be called again")


def test_it_stays_disabled_over_a_reload_and_a_restart(start: Start, site: Site) -> None:
    trunkline = start(REGISTRY)
    kills.append(trunkline.state, "integration", "site")
    eventually(lambda: trunkline.call("GET", "/api/proxy/site/x").status == 503, "it to be disabled")
    trunkline.reload(
        trunkline.config.read_text() + "  more: {base_url: 'https://x.test', auth: {kind: none}}\n"
    )
    assert trunkline.call("GET", "/api/proxy/site/x").json["code"] == "disabled"
    trunkline.stop()
    trunkline.spawn()
    assert trunkline.call("GET", "/api/proxy/site/x").json["code"] == "disabled"


def test_a_revoked_credential_is_dead_and_its_pool_serves_on(start: Start, site: Site) -> None:
    trunkline = start(REGISTRY)
    kills.append(trunkline.state, "credential", "env:ANTHROPIC_API_KEY")
    kills.append(trunkline.state, "credential", "env:CRM_TOKEN")
    eventually(lambda: trunkline.call("GET", "/api/proxy/site/x").status == 503, "it to be refused")
    site.reset()
    pooled = [trunkline.call("POST", "/api/proxy/pool/x", b"{}").status for _ in range(5)]

    assert pooled == [200] * 5
    assert {seen.field("authorization") for seen in site.seen} == {"Bearer gemini-test-not-a-real-key"}
    assert trunkline.call("GET", "/api/proxy/site/x").json["code"] == "secret_unavailable"


def test_a_call_that_waits_to_try_again_does_not_reach_what_was_disabled_meanwhile(
    start: Start, site: Site
) -> None:
    trunkline = start(
        "version: 1\nintegrations:\n"
        '  site: {base_url: "{site}", auth: {kind: none}, retry: {backoff: 5s, backoff_max: 5s}}\n'
    )
    busy = reply(b'{"error":{"message":"busy"}}', "retry-after: 2", status="503 Service Unavailable")
    site.script.extend([busy, busy, busy, busy])
    with trunkline.unanswered("GET", "/api/proxy/site/x") as line:
        eventually(lambda: len(site.seen) == 1, "the first attempt")
        kills.append(trunkline.state, "integration", "site")
        answer = line.answer()

    assert (answer.status, answer.json["code"], len(site.seen)) == (503, "disabled", 1)


def test_calls_that_wait_in_line_are_told_and_never_sent(start: Start, site: Site) -> None:
    trunkline = start(
        'version: 1\nintegrations:\n  site: {base_url: "{site}", auth: {kind: none}, limits: [{concurrency: 1}]}\n'
    )
    key = trunkline.new_key("leaked", "*")
    key_id = kills.key_id(trunkline.state, "leaked")
    site.script.append(SILENCE)
    with (
        trunkline.unanswered("GET", "/api/proxy/site/1"),
        ThreadPoolExecutor(2) as pool,
    ):
        eventually(lambda: len(site.seen) == 1, "the place to be taken")
        of_key = pool.submit(trunkline.call, "GET", "/api/proxy/site/2", key=key)
        of_site = pool.submit(trunkline.call, "GET", "/api/proxy/site/3")
        eventually(lambda: waiting(trunkline) == 2, "both to wait")
        kills.append(trunkline.state, "key", key_id)
        revoked = of_key.result()
        kills.append(trunkline.state, "integration", "site")
        disabled = of_site.result()
    assert [(heard.status, heard.json["code"]) for heard in (revoked, disabled)] == [
        (401, "unauthenticated"),
        (503, "disabled"),
    ]
    ends = [trunkline.recorded(heard).end for heard in (revoked, disabled)]
    assert [(end.state, end.code) for end in ends] == [("error", "unauthenticated"), ("error", "disabled")]
    assert len(site.seen) == 1


def waiting(trunkline: Trunkline) -> int:
    """How many calls stand in line, as the gateway wrote it last."""
    try:
        found = _stats.decode((trunkline.state.path / "gateway.stats").read_bytes())["queue_waiting"]
    except FileNotFoundError:
        return 0
    return int(found.get("site", 0))


@pytest.mark.slow
def test_it_takes_two_seconds_at_most(start: Start, site: Site) -> None:
    trunkline = start(REGISTRY)
    key = trunkline.new_key("leaked", "*")
    key_id = kills.key_id(trunkline.state, "leaked")

    def status(key: str | None = None) -> int:
        return trunkline.call("GET", "/api/proxy/site/x", key=key).status

    commands: list[tuple[kills.What, str, bool, Callable[[], bool]]] = [
        ("key", key_id, True, lambda: status(key) == 401),
        ("integration", "site", True, lambda: status() == 503),
        ("integration", "site", False, lambda: status() == 200),
        ("credential", "env:CRM_TOKEN", True, lambda: status() == 503),
    ]
    took: dict[str, float] = {}
    site.paced(0.1, *ENDLESS)
    with trunkline.stream("POST", "/v1/chat/completions", CHAT, key=key) as running:
        running.piece()
        for kind, name, dead, holds in commands:
            began = time.monotonic()
            kills.append(trunkline.state, kind, name, dead=dead)
            if kind == "key":
                assert b"was revoked" in running.rest()
            eventually(holds, f"{kind} {name}")
            took[f"{kind} {dead}"] = time.monotonic() - began
    assert {what: seconds for what, seconds in took.items() if seconds >= LIMIT_S} == {}
