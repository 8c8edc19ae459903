"""No path leads anywhere but below the integration's own address (no SSRF), and whoever errs is told what was meant."""

from __future__ import annotations

import pytest

from tests.support.caller import Line, request
from tests.support.gateway import Trunkline
from tests.support.site import Site

pytestmark = pytest.mark.row("P1")

TRICKS = [
    "/api/proxy/site/../stripe/v1/charges",
    "/api/proxy/site/a/../../stripe",
    "/api/proxy/site/..",
    "/api/proxy/site/.",
    "/api/proxy/site/./x",
    "/api/proxy/site/x/..",
    "/api/proxy/site/%2e%2e/x",
    "/api/proxy/site/%2E%2e/x",
    "/api/proxy/site/.%2e/x",
    "/api/proxy/site/%2e./x",
    "/api/proxy/site/%2e/x",
    "/api/proxy/site/..;/x",
    "/api/proxy/site/..;a=b/x",
    "/api/proxy/site/%2e%2e;/x",
    "/api/proxy/site/%252e%252e/x",
    "/api/proxy/site/%25252e%25252e/x",
    "/api/proxy/site/..%2fx",
    "/api/proxy/site/..%2Fx",
    "/api/proxy/site/a%2fb",
    "/api/proxy/site/a%252fb",
    "/api/proxy/site/a%5cb",
    "/api/proxy/site/..%5cx",
    "/api/proxy/site/a%255cb",
    "/api/proxy/site/..\\x",
    "/api/proxy/site/a\\b",
    "/api/proxy/site//evil.example.com/x",
    "/api/proxy/site///x",
    "/api/proxy/site/a//b",
    "/api/proxy/site/x%00y",
    "/api/proxy/site/x%0d%0aInjected:1",
    "/api/proxy/site/x%0ay",
    "/api/proxy/site/x%7fy",
    "/api/proxy/site/%c0%ae%c0%ae/x",
    "/api/proxy/site/%c0%afetc",
    "/api/proxy/site/%ff",
    "/api/proxy/site/%e0%80%ae",
    "/api/proxy/site/%zz",
    "/api/proxy/site/%",
    "/api/proxy/site/a%2",
    "/api/proxy/site/x#fragment",
    "/api/proxy/site/http://evil.example.com",
]
OTHER_NAMES = [
    "/api/proxy/",
    "/api/proxy//x",
    "/api/proxy/./site/x",
    "/api/proxy/../v1/models",
    "/api/proxy/SITE/x",
    "/api/proxy/si%74e/x",
    "/api/proxy/site%2fx",
    "/api/proxy/site;a=b/x",
    "/api/proxy/site@evil.example.com/x",
    "/api/proxy/http://127.0.0.1/x",
    "/api/proxy/127.0.0.1/x",
    "/API/PROXY/site/x",
    "//api/proxy/site/x",
    "/api//proxy/site/x",
    "/api/proxy/%2e%2e/site",
]


@pytest.mark.parametrize("target", TRICKS)
def test_a_path_that_could_mean_two_things_is_refused(trunkline: Trunkline, site: Site, target: str) -> None:
    answer = trunkline.call("GET", target)

    assert (answer.status, answer.json["code"], answer.json["source"]) == (
        400,
        "invalid_request",
        "trunkline",
    )
    assert answer.json["correlationId"] == answer.field("x-correlation-id")
    assert site.seen == []


@pytest.mark.parametrize("target", OTHER_NAMES)
def test_a_name_that_is_not_exactly_an_integrations_leads_nowhere(
    trunkline: Trunkline, site: Site, target: str
) -> None:
    answer = trunkline.call("GET", target)

    assert (answer.status, answer.json["code"]) in [(404, "unknown_route"), (400, "invalid_request")]
    assert site.seen == []


@pytest.mark.parametrize(
    ("target", "sent"),
    [
        ("/api/proxy/site", "/base/"),
        ("/api/proxy/site/", "/base/"),
        ("/api/proxy/site/a/b/", "/base/a/b/"),
        ("/api/proxy/site/a.b/..c/d..", "/base/a.b/..c/d.."),
        ("/api/proxy/site/a%20b", "/base/a%20b"),
        ("/api/proxy/site/caf%C3%A9", "/base/caf%C3%A9"),
        ("/api/proxy/site/50%25", "/base/50%25"),
        ("/api/proxy/site/a:b@c,d=e;f!$&'()*+~", "/base/a:b@c,d=e;f!$&'()*+~"),
        ("/api/proxy/site/x?u=http://a/../b//c%2f", "/base/x?u=http://a/../b//c%2f"),
        ("/api/proxy/site/x?", "/base/x"),
        ("/api/proxy/site?q=1", "/base/?q=1"),
    ],
)
def test_an_honest_path_arrives_unchanged(trunkline: Trunkline, site: Site, target: str, sent: str) -> None:
    assert trunkline.call("GET", target).status == 200
    assert site.last.target == sent


def test_an_absolute_url_is_served_only_if_it_names_this_host(trunkline: Trunkline, site: Site) -> None:
    own = f"127.0.0.1:{trunkline.port}"
    here = trunkline.call("GET", f"http://{own}/api/proxy/site/x", headers={"host": own})
    elsewhere = trunkline.call("GET", f"{site.address}/secret", headers={"host": own})
    disguised = trunkline.call("GET", f"http://{own}@127.0.0.1:{site.port}/x", headers={"host": own})

    assert (here.status, site.last.target) == (200, "/base/x")
    assert [elsewhere.status, disguised.status] == [400, 400]
    assert len(site.seen) == 1


def test_it_is_no_forward_proxy(trunkline: Trunkline, site: Site) -> None:
    with Line(trunkline.port) as line:
        line.send(
            request("CONNECT", f"127.0.0.1:{site.port}", {"proxy-authorization": f"Bearer {trunkline.key}"})
        )
        refused = line.answer("CONNECT")

    assert refused.status in (400, 405, 501)
    assert site.seen == []


@pytest.mark.row("P5")
def test_a_named_route_leads_to_its_integration(trunkline: Trunkline) -> None:
    named = trunkline.call("GET", "/api/proxy/payment/v1/charges")
    direct = trunkline.call("GET", "/api/proxy/stripe/v1/charges")

    assert named.json == direct.json
    assert named.field("x-trunkline-integration") == "stripe"
    assert trunkline.recorded(named).begin.integration == "stripe"


def test_an_unknown_integration_is_told_with_what_was_probably_meant(trunkline: Trunkline) -> None:
    answer = trunkline.call("GET", "/api/proxy/strpe/v1/charges")

    assert (answer.status, answer.json["code"]) == (404, "unknown_route")
    assert answer.json["message"] == "no integration or route is named 'strpe'; did you mean 'stripe'?"
    assert trunkline.recorded(answer).end.code == "unknown_route"


def test_an_unknown_place_is_told_as_such(trunkline: Trunkline) -> None:
    answer = trunkline.call("DELETE", "/v2/nothing/here")

    assert (answer.status, answer.json["code"]) == (404, "unknown_route")
    assert "DELETE /v2/nothing/here" in answer.json["message"]


def test_a_redirect_to_another_host_is_neither_followed_nor_passed_on(
    trunkline: Trunkline, site: Site
) -> None:
    site.script.append(
        b"HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/latest/meta-data/\r\ncontent-length: 0\r\n\r\n"
    )
    answer = trunkline.call("GET", "/api/proxy/site/x")

    assert (answer.status, answer.json["code"]) == (502, "malformed_response")
    assert answer.field("location") is None
    assert len(site.seen) == 1


@pytest.mark.parametrize(
    ("location", "passed"),
    [
        ("elsewhere?x=1", "elsewhere?x=1"),
        ("/base/elsewhere", "/api/proxy/site/elsewhere"),
        ("{site}/base/y?z=1", "/api/proxy/site/y?z=1"),
    ],
)
def test_a_redirect_within_the_vendors_address_leads_through_the_proxy_again(
    trunkline: Trunkline, site: Site, location: str, passed: str
) -> None:
    told = location.replace("{site}", site.address)
    site.script.append(f"HTTP/1.1 302 Found\r\nlocation: {told}\r\ncontent-length: 0\r\n\r\n".encode())
    answer = trunkline.call("GET", "/api/proxy/site/x")

    assert (answer.status, len(site.seen)) == (302, 1)
    assert answer.field("location") == passed
