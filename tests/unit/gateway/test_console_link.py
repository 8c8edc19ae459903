"""What the console is told of whom the gateway serves it to (`--one-port`)."""

from __future__ import annotations

from typing import Any, cast

import pytest

from trunkline.gateway.console_link import FROM, ConsoleLink, led_back
from trunkline.plugins.policies.grants import address_seal
from trunkline.testing import request

KEY = b"k" * 32


def head(*headers: tuple[str, str], key: bytes = KEY) -> dict[bytes, list[bytes]]:
    link = ConsoleLink(cast(Any, None), "127.0.0.1", 4001, lambda *_: None, token_key=lambda: key)
    lines = link._head(request("POST", "/console/sign-in", b"", *headers)).split(b"\r\n")
    found: dict[bytes, list[bytes]] = {b"": [lines[0]]}
    for line in lines[1:]:
        name, _, value = line.partition(b": ")
        if name:
            found.setdefault(name, []).append(value)
    return found


@pytest.mark.row("W1")
def test_the_callers_address_goes_along_under_a_seal_and_nothing_that_a_caller_says_of_it() -> None:
    told = head((FROM.decode(), "192.0.2.1 forged"), ("x-forwarded-for", "192.0.2.1"), ("cookie", "a=b"))
    peer = request().peer
    assert told[b""] == [b"POST /sign-in HTTP/1.1"]
    assert told[FROM] == [f"{peer} {address_seal(peer, KEY)}".encode()]
    assert (told[b"cookie"], b"x-forwarded-for" in told) == ([b"a=b"], False)


def test_without_a_key_nothing_is_sealed() -> None:
    assert FROM not in head((FROM.decode(), "192.0.2.1 forged"), key=b"")


def test_redirects_and_cookies_stay_below_the_path() -> None:
    assert led_back(b"location", b"/sign-in") == (b"location", b"/console/sign-in")
    cookie = b"trunkline_session=x; HttpOnly; Path=/; SameSite=strict"
    assert (
        led_back(b"set-cookie", cookie, secure=True)[1]
        == b"trunkline_session=x; HttpOnly; Path=/console/; SameSite=strict; Secure"
    )
