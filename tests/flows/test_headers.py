"""What of a call reaches the vendor and what of its answer reaches the caller: header by header, byte by byte."""

from __future__ import annotations

import re

import pytest

from tests.support.gateway import SECRETS, Trunkline
from tests.support.site import Site, reply

pytestmark = pytest.mark.row("P1")

SEARCH = "/api/proxy/site/search"


def test_a_call_arrives_as_it_was_sent_with_the_vendors_credential(trunkline: Trunkline, site: Site) -> None:
    body = b'{ "q" : "caf\xc3\xa9",\n\t"unknown": [1.0, 1e5, null], "q": "twice" }'
    headers = {"content-type": "application/json; charset=utf-8", "x-custom": "kept", "Accept": "a/b;q=0.5"}
    answer = trunkline.call("POST", f"{SEARCH}?a=1&a=2&b=%20x+y&c", body, headers)

    assert answer.body == b'{"ok":true}'
    assert site.last.line == "POST /base/search?a=1&a=2&b=%20x+y&c HTTP/1.1"
    assert site.last.body == body
    sent = dict(site.last.fields)
    assert sent.pop("x-correlation-id") == answer.field("x-correlation-id")
    assert sent == {
        "host": f"127.0.0.1:{site.port}",
        "content-type": "application/json; charset=utf-8",
        "x-custom": "kept",
        "accept": "a/b;q=0.5",
        "x-site-key": SECRETS["CRM_TOKEN"],
        "accept-encoding": "identity",
        "content-length": str(len(body)),
    }


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
def test_every_method_passes(trunkline: Trunkline, site: Site, method: str) -> None:
    site.script.append(reply(b"{}") if method != "HEAD" else b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n")
    answer = trunkline.call(method, "/api/proxy/site/things/1")

    assert (answer.status, site.last.line) == (200, f"{method} /base/things/1 HTTP/1.1")


OURS = {
    "x-trunkline-timeout": "9",
    "x-trunkline-max-attempts": "2",
    "x-trunkline-feature": "checkout",
    "x-trunkline-subject": "user-17",
    "x-trunkline-tags": "a,b",
    "x-trunkline-errors": "native",
    "x-trunkline-key": "",
    "x-trunkline-translation-mode": "strict",
    "x-trunkline-made-up": "1",
}
NEVER_SENT = {
    "cookie": "session=1",
    "x-api-key": "somebody-elses-key",
    "x-goog-api-key": "somebody-elses-key",
    "api-key": "somebody-elses-key",
    "proxy-authorization": "Basic Zm9vOmJhcg==",
    "proxy-connection": "keep-alive",
    "keep-alive": "timeout=5",
    "te": "trailers",
    "upgrade": "h2c",
    "x-forwarded-for": "10.1.2.3",
    "x-forwarded-host": "inside.example.com",
    "x-real-ip": "10.1.2.3",
    "forwarded": "for=10.1.2.3",
    "via": "1.1 inside",
    "origin-agent-cluster": "?1",
    "referer": "https://inside.example.com/page",
    "sec-fetch-mode": "cors",
    "baggage": "user=17",
}


def test_nothing_of_ours_and_nothing_private_reaches_the_vendor(trunkline: Trunkline, site: Site) -> None:
    headers = {
        **OURS,
        **NEVER_SENT,
        "x-trunkline-key": trunkline.key,
        "connection": "keep-alive, x-hop",
        "x-hop": "1",
    }
    del headers["origin-agent-cluster"]
    answer = trunkline.call("POST", SEARCH, {"q": 1}, headers)

    assert answer.status == 200
    allowed = {"host", "content-type", "x-site-key", "accept-encoding", "x-correlation-id", "content-length"}
    assert site.last.names == allowed
    assert trunkline.key not in repr(site.last)


@pytest.mark.row("P3")
@pytest.mark.parametrize("told", ["abc-123", "a" * 128, "A.B_C:D-e"])
def test_a_callers_correlation_id_goes_all_the_way(trunkline: Trunkline, site: Site, told: str) -> None:
    answer = trunkline.call("POST", SEARCH, b"{}", {"x-correlation-id": told})

    assert answer.field("x-correlation-id") == site.last.field("x-correlation-id") == told
    assert trunkline.recorded(answer).begin.correlation_id == told


@pytest.mark.row("P3")
def test_a_trace_id_serves_as_correlation_id_and_the_explicit_one_wins(
    trunkline: Trunkline, site: Site
) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    parent = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}

    assert trunkline.call("POST", SEARCH, b"{}", parent).field("x-correlation-id") == trace
    both = trunkline.call("POST", SEARCH, b"{}", {**parent, "x-correlation-id": "explicit"})
    assert both.field("x-correlation-id") == "explicit"
    assert site.last.field("traceparent") == parent["traceparent"]


@pytest.mark.row("P3")
@pytest.mark.parametrize("told", ["", "a" * 129, "two words", "semi;colon", "<script>"])
def test_a_correlation_id_that_could_do_harm_is_replaced(trunkline: Trunkline, site: Site, told: str) -> None:
    minted = trunkline.call("POST", SEARCH, b"{}", {"x-correlation-id": told}).field("x-correlation-id")

    assert minted is not None
    assert re.fullmatch(r"[0-9a-f]{26,40}", minted)
    assert site.last.field("x-correlation-id") == minted


@pytest.mark.row("P3")
def test_the_vendors_request_id_is_joined_to_ours(trunkline: Trunkline, site: Site) -> None:
    site.script.append(reply(b"{}", "x-request-id: req_vendor_77"))
    answer = trunkline.call("POST", SEARCH, b"{}")

    assert answer.field("x-request-id") == "req_vendor_77"
    assert trunkline.recorded(answer).end.tried[0].vendor_request_id == "req_vendor_77"


def test_an_answer_comes_back_without_what_is_the_vendors_own_business(
    trunkline: Trunkline, site: Site
) -> None:
    body = b'{"id" : 1}'
    site.script.append(
        reply(
            body,
            "x-ratelimit-remaining: 41",
            'etag: "v1"',
            "set-cookie: session=vendor; Path=/",
            "set-cookie: other=1",
            "connection: keep-alive, x-vendor-hop",
            "x-vendor-hop: 1",
            "keep-alive: timeout=5",
            "proxy-authenticate: Basic",
            'alt-svc: h3=":443"',
            "strict-transport-security: max-age=1",
            "access-control-allow-origin: *",
            "x-correlation-id: the-vendors",
            "x-multi: a",
            "x-multi: b",
            status="201 Created",
        )
    )
    answer = trunkline.call("POST", SEARCH, b"{}")

    assert (answer.status, answer.body) == (201, body)
    kept = [(n, v) for n, v in answer.headers if not n.startswith("x-trunkline-") and n != "date"]
    assert kept == [
        ("content-type", "application/json"),
        ("x-ratelimit-remaining", "41"),
        ("etag", '"v1"'),
        ("x-multi", "a"),
        ("x-multi", "b"),
        ("x-correlation-id", kept[5][1]),
        ("content-length", str(len(body))),
    ]
    assert kept[5][1] != "the-vendors"


def test_our_answer_headers_say_where_the_answer_is_from(trunkline: Trunkline, site: Site) -> None:
    answer = trunkline.call("POST", SEARCH, b"{}")

    assert answer.field("x-trunkline-integration") == "site"
    assert answer.field("x-trunkline-attempts") == "1"
    assert float(answer.field("x-trunkline-overhead-ms") or "-1") >= 0
    assert answer.field("x-trunkline-cost-usd") is None
    assert answer.field("x-trunkline-simulated") is None


@pytest.mark.parametrize(
    "forged", ["x-trunkline-simulated: true", "x-trunkline-cost-usd: 0", "x-trunkline-model: x"]
)
def test_a_vendor_cannot_speak_in_our_name(trunkline: Trunkline, site: Site, forged: str) -> None:
    site.script.append(reply(b"{}", forged))
    name = forged.partition(":")[0]

    assert trunkline.call("POST", SEARCH, b"{}").field(name) is None


@pytest.mark.row("K6")
def test_the_pinned_version_is_sent_unless_the_caller_names_one(trunkline: Trunkline) -> None:
    pinned = trunkline.call("GET", "/api/proxy/crm/echo").json["headers"]
    named = trunkline.call("GET", "/api/proxy/crm/echo", headers={"X-Api-Version": "2025-05-05"}).json[
        "headers"
    ]

    assert (pinned["x-api-version"], named["x-api-version"]) == ("2026-01-01", "2025-05-05")


@pytest.mark.row("P3")
@pytest.mark.row("W2")
def test_a_call_is_attributed_to_feature_subject_and_tags(trunkline: Trunkline, site: Site) -> None:
    headers = {
        "x-trunkline-feature": "search-box",
        "x-trunkline-subject": "user-17",
        "x-trunkline-tags": "beta",
    }
    call = trunkline.recorded(trunkline.call("POST", SEARCH, b"{}", headers))
    again = trunkline.recorded(trunkline.call("POST", SEARCH, b"{}", headers))

    assert (call.begin.feature, call.begin.tags) == ("search-box", "beta")
    assert re.fullmatch(r"[0-9a-f]{32}", call.begin.subject_hash)
    assert call.begin.subject_hash == again.begin.subject_hash
    assert "user-17" not in repr(call)


@pytest.mark.row("W2")
def test_what_is_fixed_on_a_key_cannot_be_overridden(trunkline: Trunkline, site: Site) -> None:
    key = trunkline.new_key("fixed", "*", feature="mail", subject="user-1", tags="prod", team="crew")
    answer = trunkline.call(
        "POST", SEARCH, b"{}", {"x-trunkline-feature": "other", "x-trunkline-tags": "mine"}, key=key
    )
    begin = trunkline.recorded(answer).begin
    refused = trunkline.call("POST", SEARCH, b"{}", {"x-trunkline-subject": "user-2"}, key=key)

    assert (begin.team, begin.feature, begin.tags) == ("crew", "mail", "prod,mine")
    assert begin.subject_hash
    assert (refused.status, refused.json["code"]) == (403, "forbidden")
    assert len(site.seen) == 1


@pytest.mark.row("F6")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-trunkline-timeout", "soon"),
        ("x-trunkline-timeout", "-1"),
        ("x-trunkline-timeout", "0"),
        ("x-trunkline-timeout", "nan"),
        ("x-trunkline-timeout", "inf"),
        ("x-trunkline-max-attempts", "0"),
        ("x-trunkline-max-attempts", "many"),
        ("x-trunkline-errors", "pretty"),
    ],
)
def test_a_per_call_header_that_says_nonsense_is_refused_by_name(
    trunkline: Trunkline, site: Site, name: str, value: str
) -> None:
    answer = trunkline.call("POST", SEARCH, b"{}", {name: value})

    assert (answer.status, answer.json["code"]) == (400, "invalid_request")
    assert name in answer.json["message"]
    assert site.seen == []


def test_gzip_passes_through_as_it_is(trunkline: Trunkline, site: Site) -> None:
    import gzip

    packed = gzip.compress(b'{"ok":true}', mtime=0)
    site.script.append(reply(packed, "content-encoding: gzip", "vary: accept-encoding"))
    answer = trunkline.call("POST", SEARCH, b"{}", {"accept-encoding": "br, gzip, zstd"})

    assert site.last.field("accept-encoding") == "gzip"
    assert (answer.field("content-encoding"), answer.body) == ("gzip", packed)


@pytest.mark.parametrize(
    ("method", "vendor", "status"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\ncontent-length: 1234\r\netag: x\r\n\r\n", 200),
        ("DELETE", b"HTTP/1.1 204 No Content\r\n\r\n", 204),
        ("GET", b'HTTP/1.1 304 Not Modified\r\netag: "v1"\r\n\r\n', 304),
        ("GET", b"HTTP/1.1 304 Not Modified\r\ncontent-length: 99\r\n\r\n", 304),
        ("POST", b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", 200),
    ],
)
def test_an_answer_without_a_body_stays_one_and_the_next_call_is_sound(
    trunkline: Trunkline, site: Site, method: str, vendor: bytes, status: int
) -> None:
    site.script.append(vendor)
    answer = trunkline.call(method, "/api/proxy/site/things/1")

    assert (answer.status, answer.body) == (status, b"")
    assert trunkline.recorded(answer).end.state == "ok"
    assert trunkline.call("GET", "/api/proxy/site/things/2").body == b'{"ok":true}'


def test_the_length_of_an_answer_to_head_is_told(trunkline: Trunkline, site: Site) -> None:
    site.script.append(b"HTTP/1.1 200 OK\r\ncontent-length: 1234\r\n\r\n")

    assert trunkline.call("HEAD", "/api/proxy/site/things/1").field("content-length") == "1234"
