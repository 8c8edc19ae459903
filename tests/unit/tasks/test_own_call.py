"""The worker's call to its own gateway: where it listens, what comes back, what breaks, and how it is cut."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.site import CLOSE, RESET, SILENCE, Site, reply, running_site
from trunkline.tasks.own_call import Away, Broken, OwnGateway, Reply


@pytest.fixture
def site() -> Iterator[Site]:
    with running_site() as running:
        yield running


@pytest.fixture
def state(tmp_path: Path, site: Site) -> Path:
    (tmp_path / "gateway.json").write_text(json.dumps({"port": site.port}))
    return tmp_path


def ask(
    state: Path,
    *,
    answer_max: int = 100,
    on_cancel: Callable[[Any], None] = lambda act: None,
    body: bytes = b"",
) -> Reply:
    headers = [("x-a", "1"), ("x-a", "ü")]
    return OwnGateway(state).call(
        "POST", "/x?y=%20", headers, body, answer_max=answer_max, on_cancel=on_cancel
    )


def test_it_sends_what_it_is_given_and_gives_what_came(state: Path, site: Site) -> None:
    site.script.append(reply(b"hi", "X-B: 1", "x-b: 2", status="418 Teapot"))
    found = ask(state, body=b"\0body")
    assert (found.status, found.body, found.omitted) == (418, b"hi", False)
    assert [value for name, value in found.fields if name == "x-b"] == ["1", "2"]
    seen = site.last
    assert (seen.line, seen.body) == ("POST /x?y=%20 HTTP/1.1", b"\0body")
    assert [value for name, value in seen.fields if name == "x-a"] == ["1", "ü"]
    assert (seen.field("content-length"), seen.field("accept-encoding")) == ("5", None)


def test_an_empty_act_says_so(state: Path, site: Site) -> None:
    ask(state)
    assert site.last.field("content-length") == "0"


def test_an_answer_that_is_too_long_is_read_to_its_end_and_left_out(state: Path, site: Site) -> None:
    site.script.append(reply(b"x" * 101))
    assert ask(state) == Reply(
        200, [("content-type", "application/json"), ("content-length", "101")], b"", True
    )
    site.script.append(reply(b"x" * 100))
    assert ask(state).body == b"x" * 100


@pytest.mark.parametrize(
    "played", [RESET, CLOSE, b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\ncut", b"garbage\r\n\r\n"]
)
def test_what_breaks_is_told_apart_from_what_never_began(state: Path, site: Site, played: bytes) -> None:
    site.script.append((played, CLOSE) if not played.startswith(b"\0") else played)
    with pytest.raises(Broken, match=r"broke|was cut"):
        ask(state)


def test_a_gateway_that_does_not_listen_is_away(tmp_path: Path) -> None:
    with pytest.raises(Away, match="has not said where"):
        ask(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (tmp_path / "gateway.json").write_text(json.dumps({"port": port}))
    with pytest.raises(Away, match=f"nothing answers on 127.0.0.1:{port}"):
        ask(tmp_path)


def test_it_listens_everywhere_so_it_is_asked_here(state: Path, site: Site) -> None:
    (state / "serve.json").write_text(json.dumps({"host": "0.0.0.0", "port": 1, "tls": False}))
    assert ask(state).status == 200
    (state / "serve.json").write_text("{cut")
    assert ask(state).status == 200


def test_another_thread_cuts_it(state: Path, site: Site) -> None:
    site.script.append(SILENCE)
    cut: list[Callable[[], None]] = []
    threading.Thread(target=lambda: (_wait(lambda: bool(site.seen)), cut[0]()), daemon=True).start()
    with pytest.raises(Broken):
        ask(state, on_cancel=cut.append)
    cut[0]()  # once more, when it is gone, does nothing


def _wait(holds: Callable[[], bool]) -> None:
    from tests.support.polling import eventually

    eventually(holds, "the request")
