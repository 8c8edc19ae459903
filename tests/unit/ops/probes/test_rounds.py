"""Integrations are looked after: probes signed and free, pages read where they lie, all of it bounded and told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from trunkline.core.flow import Probe
from trunkline.core.service import ApiVersion, Auth, Credential, Header, Service
from trunkline.gateway import addresses
from trunkline.ops.outside import Hit, Outside
from trunkline.ops.probes.rounds import PAGE_EVERY_S, Means, Place, Rounds
from trunkline.plugins import auth
from trunkline.testing import FakeClock, ScriptedWire, answers, fails
from trunkline.testing.script import Play, Sent
from trunkline.wire.errors import ConnectRefused

pytestmark = pytest.mark.row("H1")
PAGES = Path(__file__).parents[3] / "fixtures" / "status_pages"
SECRET = "sk-test-not-a-real-key"
FINE = (PAGES / "statuspage-fine.json").read_bytes()
OUTAGE = (PAGES / "incident_io-outage.json").read_bytes()


class Stage:
    """Rounds over a scripted web: `sites` answer by host and path, anything else is 404."""

    def __init__(self, *services: Service, secrets: dict[str, str] | None = None) -> None:
        self.clock = FakeClock()
        self.sites: dict[str, Play] = {}
        self.wire = ScriptedWire(clock=self.clock)
        self.asked: list[Sent] = []
        self.published: list[Outside] = []
        self.secrets = {"env:ACME_KEY": SECRET} if secrets is None else secrets
        means = Means(
            self,  # type: ignore[arg-type]
            self._place,
            lambda url: self._place(Service(name="page", base_url=url), url),
            self._signed,
            self.published.append,
            lambda now: {"acme": [Hit(feature="search", calls=1, failures=0)]},
        )
        self.rounds = Rounds(means, clock=self.clock, wall=self.clock.wall, chance=lambda: 0.0)
        self.rounds.adopt(services)

    def open(self, origin: Any, method: bytes, head: bytes, body: Any = None, **more: Any) -> Any:
        """The wire: finds the script of the site that is asked."""

        def play(sent: Sent) -> None:
            self.asked.append(sent)
            host = (sent.field(b"host") or b"").decode()
            place = host + sent.target.decode().partition("?")[0]
            self.sites.get(place, answers(404))(sent)

        self.wire.plays.append(play)
        return self.wire.open(origin, method, head, body)

    def _place(self, service: Service, url: str) -> Place:
        found = addresses.address(service, url, {})
        return Place(found.origin, found.host)

    def _signed(self, service: Service) -> tuple[bytes, bytes] | None:
        ref = service.credentials[0].ref if service.credentials else ""
        secret = self.secrets.get(ref)
        if secret is None:
            return None
        signer = auth.prepare(service.auth, secret)
        return signer.fields, signer.query

    async def passes(self, seconds: float) -> Outside:
        self.clock.advance(seconds)
        await self.rounds.step()
        return self.rounds.told()


def service(name: str = "acme", **changes: Any) -> Service:
    given: dict[str, Any] = {
        "name": name,
        "base_url": "https://api.acme.test/base",
        "credentials": [Credential(ref="env:ACME_KEY")],
        "probe": Probe(path="/v1/models", every=60.0),
    }
    return Service(**{**given, **changes})


async def test_a_probe_goes_to_the_vendor_with_what_the_registry_adds_and_the_credential() -> None:
    spec = service(
        headers=[Header("X-One", "1")],
        api_version=ApiVersion(value="2026", header="Acme-Version", query="v", path="/x/"),
    )
    stage = Stage(spec)
    stage.sites["api.acme.test/base/x/v1/models"] = answers(200, b"{}")
    told = await stage.passes(5.0)
    (asked,) = stage.asked
    assert (asked.method, asked.target) == (b"GET", b"/base/x/v1/models?v=2026")
    assert asked.fields == [
        (b"host", b"api.acme.test"),
        (b"user-agent", b"trunkline-health"),
        (b"accept-encoding", b"identity"),
        (b"accept", b"*/*"),
        (b"x-one", b"1"),
        (b"acme-version", b"2026"),
        (b"authorization", b"Bearer " + SECRET.encode()),
    ]
    assert (told.probes["acme"].ok, told.probes["acme"].status) == (True, 200)
    assert told.hits == {"acme": [Hit(feature="search", calls=1, failures=0)]}


async def test_probes_come_at_their_interval_and_failures_in_a_row_are_counted() -> None:
    stage = Stage(service())
    stage.sites["api.acme.test/base/v1/models"] = fails(ConnectRefused("nobody accepts"), sent=False)
    for seconds, asked, failures in ((5.0, 1, 1), (30.0, 1, 1), (30.0, 2, 2)):
        told = await stage.passes(seconds)
        assert (len(stage.asked), told.probes["acme"].failures) == (asked, failures)
    assert told.probes["acme"].reason == "GET /v1/models: nobody accepts"


@pytest.mark.row("Q3")
async def test_a_clock_of_the_wall_that_jumps_back_holds_no_probe_up() -> None:
    stage = Stage(service())
    await stage.passes(5.0)
    stage.clock._wall -= 86400.0
    told = await stage.passes(60.0)
    assert (len(stage.asked), told.probes["acme"].at) == (2, stage.clock.wall())


@pytest.mark.parametrize(
    ("changes", "asked"),
    [
        ({"probe": None}, 0),
        ({"enabled": False}, 0),
        ({"simulated": True}, 0),
        ({"problem": "a live key in dev"}, 0),
        ({"credentials": [Credential(ref="env:MISSING")]}, 0),
        ({"auth": Auth(kind="none"), "credentials": []}, 1),
        ({"auth": Auth(kind="oauth2", token_url="https://login.test/t")}, 1),
        (
            {
                "probe": Probe(path="/v1/models", credential=False),
                "credentials": [Credential(ref="env:MISSING")],
            },
            1,
        ),
    ],
)
async def test_only_what_can_be_asked_freely_is_probed(changes: dict[str, Any], asked: int) -> None:
    stage = Stage(service(**changes))
    await stage.passes(10.0)
    assert len(stage.asked) == asked
    if asked:
        assert stage.asked[0].field(b"authorization") is None


async def test_what_was_switched_off_is_left_alone_and_forgotten() -> None:
    stage = Stage(service())
    assert set((await stage.passes(5.0)).probes) == {"acme"}
    stage.rounds.adopt([service()], without=["acme"])
    assert (await stage.passes(100.0)).probes == {}
    assert len(stage.asked) == 1


async def test_a_probes_redirect_is_not_followed_so_the_credential_goes_nowhere_else() -> None:
    stage = Stage(service())
    stage.sites["api.acme.test/base/v1/models"] = answers(302, b"", (b"location", b"https://evil.test/x"))
    told = await stage.passes(5.0)
    assert (len(stage.asked), told.probes["acme"].status) == (1, 302)


def paged(**changes: Any) -> Service:
    return service(probe=None, status_page="https://status.acme.test", **changes)


async def test_a_page_is_read_where_it_lies_and_there_again() -> None:
    stage = Stage(paged())
    stage.sites["status.acme.test/api/v1/summary"] = answers(200, OUTAGE)
    told = await stage.passes(10.0)
    page = told.pages["acme"]
    assert (page.indicator, page.url, page.problem) == ("critical", "https://status.acme.test", "")
    assert (page.at, page.every) == (stage.clock.wall(), PAGE_EVERY_S)
    assert [sent.target for sent in stage.asked] == [b"/api/v2/summary.json", b"/api/v1/summary"]
    assert all(sent.field(b"authorization") is None for sent in stage.asked)
    await stage.passes(PAGE_EVERY_S)
    assert [sent.target for sent in stage.asked[2:]] == [b"/api/v1/summary"]


async def test_the_address_that_the_registry_names_for_machines_is_read_alone() -> None:
    stage = Stage(paged(status_feed="https://feeds.acme.test/summary"))
    told = await stage.passes(10.0)
    assert told.pages["acme"].problem == "https://feeds.acme.test/summary answered 404"
    stage.sites["feeds.acme.test/summary"] = answers(200, FINE)
    told = await stage.passes(PAGE_EVERY_S)
    assert (told.pages["acme"].indicator, told.pages["acme"].url) == ("none", "https://status.acme.test")
    assert {sent.target for sent in stage.asked} == {b"/summary"}


async def test_a_page_that_moved_is_followed_and_looked_for_anew_when_it_is_gone() -> None:
    stage = Stage(paged())
    stage.sites["status.acme.test/api/v2/summary.json"] = answers(
        301, b"", (b"location", b"https://new.test/api/v2/summary.json")
    )
    stage.sites["new.test/api/v2/summary.json"] = answers(200, FINE)
    assert (await stage.passes(10.0)).pages["acme"].indicator == "none"
    stage.sites.clear()
    told = await stage.passes(PAGE_EVERY_S)
    assert told.pages["acme"].problem == "https://status.acme.test/api/v2/summary.json answered 404"
    stage.sites["status.acme.test/api/v1/summary"] = answers(200, OUTAGE)
    assert (await stage.passes(PAGE_EVERY_S)).pages["acme"].indicator == "critical"


@pytest.mark.parametrize(
    ("play", "problem"),
    [
        (answers(200, b"<html></html>"), "feed.rss: it is neither RSS nor Atom"),
        (fails(ConnectRefused("nobody accepts"), sent=False), "summary.json: nobody accepts"),
        (answers(302, b"", (b"location", b"http://status.acme.test/x")), "is plain HTTP"),
        (
            answers(302, b"", (b"location", b"https://status.acme.test/api/v2/summary.json")),
            "more than 3 redirects",
        ),
    ],
)
async def test_a_page_that_cannot_be_read_says_why(play: Play, problem: str) -> None:
    stage = Stage(paged())
    for place in ("api/v2/summary.json", "api/v1/summary", "history.atom", "feed.rss"):
        stage.sites[f"status.acme.test/{place}"] = play
    told = await stage.passes(10.0)
    assert problem in told.pages["acme"].problem


async def test_a_page_is_read_once_for_all_who_name_it_and_not_for_a_stand_in_of_ones_own() -> None:
    stage = Stage(
        paged(),
        paged(name="acme-eu"),
        paged(name="local", base_url="http://127.0.0.1:9"),
        paged(name="mine", private=True),
    )
    stage.sites["status.acme.test/api/v2/summary.json"] = answers(200, FINE)
    told = await stage.passes(10.0)
    assert len(stage.asked) == 1
    assert set(told.pages) == {"acme", "acme-eu"}


async def test_what_was_found_is_published_at_once_and_else_every_few_seconds() -> None:
    stage = Stage(service())
    counts = []
    for seconds in (5.0, 1.0, 1.0, 4.0):
        await stage.passes(seconds)
        counts.append(len(stage.published))
    assert counts == [1, 1, 1, 2]
    assert stage.published[0].probes.keys() == {"acme"}
