"""One question to a store: bounded, encrypted, and never led elsewhere."""

from __future__ import annotations

import pytest

from tests.support.store_servers import answering
from trunkline.plugins.secrets import StoreDown
from trunkline.plugins.secrets.asking import ANSWER_MAX, Asking, is_local


@pytest.mark.parametrize("status", [302, 307, 500, 503, 429])
def test_a_redirect_or_a_busy_server_is_no_answer(status: int) -> None:
    with answering() as server:
        server.on("GET", "/x", status, {})
        with pytest.raises(StoreDown, match=f"answered {status}") as down:
            Asking("store").ask("GET", f"{server.address}/x", {"authorization": "not-real"})
        assert down.value.away
        assert len(server.seen) == 1


def test_an_answer_without_end_is_cut() -> None:
    with answering() as server:
        server.on("GET", "/x", 200, "x" * (ANSWER_MAX + 10))
        with pytest.raises(StoreDown, match="more than 1 MB"):
            Asking("store").ask("GET", f"{server.address}/x")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://store.example.com/", "without encryption"),
        ("ftp://store.example.com/", "no http"),
        ("https://", "no http"),
    ],
)
def test_addresses_that_may_not_be_asked(url: str, says: str) -> None:
    with pytest.raises(StoreDown, match=says):
        Asking("store").ask("GET", url)


def test_a_refusal_is_an_answer_and_its_body_can_be_read() -> None:
    with answering() as server:
        server.on("POST", "/x", 404, {"errors": ["none"]})
        answer = Asking("store").ask("POST", f"{server.address}/x", body={"a": 1})
        assert (answer.status, answer.get("errors"), answer.get("a", "b")) == (404, ["none"], None)
        assert repr(answer) == "Answer(404)"
        assert server.seen[0].headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("169.254.169.254", True),
        ("localhost", True),
        ("10.0.0.1", False),
        ("a.example", False),
    ],
)
def test_what_no_proxy_leads_to(host: str, local: bool) -> None:
    assert is_local(host) is local


def test_a_private_authority_that_is_not_there_is_said() -> None:
    with pytest.raises(StoreDown, match="No such file"):
        Asking("store", ca_file="/nonexistent/ca.pem").ask("GET", "https://127.0.0.1:1/")
