"""The head that goes to the vendor, byte for byte."""

from __future__ import annotations

from typing import Any

import pytest

from trunkline.core.call import Caller, Route
from trunkline.core.exchange import Exchange
from trunkline.core.service import ApiVersion, Auth, CallerKey, Header, Service, Snapshot
from trunkline.engine.dispatch import aim
from trunkline.engine.heading import Heading
from trunkline.engine.send import HeadWriter
from trunkline.plugins.adapters import ADAPTERS
from trunkline.testing import SECRET, Heard, request, service, world


def head(spec: Service, *headers: tuple[str, str], length: int | None = -1, **more: Any) -> bytes:
    of = world(Snapshot(version="1", created="", environment="dev", services=[spec]))
    live = of.services[spec.name]
    exchange = Exchange(request("POST", "/", b"", *headers), Heard(), "call-1", 1.0, 2.0)
    exchange.route = Route(live)
    exchange.method, exchange.path, exchange.query = b"POST", b"/things", b""
    for name, value in more.items():
        setattr(exchange, name, value)
    exchange.caller = Caller(CallerKey(id="k", name="k", hash=b""))
    exchange.heading = Heading(exchange, of, object(), None)
    return HeadWriter().head(exchange, aim(live, live.members[0], ""), length)


def lines(head_: bytes) -> list[bytes]:
    assert head_.endswith(b"\r\n\r\n")
    return head_[:-4].split(b"\r\n")


@pytest.mark.row("P1", "K1")
def test_a_whole_head() -> None:
    sent = head(
        service("acme", base_url="https://acme.test:8443/api/"),
        ("X-Custom", "1"),
        ("Accept", "*/*"),
        length=5,
    )
    assert sent == (
        b"POST /api/things HTTP/1.1\r\nhost: acme.test:8443\r\nx-custom: 1\r\naccept: */*\r\n"
        b"authorization: Bearer " + SECRET.encode() + b"\r\naccept-encoding: identity\r\n"
        b"x-correlation-id: call-1\r\ncontent-length: 5\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("length", "end"),
    [
        (None, [b"transfer-encoding: chunked"]),
        (0, [b"content-length: 0"]),
        (7, [b"content-length: 7"]),
        (-1, []),
    ],
)
def test_the_body_is_framed_once(length: int | None, end: list[bytes]) -> None:
    sent = lines(head(service(), ("transfer-encoding", "chunked"), ("content-length", "99"), length=length))
    framing = [line for line in sent if line.startswith((b"content-length", b"transfer-encoding"))]
    assert framing == end


@pytest.mark.row("P1", "S1")
@pytest.mark.parametrize(
    "name",
    ["x-api-key", "x-goog-api-key", "api-key", "cookie", "x-trunkline-key", "x-trunkline-feature", "proxy-authorization", "te", "upgrade",
     "x-forwarded-for", "origin", "referer", "sec-fetch-mode", "expect", "host", "keep-alive", "baggage", "content_length"],
)  # fmt: skip
def test_what_is_not_the_vendors_business_does_not_reach_it(name: str) -> None:
    assert b"not-for-the-vendor" not in head(service(), (name, "not-for-the-vendor"))


def test_what_connection_names_stays_here() -> None:
    sent = head(service(), ("connection", "close, x-hop"), ("x-hop", "1"), ("x-stays", "2"))
    assert b"x-hop" not in sent
    assert b"x-stays: 2" in sent


@pytest.mark.row("K6", "C1")
def test_the_registrys_fields_are_sent_unless_the_caller_sends_its_own() -> None:
    spec = service(
        headers=[Header("X-Extra", "ours"), Header("User-Agent", "trunkline")],
        api_version=ApiVersion(value="2026-01-01", header="Acme-Version"),
    )
    sent = lines(head(spec, ("user-agent", "theirs")))
    assert b"x-extra: ours" in sent
    assert b"acme-version: 2026-01-01" in sent
    assert [line for line in sent if line.startswith(b"user-agent")] == [b"user-agent: theirs"]
    assert b"acme-version: 2025" in lines(head(spec, ("acme-version", "2025")))


@pytest.mark.row("K6", "K1", "C1")
@pytest.mark.parametrize(
    ("query", "target"),
    [
        (b"", b"/v9/things?api-version=7&key=" + SECRET.encode()),
        (b"a=%20b", b"/v9/things?a=%20b&api-version=7&key=" + SECRET.encode()),
    ],
)
def test_version_and_credential_join_the_callers_query_and_path(query: bytes, target: bytes) -> None:
    spec = service(
        auth=Auth(kind="query", name="key"),
        api_version=ApiVersion(value="7", query="api-version", path="/v9/"),
    )
    assert lines(head(spec, query=query))[0] == b"POST " + target + b" HTTP/1.1"


@pytest.mark.parametrize(
    ("accepted", "read", "sent"),
    [
        ("gzip, br", False, b"gzip"),
        ("br", False, b"identity"),
        ("", False, b"identity"),
        ("gzip", True, b"identity"),
    ],
)
def test_only_encodings_that_we_can_read_are_asked_for(accepted: str, read: bool, sent: bytes) -> None:
    adapter = ADAPTERS["openai-chat"] if read else None
    sent_lines = lines(head(service(), ("accept-encoding", accepted), adapter=adapter))
    assert [line for line in sent_lines if line.startswith(b"accept-encoding")] == [
        b"accept-encoding: " + sent
    ]


@pytest.mark.row("P3")
def test_the_correlation_id_goes_on_and_only_ours() -> None:
    sent = lines(head(service(), ("x-correlation-id", "forged"), correlation_id="order-7"))
    assert [line for line in sent if line.startswith(b"x-correlation-id")] == [b"x-correlation-id: order-7"]
