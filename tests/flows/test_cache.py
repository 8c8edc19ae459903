"""The cache in whole processes: hits, many at once, tenants, stale answers, being told to forget."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.caller import Answer
from tests.support.folders import contents
from tests.support.gateway import Call, Trunkline, running_trunkline
from tests.support.polling import eventually
from tests.support.simulator import SimulatorProcess
from tests.support.site import Site
from trunkline.control import forget

REGISTRY = """
version: 1
cache: {{size: 8MB}}
defaults: {{retry: {{attempts: 1}}, breaker: {{volume: 1000}}}}
integrations:
  openai: {{base_url: "{simulator}/openai", secret: "env:OPENAI_API_KEY", cache: {{ttl: 1h}}}}
  shop: {{base_url: "{site}", auth: {{kind: none}}, cache: {{ttl: 1h, scope: team}}}}
  brief: {{base_url: "{site}", auth: {{kind: none}}, cache: {{ttl: 1ms, stale_while_revalidate: 1h}}}}
  frail: {{base_url: "{site}", auth: {{kind: none}}, cache: {{ttl: 1ms, stale_if_error: 1h}}}}
models:
  quick: {{target: openai/gpt-4o-mini}}
"""
CHAT = "/v1/chat/completions"
JSON = b"content-type: application/json\r\n"
AGE = re.compile(r"; age=\d+$")


@pytest.fixture(scope="module")
def keeping(
    tmp_path_factory: pytest.TempPathFactory, simulator_process: SimulatorProcess, site_process: Site
) -> Iterator[Trunkline]:
    """A gateway whose integrations have caches."""
    registry = REGISTRY.format(simulator=simulator_process.address(), site=site_process.address)
    with running_trunkline(tmp_path_factory.mktemp("keeping"), registry) as running:
        yield running


def asking(words: str, **more: object) -> bytes:
    return json.dumps({"model": "quick", "messages": [{"role": "user", "content": words}], **more}).encode()


def answer(status: int, body: bytes, *lines: bytes) -> bytes:
    head = b"HTTP/1.1 %d X\r\n%b%bcontent-length: %d\r\n\r\n" % (status, JSON, b"".join(lines), len(body))
    return head + body


def told(heard: Answer) -> str | None:
    """What is said of the cache, without the age of what it gave: a busy machine makes that a second or more."""
    said = heard.field("x-trunkline-cache")
    return AGE.sub("; age=n", said) if said else None


def at_once(calls: int, one: Callable[[], Answer]) -> list[Answer]:
    with ThreadPoolExecutor(64) as pool:
        return list(pool.map(lambda _: one(), range(calls)))


@pytest.mark.row("F11")
def test_the_second_of_two_equal_calls_reaches_no_vendor_and_costs_nothing(
    keeping: Trunkline, simulator: SimulatorProcess
) -> None:
    first = keeping.call("POST", CHAT, asking("hello"))
    second = keeping.call("POST", CHAT, b" " + asking("hello").replace(b", ", b","))
    assert (first.status, second.status, second.body) == (200, 200, first.body)
    assert (told(first), told(second)) == ("miss", "hit; age=n")
    assert (second.field("x-trunkline-cost-usd"), second.field("x-trunkline-attempts")) == ("0", "0")
    assert len(simulator.ledger(vendor="openai")) == 1


@pytest.mark.row("F11")
def test_a_stream_is_given_again_event_by_event(keeping: Trunkline, simulator: SimulatorProcess) -> None:
    body = asking("a stream", stream=True)
    first, second = keeping.call("POST", CHAT, body), keeping.call("POST", CHAT, body)
    assert first.body.endswith(b"data: [DONE]\n\n")
    assert (second.body, second.field("content-type"), told(second)) == (
        first.body,
        first.field("content-type"),
        "hit; age=n",
    )
    assert second.field("transfer-encoding") == "chunked"


@pytest.mark.row("F10", "F11")
def test_a_thousand_equal_calls_at_once_are_one_at_the_vendor(
    keeping: Trunkline, simulator: SimulatorProcess
) -> None:
    simulator.latency("openai", first_ms=300)
    heard = at_once(1000, lambda: keeping.call("POST", CHAT, asking("all at once")))
    simulator.latency("openai", first_ms=0)
    assert {h.status for h in heard} == {200}
    assert len({h.body for h in heard}) == 1
    assert len(simulator.ledger(vendor="openai")) == 1
    assert sum(told(h) == "miss" for h in heard) == 1


@pytest.mark.row("F11")
def test_no_tenant_gets_anothers_answer(keeping: Trunkline, site: Site) -> None:
    keys = [
        keeping.new_key(name, "*", team=team)
        for name, team in (("a1", "a"), ("a2", "a"), ("b1", "b"), ("c1", ""), ("c2", ""))
    ]
    site.script.extend(answer(200, b'{"for":"%b"}' % name) for name in (b"a1", b"b1", b"c1", b"c2"))
    heard = [keeping.call("GET", "/api/proxy/shop/me", key=key) for key in keys]
    assert [h.json["for"] for h in heard] == ["a1", "a1", "b1", "c1", "c2"]
    assert [told(h) for h in heard] == ["miss", "hit; age=n", "miss", "miss", "miss"]


@pytest.mark.row("F11")
def test_another_account_at_the_vendor_is_another_question(keeping: Trunkline, site: Site) -> None:
    site.script.extend([answer(200, b'{"n":1}'), answer(200, b'{"n":2}')])
    heard = [
        keeping.call("GET", "/api/proxy/shop/x", headers={"stripe-account": name})
        for name in ("acct_1", "acct_2", "acct_1")
    ]
    assert [h.json["n"] for h in heard] == [1, 2, 1]


@pytest.mark.row("F11")
@pytest.mark.parametrize(
    "line", ["set-cookie: a=b", "cache-control: private", "cache-control: no-store", "vary: *"]
)
def test_what_the_vendor_ties_to_one_client_is_not_kept(keeping: Trunkline, site: Site, line: str) -> None:
    site.script.extend([answer(200, b"{}", line.encode() + b"\r\n")] * 2)
    target = f"/api/proxy/shop/{line.partition(': ')[2].strip('*=')}"
    assert [told(keeping.call("GET", target)) for _ in range(2)] == ["miss", "miss"]


@pytest.mark.row("F11")
def test_failures_promises_and_acts_are_not_kept(keeping: Trunkline, site: Site) -> None:
    for status in (201, 202, 404, 500):
        site.script.extend([answer(status, b"{}")] * 2)
        heard = [keeping.call("GET", f"/api/proxy/shop/status/{status}") for _ in range(2)]
        assert [(h.status, told(h)) for h in heard] == [(status, "miss")] * 2
    heard = [keeping.call("POST", "/api/proxy/shop/act", b"{}") for _ in range(2)]
    assert [told(h) for h in heard] == [None, None]


@pytest.mark.row("F11")
def test_writing_to_a_path_ends_what_is_kept_of_it(keeping: Trunkline, site: Site) -> None:
    site.script.extend([answer(200, b'{"v":1}'), answer(200, b"{}"), answer(200, b'{"v":2}')])
    assert keeping.call("GET", "/api/proxy/shop/things/1").json == {"v": 1}
    keeping.call("PUT", "/api/proxy/shop/things/1", b'{"v":2}')
    assert keeping.call("GET", "/api/proxy/shop/things/1").json == {"v": 2}


@pytest.mark.row("F11")
def test_a_call_may_say_what_it_wants_of_the_cache(keeping: Trunkline, site: Site) -> None:
    def ask(word: str = "") -> Answer:
        return keeping.call(
            "GET", "/api/proxy/shop/words", headers={"x-trunkline-cache": word} if word else {}
        )

    assert (ask("only-if-cached").status, ask("sometimes").status, site.seen) == (504, 400, [])
    site.script.extend(answer(200, b'{"n":%d}' % n) for n in range(1, 5))
    assert [ask().json["n"], ask("no-store").json["n"], ask().json["n"]] == [1, 2, 1]
    assert [ask("no-cache").json["n"], ask("only-if-cached").json["n"]] == [3, 3]
    assert all("x-trunkline-cache" not in seen.names for seen in site.seen)


def no_longer_fresh(keeping: Trunkline, target: str, **more: Any) -> Answer:
    """The first answer that is no hit: a millisecond is soon over."""
    heard = keeping.call("GET", target, **more)
    while (told(heard) or "").startswith("hit"):
        heard = keeping.call("GET", target, **more)
    return heard


@pytest.mark.row("F11")
def test_an_old_answer_is_given_while_a_new_one_is_fetched(keeping: Trunkline, site: Site) -> None:
    site.script.extend([answer(200, b'{"n":1}'), answer(200, b'{"n":2}')])
    assert keeping.call("GET", "/api/proxy/brief/x").json == {"n": 1}
    old = no_longer_fresh(keeping, "/api/proxy/brief/x", headers={"x-correlation-id": "mine"})
    assert (old.json, told(old)) == ({"n": 1}, "stale; age=n")

    def in_the_background() -> list[Call]:
        return [c for c in keeping.calls().values() if c.begin.correlation_id == "mine.refresh" and c.ends]

    eventually(lambda: bool(in_the_background()), "the call in the background")
    (refresh,) = in_the_background()
    assert (refresh.end.notes, refresh.end.state, len(refresh.end.tried)) == ("cache=refresh", "ok", 1)
    assert keeping.call("GET", "/api/proxy/brief/x").json == {"n": 2}


@pytest.mark.row("F4", "F11", "H1")
def test_when_the_vendor_fails_the_old_answer_is_given_and_health_says_so(
    keeping: Trunkline, site: Site
) -> None:
    site.script.extend([answer(200, b'{"n":1}'), *[answer(503, b"{}")] * 3])
    assert keeping.call("GET", "/api/proxy/frail/x").json == {"n": 1}
    stale = no_longer_fresh(keeping, "/api/proxy/frail/x")
    assert (stale.status, stale.json, stale.field("x-trunkline-fallback")) == (200, {"n": 1}, "stale")
    assert told(stale) == "stale; age=n"
    detail = keeping.call("GET", "/health?detail=1").json["details"]["frail"]
    assert detail["status"] in ("degraded", "down")
    assert "stale" in json.dumps(detail)
    eventually(
        lambda: "frail" in forget.stats(keeping.state, time.time())["stale_served"], "the number of it"
    )


@pytest.mark.row("F11")
def test_answers_are_forgotten_when_told(keeping: Trunkline, site: Site) -> None:
    site.script.extend([answer(200, b'{"n":1}'), answer(200, b'{"n":2}')])
    assert keeping.call("GET", "/api/proxy/shop/gone").json == {"n": 1}
    forget.clear(keeping.state, "openai")
    assert keeping.call("GET", "/api/proxy/shop/gone").json == {"n": 1}
    assert forget.clear(keeping.state, "shop") >= 1
    assert keeping.call("GET", "/api/proxy/shop/gone").json == {"n": 2}


def test_nothing_of_an_answer_reaches_the_disk_and_a_restart_forgets_it(
    tmp_path: Path, simulator: SimulatorProcess, site: Site
) -> None:
    registry = REGISTRY.format(simulator=simulator.address(), site=site.address)
    with ExitStack() as stack:
        own = stack.enter_context(running_trunkline(tmp_path, registry))
        site.script.extend([answer(200, b'{"secret":"of-the-answer"}'), answer(200, b'{"n":2}')])
        own.call("GET", "/api/proxy/shop/private")
        assert told(own.call("GET", "/api/proxy/shop/private")) == "hit; age=n"
        assert not any(b"of-the-answer" in data for data in contents(own.state.path).values())
        own.stop()
        own.spawn()
        assert own.call("GET", "/api/proxy/shop/private").json == {"n": 2}


@pytest.mark.row("F11")
def test_a_changed_configuration_begins_anew(tmp_path: Path, simulator: SimulatorProcess, site: Site) -> None:
    registry = REGISTRY.format(simulator=simulator.address(), site=site.address)
    with running_trunkline(tmp_path, registry) as own:
        site.script.extend([answer(200, b'{"n":1}'), answer(200, b'{"n":2}')])
        own.call("GET", "/api/proxy/shop/x")
        own.reload(registry.replace("quick:", "fast:"))
        assert own.call("GET", "/api/proxy/shop/x").json == {"n": 1}
        own.reload(registry.replace("cache: {ttl: 1h, scope: team}", "cache: {ttl: 2h, scope: team}"))
        assert own.call("GET", "/api/proxy/shop/x").json == {"n": 2}
