"""The generators and the upstream of the suite, on sockets of this process or on none."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest

from benchmarks import open_loop, peers
from benchmarks.__main__ import arguments
from benchmarks.payload import ANSWER, CHAT, STREAM, TOKEN, chunk, framed, image_chat, request
from benchmarks.upstream import HEAD, LAST, ROLE, WHOLE, Plan, Upstream
from benchmarks.upstream import TOKEN as TOKEN_CHUNK
from benchmarks.wrk import lua
from tests.support.site import Site, reply, running_site


def plan(site: Site, **changed: Any) -> dict[str, Any]:
    return {
        "port": site.port,
        "target": "/v1/chat/completions",
        "fields": {"authorization": "Bearer tl_test"},
        "model": "gpt-4o-mini",
        "kind": "chat",
        "rate": 400,
        "seconds": 0.2,
        "warm_s": 0.05,
        "connections": 4,
        **changed,
    }


def test_the_load_has_the_size_that_the_figures_are_about() -> None:
    fields = {"content-type": "application/json", "authorization": "Bearer tl_" + 43 * "x"}
    assert 400 <= len(request("/v1/chat/completions", "127.0.0.1:4000", fields, CHAT.encode())) <= 500
    assert 650 <= len(ANSWER) <= 750
    assert json.loads(STREAM) == {**json.loads(CHAT), "stream": True}


def test_an_image_body_is_json_with_its_model_at_the_end() -> None:
    body = image_chat(100_000, "images/picture-1")
    assert len(body) == 100_000
    assert list(json.loads(body)) == ["messages", "model"]
    assert json.loads(body)["model"] == "images/picture-1"


def test_every_call_is_made_and_counted_from_the_end_of_the_warm_up() -> None:
    with running_site() as site:
        told = open_loop.run(plan(site))
        seen = [(each.line, each.field("authorization"), each.json["model"]) for each in site.seen]
    assert seen == [("POST /v1/chat/completions HTTP/1.1", "Bearer tl_test", "gpt-4o-mini")] * 100
    assert len(told["latencies_ms"]) == 80
    assert told["latencies_ms"] == sorted(told["latencies_ms"])


def test_a_call_that_is_refused_ends_the_run() -> None:
    with running_site() as site:
        site.script.append(reply(b"{}", status="503 Service Unavailable"))
        with pytest.raises(ConnectionError, match="503 Service Unavailable"):
            open_loop.run(plan(site))


def test_streams_are_timed_to_their_first_token() -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    with running_site() as site:
        site.script.extend([(head + ROLE, TOKEN_CHUNK, LAST)] * 100)
        told = open_loop.run(plan(site, kind="stream"))
    assert len(told["latencies_ms"]) == 80


class Wrote(list[bytes]):
    """A transport that keeps what is written."""

    write = list.append

    def get_extra_info(self, name: str) -> Any:
        return self

    def setsockopt(self, *option: int) -> None:
        self.option = option


def upstream(hold: bool = False) -> tuple[Plan, Upstream, Wrote]:
    plan, wrote = Plan(2, hold), Wrote()
    protocol = Upstream(plan)
    protocol.connection_made(cast(Any, wrote))
    return plan, protocol, wrote


Wrote.__hash__ = object.__hash__  # type: ignore[method-assign,assignment]


@pytest.mark.parametrize("pieces", [1, 2, 7, 1000])
def test_the_upstream_answers_when_the_whole_body_has_come(pieces: int) -> None:
    wire = request("/", "127.0.0.1", {"content-type": "application/json"}, CHAT.encode())
    size = -(-len(wire) // pieces)
    _, protocol, wrote = upstream()
    for start in range(0, len(wire), size):
        assert wrote == []
        protocol.data_received(wire[start : start + size])
    assert wrote == [WHOLE]


def test_the_upstream_streams_a_chunk_a_tick() -> None:
    plan, protocol, wrote = upstream()
    protocol.data_received(request("/", "127.0.0.1", {}, STREAM.encode()))
    assert wrote == [HEAD + ROLE, TOKEN_CHUNK]
    for _ in range(4):
        plan.tick()
    assert wrote == [HEAD + ROLE, TOKEN_CHUNK, TOKEN_CHUNK, LAST]
    assert plan.open == {}


def test_a_held_stream_stays_after_its_first_token() -> None:
    plan, protocol, wrote = upstream(hold=True)
    protocol.data_received(request("/", "127.0.0.1", {}, STREAM.encode()))
    plan.tick()
    assert wrote == [HEAD + ROLE, TOKEN_CHUNK]


def test_a_chunk_is_an_event_of_a_chat_stream() -> None:
    event = json.loads(chunk("token").removeprefix(b"data: "))
    assert event["choices"][0]["delta"] == {"content": "token"}
    assert TOKEN in chunk("token one")
    assert TOKEN not in chunk("", first=True)
    assert framed(b"abc") == b"3\r\nabc\r\n"


def test_wrk_gets_the_body_as_it_is() -> None:
    assert lua('{"a":"]]\\n"}') == '[==[{"a":"]]\\n"}]==]'


def test_unknown_names_are_refused_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    for given in (["--only", "calls,speed"], ["--peers", "speed"]):
        with pytest.raises(SystemExit):
            arguments(given)
        assert "speed is not known; choose from" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        arguments(["--command", "mine=mine --port 1"])
    assert "write NAME=COMMAND with {port} and {upstream} in the command" in capsys.readouterr().err
    assert arguments(["--command", "mine=mine {port} {upstream}"]).command == [
        ("mine", "mine {port} {upstream}")
    ]
    chosen = arguments(["--only", "calls, start", "--peers", "litellm", "--quick"])
    assert (chosen.only, chosen.peers, chosen.quick, chosen.pairs) == ("calls, start", "litellm", True, 0)


def test_peers_are_pinned_to_a_version_and_never_to_one_that_was_withdrawn() -> None:
    assert peers.LITELLM.partition("==")[2] not in ("", "1.82.7", "1.82.8", "1.107.0")
    assert peers.PORTKEY.rpartition("@")[2][0].isdigit()
    assert set(peers.PEERS) == {"litellm", "portkey"}
