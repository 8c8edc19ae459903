"""Each form of status page reads the same: how bad it is, what goes on, what is touched. Fixtures are ours, in the vendors' shapes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.ops.outside import Incident, Page
from trunkline.ops.status_pages import NotAStatusPage, candidates, read
from trunkline.ops.status_pages.words import TEXT_MAX

pytestmark = pytest.mark.row("H1")
PAGES = Path(__file__).parents[3] / "fixtures" / "status_pages"
NOW = 1_795_262_400.0  # 2026-11-21T12:00:00Z
INCIDENT = "https://status.acme.test/incidents/1"


@pytest.mark.parametrize(
    ("name", "page"),
    [
        ("statuspage-fine.json", Page(description="All Systems Operational")),
        (
            "statuspage-outage.json",
            Page(
                indicator="major",
                description="Partial System Outage",
                incidents=[
                    Incident(
                        name="Elevated errors on the API",
                        status="identified",
                        impact="major",
                        url="https://stspg.test/i1",
                        updated="2026-11-21T11:40:00.000Z",
                    )
                ],
                components=["API: partial outage", "Dashboard: degraded performance"],
            ),
        ),
        (
            "statuspage-maintenance.json",
            Page(
                indicator="maintenance",
                description="Service Under Maintenance",
                incidents=[
                    Incident(
                        name="Database upgrade",
                        status="in progress",
                        impact="maintenance",
                        url="https://stspg.test/i1",
                        updated="2026-11-21T11:40:00.000Z",
                    )
                ],
                components=["API: under maintenance"],
            ),
        ),
        (
            "statuspage-green-with-incident.json",
            Page(
                indicator="minor",
                description="All Systems Operational",
                incidents=[
                    Incident(
                        name="Slow file uploads",
                        status="monitoring",
                        url="https://stspg.test/i1",
                        updated="2026-11-21T11:40:00.000Z",
                    )
                ],
            ),
        ),
        ("incident_io-fine.json", Page(description="no incident")),
        (
            "incident_io-outage.json",
            Page(
                indicator="critical",
                incidents=[
                    Incident(
                        name="Model serving down",
                        status="investigating",
                        impact="critical",
                        url="https://status.acme.test/incidents/01I",
                        updated="2026-11-21T11:40:00Z",
                    ),
                    Incident(
                        name="Move of the console",
                        status="maintenance in progress",
                        impact="maintenance",
                        url="https://status.acme.test/maintenances/01N",
                        updated="2026-11-21T11:00:00Z",
                    ),
                ],
                components=["Chat: full outage"],
            ),
        ),
        ("status_io-fine.json", Page(description="Operational")),
        (
            "status_io-outage.json",
            Page(
                indicator="critical",
                description="Service Disruption",
                incidents=[
                    Incident(
                        name="Requests fail",
                        status="identified",
                        impact="critical",
                        updated="2026-11-21T11:40:00.000Z",
                    ),
                    Incident(name="New certificates", status="in progress", impact="maintenance"),
                ],
                components=["API: service disruption"],
            ),
        ),
        ("feed-rss-fine.xml", Page(description="no incident")),
        (
            "feed-rss-outage.xml",
            Page(
                indicator="major",
                incidents=[
                    Incident(
                        name="Outage of the API",
                        status="identified",
                        impact="major",
                        url=INCIDENT,
                        updated="Sat, 21 Nov 2026 11:45:00 +0000",
                    ),
                    Incident(
                        name="Slow console",
                        status="monitoring",
                        url=INCIDENT,
                        updated="Sat, 21 Nov 2026 11:00:00 +0000",
                    ),
                ],
            ),
        ),
        ("feed-atom-fine.xml", Page(description="no incident")),
        (
            "feed-atom-outage.xml",
            Page(
                indicator="minor",
                incidents=[
                    Incident(
                        name="Elevated latency",
                        status="investigating",
                        url=INCIDENT,
                        updated="2026-11-21T11:45:00Z",
                    )
                ],
            ),
        ),
    ],
)
def test_each_form_of_page_is_read(name: str, page: Page) -> None:
    assert read((PAGES / name).read_bytes(), NOW) == page


def test_every_fixture_is_read_by_a_test() -> None:
    (names,) = [m.args[1] for m in test_each_form_of_page_is_read.pytestmark if m.name == "parametrize"]  # type: ignore[attr-defined]
    assert {name for name, _ in names} == {path.name for path in PAGES.iterdir()}


@pytest.mark.parametrize(
    ("url", "places"),
    [
        (
            "https://status.acme.test",
            [
                "https://status.acme.test/api/v2/summary.json",
                "https://status.acme.test/api/v1/summary",
                "https://status.acme.test/history.atom",
                "https://status.acme.test/feed.rss",
            ],
        ),
        ("https://acme.test/status/", ["https://acme.test/status/api/v2/summary.json"]),
        ("https://api.status.io/1.0/status/51f6", ["https://api.status.io/1.0/status/51f6"]),
        ("https://acme.test/feed.xml", ["https://acme.test/feed.xml"]),
        ("https://acme.test/api/v1/summary", ["https://acme.test/api/v1/summary"]),
    ],
)
def test_a_page_for_people_leads_to_the_places_for_programs(url: str, places: list[str]) -> None:
    assert candidates(url)[: len(places)] == places
    assert len(candidates(url)) == (4 if len(places) == 4 or url.endswith("/status/") else 1)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "neither JSON nor a feed"),
        (b"{", "neither JSON nor a feed"),
        (b"[]", "none of the known forms"),
        (b'{"page": {}, "status": "fine"}', "none of the known forms"),
        (b"<!DOCTYPE html><html><body>Hello</body></html>", "document type"),
        (b"<html><body><p>Hello</p></body></html>", "neither RSS nor Atom"),
        (b"<rss><channel><item>", "no well-formed feed"),
    ],
)
def test_what_is_no_status_page_is_said(body: bytes, why: str) -> None:
    with pytest.raises(NotAStatusPage, match=why):
        read(body, NOW)


@pytest.mark.row("S1")
@pytest.mark.parametrize(
    "declared",
    [
        '<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">',
        '<!ENTITY a SYSTEM "file:///etc/passwd">',
        '<!ENTITY % a SYSTEM "http://127.0.0.1/x.dtd"> %a;',
    ],
)
def test_a_feed_with_entities_of_its_own_is_refused_before_any_is_expanded(declared: str) -> None:
    feed = f"<?xml version='1.0'?><!DOCTYPE rss [{declared}]><rss><channel><item><title>&b;</title></item></channel></rss>"
    with pytest.raises(NotAStatusPage, match="document type"):
        read(feed.encode(), NOW)


def test_what_a_vendor_writes_is_short_plain_and_leads_only_to_web_pages() -> None:
    told = json.loads((PAGES / "statuspage-outage.json").read_text())
    told["incidents"] *= 100
    told["incidents"][0] |= {"name": "a\x1b[31m\n" * 400, "shortlink": "javascript:alert(1)"}
    told["components"] *= 200
    page = read(json.dumps(told).encode(), NOW)
    assert (len(page.incidents), len(page.components)) == (20, 20)
    assert len(page.incidents[0].name) == TEXT_MAX
    assert "\x1b" not in page.incidents[0].name
    assert page.incidents[0].url == ""


def test_a_feed_of_many_and_long_entries_is_read_in_part() -> None:
    item = "<item><title>x</title><description>" + "y" * 200_000 + "</description></item>"
    assert read(f"<rss><channel>{item * 20}</channel></rss>".encode(), NOW) == Page(description="no incident")


_TOP = ["page", "status", "indicator", "incidents", "components", "ongoing_incidents", "result", "name"]
_INSIDE = ["status_overall", "status_code", "maintenance", "active", "messages", "affected_components"]
_WORDS = [*_TOP, *_INSIDE]
_shapes = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(_WORDS),
            inner,
            max_size=6,
        )
    ),
    max_leaves=30,
)


@given(_shapes)
def test_no_json_makes_it_fail_in_another_way(told: object) -> None:
    try:
        read(json.dumps(told).encode(), NOW)
    except NotAStatusPage:
        return


@given(
    st.lists(
        st.sampled_from(
            [
                "<rss>",
                "</rss>",
                "<channel>",
                "<item>",
                "</item>",
                "<title>",
                "a&amp;b",
                "</title>",
                "<feed>",
                "&x;",
            ]
        ),
        max_size=20,
    ).map("".join)
    | st.text()
)
def test_no_feed_makes_it_fail_in_another_way(body: str) -> None:
    try:
        read(b"<" + body.encode("utf-8", "replace") if not body.startswith("<") else body.encode(), NOW)
    except NotAStatusPage:
        return
