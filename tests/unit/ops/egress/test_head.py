"""Reading what a client of the CONNECT listener asks."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.ops.egress.head import Asked, Refused, answer, read

KEY = "tl_not_a_real_key"


def head(line: str, *fields: str) -> bytes:
    return "\r\n".join([line, *fields]).encode("latin-1")


def basic(text: str) -> str:
    return "Proxy-Authorization: Basic " + base64.b64encode(text.encode()).decode()


def refusal(*parts: str) -> tuple[int, str]:
    with pytest.raises(Refused) as caught:
        read(head(*parts))
    return caught.value.status, caught.value.code


@pytest.mark.parametrize(
    ("field", "key"),
    [
        (basic(f"{KEY}:"), KEY),
        (basic(f"anybody:{KEY}"), KEY),
        (basic(f"{KEY}:x"), KEY),
        (f"Proxy-Authorization: Bearer {KEY}", KEY),
        ("Proxy-Authorization: Digest x", ""),
        ("X-Other: 1", ""),
    ],
)
def test_a_key_is_taken_from_every_place_where_clients_put_it(field: str, key: str) -> None:
    assert (
        read(head("CONNECT api.example.com:443 HTTP/1.1", "Host: api.example.com:443", field)).key
        == key.encode()
    )


def test_hosts_are_compared_in_one_form() -> None:
    asked = [
        read(head(f"CONNECT {target} HTTP/1.1"))
        for target in ("API.Example.com.:443", "[::1]:8443", "[0:0:0:0:0:0:0:1]:8443")
    ]
    assert [(one.host, one.port) for one in asked] == [("api.example.com", 443), ("::1", 8443), ("::1", 8443)]


@pytest.mark.row("R7")
def test_plain_requests_name_a_host_too() -> None:
    assert read(head("GET http://api.example.com/x HTTP/1.1")) == Asked("api.example.com", 80, b"", True)


@pytest.mark.parametrize(
    "target",
    [
        "api.example.com",
        "api.example.com:",
        "api.example.com:0",
        "api.example.com:99999",
        ":443",
        "user@api.example.com:443",
        "2130706433:443",
        "0x7f.1:443",
        "127.1:443",
        "017700000001:443",
        "[::1%25lo]:443",
        "a..b:443",
        "-a.b_:443x",
        "exa%6dple.com:443",
        "é.com:443",
        "api.example.com:+443",
        "[127.0.0.1]:443",
    ],
)
def test_targets_in_any_other_form_are_refused(target: str) -> None:
    assert refusal(f"CONNECT {target} HTTP/1.1")[0] == 400


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        (("GET / HTTP/1.1", "Host: x"), 405),
        (("GET ftp://x/ HTTP/1.1",), 405),
        (("CONNECT a.b:1 HTTP/2.0",), 400),
        (("nonsense",), 400),
        (("CONNECT a.b:1 HTTP/1.1", "bad field"), 400),
        (("CONNECT a.b:1 HTTP/1.1", " folded: x"), 400),
        (("CONNECT a.b:1 HTTP/1.1", *["a: b"] * 65), 431),
        (("CONNECT a.b:1 HTTP/1.1", "Proxy-Authorization: Basic ???"), 400),
    ],
)
def test_what_is_no_request_of_a_proxy_is_refused(parts: tuple[str, ...], status: int) -> None:
    assert refusal(*parts)[0] == status


def test_an_answer_says_why_in_our_shape_of_errors() -> None:
    said = answer(
        403,
        Refused(403, "undeclared_host", "Not declared.", action="Declare it."),
        reason="Host Not Declared",
    )
    top, _, body = said.partition(b"\r\n\r\n")
    assert top.startswith(b"HTTP/1.1 403 Host Not Declared\r\n")
    assert json.loads(body) == {
        "source": "trunkline",
        "code": "undeclared_host",
        "message": "Not declared.",
        "retryable": False,
        "action": "Declare it.",
    }
    assert b"proxy-authenticate: Basic" in answer(407, Refused(407, "unauthenticated", "x"))


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        asked = read(data)
    except Refused:
        return
    assert asked.host == asked.host.lower()
    assert 0 < asked.port < 65536
