from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from typing import Any

import pytest

from trunkline.console.guard import allowed_hosts

Ask = Callable[..., Any]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:4001", 200),
        ("localhost:4001", 200),
        ("LOCALHOST", 200),
        ("[::1]:4001", 200),
        ("evil.example", 403),
        ("127.0.0.1.evil.example:4001", 403),
        ("localhost.evil.example", 403),
        ("127.0.0.1:4001@evil.example", 400),
        ("127.0.0.1/api", 400),
        ("127.0.0.1:4001:4001", 400),
        ("", 400),
    ],
)
async def test_the_console_answers_only_under_its_own_names(ask: Ask, host: str, status: int) -> None:
    answer = await ask("/api/calls", ("host", host))
    assert answer.status == status
    assert (b"call_id" in answer.body) is (status == 200)


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://127.0.0.1:4001", 200),
        ("https://127.0.0.1:4001", 200),
        ("http://127.0.0.1:4000", 403),
        ("http://localhost:4001", 403),
        ("https://evil.example", 403),
        ("null", 403),
        ("", 403),
    ],
)
async def test_a_foreign_page_may_not_ask(ask: Ask, origin: str, status: int) -> None:
    assert (await ask("/api/calls", ("origin", origin))).status == status


async def test_two_hosts_or_two_framings_are_refused(ask: Ask) -> None:
    hosts = await ask("/api/calls", ("host", "127.0.0.1"), ("host", "127.0.0.1"))
    framing = await ask("/api/calls", ("content-length", "1"), ("transfer-encoding", "chunked"))
    assert (hosts.status, framing.status, hosts.json()["code"]) == (400, 400, "invalid_request")


def test_declared_names_are_added_and_a_wildcard_address_is_none() -> None:
    loopback = {"127.0.0.1", "localhost", "[::1]"}
    assert allowed_hosts("10.0.0.5", ["Console.example"]) == loopback | {"10.0.0.5", "console.example"}
    assert allowed_hosts("0.0.0.0") == loopback
    assert allowed_hosts("fd00::5") == loopback | {"[fd00::5]"}


@pytest.mark.parametrize("target", ["/", "/api/calls", "/nothing"])
async def test_every_answer_carries_the_security_headers(ask: Ask, target: str) -> None:
    headers = (await ask(target)).headers
    assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert (headers["x-content-type-options"], headers["x-frame-options"], headers["referrer-policy"]) == (
        "nosniff", "DENY", "no-referrer"
    )  # fmt: skip
    assert (headers["cache-control"], headers["cross-origin-resource-policy"]) == ("no-store", "same-origin")


async def test_the_style_in_the_pages_is_the_one_that_the_policy_allows(ask: Ask) -> None:
    for signed in (True, False):
        answer = await ask("/", signed=signed)
        found = re.search(r"<style>(.*?)</style>", answer.body.decode(), re.DOTALL)
        assert found
        digest = base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()
        assert f"'sha256-{digest}'" in answer.headers["content-security-policy"]
