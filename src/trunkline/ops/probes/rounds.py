"""The rounds of the watchman: does the looks that are due, a few at a time, and publishes what they found.

Not for: when (`schedule.py`), how (`fetch.py`), and what it means (`judge.py`, `ops/status_pages`, `ops/health.py`).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from trunkline.core.flow import Probe
from trunkline.core.service import Service
from trunkline.ops.outside import Hit, Outside, Page, Probed
from trunkline.ops.probes.fetch import Fetcher, fetch
from trunkline.ops.probes.judge import Outcome, judged
from trunkline.ops.probes.schedule import Schedule
from trunkline.ops.status_pages import NotAStatusPage, candidates, read
from trunkline.wire.errors import WireError

AT_ONCE = 4
PAGE_EVERY_S = 120.0
PAGE_TIMEOUT_S = 10.0
PAGE_MAX = 1 << 20
PUBLISH_EVERY_S = 5.0
STEP_S = 1.0
_LOCAL = ("localhost", "127.0.0.1", "::1")


class Place(NamedTuple):
    """Where a request goes: the wire's address object and the Host value."""

    origin: Any
    host: bytes


class Means(NamedTuple):
    """What the console lends. `place` raises ValueError for an address that may not be used; `signed` gives header lines and query of an
    integration's credential, None when there is none to send.
    """

    wire: Fetcher
    place: Callable[[Service, str], Place]
    page_place: Callable[[str], Place]
    signed: Callable[[Service], tuple[bytes, bytes] | None]
    publish: Callable[[Outside], None]
    hits: Callable[[float], Mapping[str, list[Hit]]]


class Rounds:
    """Looks after every integration that has a probe or a status page.

    `clock` tells monotonic seconds, by which it is decided what is due; `wall` epoch seconds, which stand in what is told.
    """

    def __init__(
        self,
        means: Means,
        *,
        clock: Callable[[], float],
        wall: Callable[[], float],
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._means = means
        self._clock = clock
        self._wall = wall
        self._chance = chance
        self._services: dict[str, Service] = {}
        self._probing, self._paging = Schedule(), Schedule()
        self._probes: dict[str, Probed] = {}
        self._pages: dict[str, Page] = {}
        self._feeds: set[str] = set()
        """Addresses that the registry names as to be read by machines."""
        self._found_at: dict[str, str] = {}
        """Where the page of an address was read last."""
        self._published_at = -PUBLISH_EVERY_S

    def adopt(self, services: Iterable[Service], without: Iterable[str] = ()) -> None:
        """A new registry. `without` names those that are switched off."""
        off, now = set(without), self._clock()
        self._services = {s.name: s for s in services if s.enabled and not s.simulated and s.name not in off}
        probes = {
            name: s.probe.every
            for name, s in self._services.items()
            if s.probe is not None and s.probe.every > 0 and not s.problem
        }
        pages = {feed: PAGE_EVERY_S for s in self._services.values() if (feed := _feed(s))}
        self._feeds = {s.status_feed for s in self._services.values() if s.status_feed}
        self._probing.keep(probes, now, self._chance())
        self._paging.keep(pages, now, self._chance())
        self._probes = {name: one for name, one in self._probes.items() if name in probes}
        self._pages = {url: one for url, one in self._pages.items() if url in pages}

    async def step(self) -> None:
        """Does what is due now, then publishes if it is time."""
        now = self._clock()
        places = asyncio.Semaphore(AT_ONCE)

        async def one(look: Callable[[str], Any], name: str) -> None:
            async with places:
                await look(name)

        due = [one(self._probe, name) for name in self._probing.due(now)]
        due += [one(self._page, url) for url in self._paging.due(now)]
        if due:
            await asyncio.gather(*due)
        if due or self._clock() - self._published_at >= PUBLISH_EVERY_S:
            self._published_at = self._clock()
            self._means.publish(self.told())

    def told(self) -> Outside:
        """What is known now."""
        now = self._wall()
        pages = {
            s.name: msgspec.structs.replace(self._pages[feed], url=s.status_page or feed)
            for s in self._services.values()
            if (feed := _feed(s)) in self._pages
        }
        return Outside(at=now, probes=dict(self._probes), pages=pages, hits=dict(self._means.hits(now)))

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self.step()
            await asyncio.sleep(STEP_S)

    async def _probe(self, name: str) -> None:
        service = self._services[name]
        probe = service.probe
        assert probe is not None
        began = self._clock()
        outcome = await self._asked(service, probe)
        now = self._clock()
        if outcome is not None and name in self._services:
            outcome = outcome._replace(took_s=max(0.0, now - began))
            self._probes[name] = judged(outcome, probe, self._probes.get(name), self._wall())
        self._probing.done(name, now, self._chance())

    async def _asked(self, service: Service, probe: Probe) -> Outcome | None:
        """None when there is no credential to ask with: that is said elsewhere already."""
        means = self._means
        fields, query, signed = b"", b"", False
        if probe.credential and service.auth.kind not in ("none", "oauth2"):
            given = means.signed(service)
            if given is None:
                return None
            (fields, query), signed = given, True
        url, lines = probe_address(service, probe, query.decode("latin-1"))
        try:
            got = await fetch(
                means.wire,
                lambda address: means.place(service, address),
                url,
                method=probe.method,
                fields=lines + fields,
                timeout_s=probe.timeout,
            )
        except (WireError, TimeoutError, ValueError) as failure:
            return Outcome(failure=failure, signed=signed)
        return Outcome(status=got.status, signed=signed)

    async def _page(self, url: str) -> None:
        """Tries the places where such a page may lie, the one that served last first."""
        known = self._found_at.get(url)
        problem = ""
        page = None
        for place in [known] if known else [url] if url in self._feeds else candidates(url):
            try:
                got = await fetch(
                    self._means.wire,
                    self._means.page_place,
                    place,
                    fields=b"accept: application/json, application/atom+xml, application/rss+xml\r\n",
                    timeout_s=PAGE_TIMEOUT_S,
                    body_max=PAGE_MAX,
                    follow=True,
                )
                if got.status != 200:
                    problem = f"{place} answered {got.status}"
                    continue
                page = read(got.body, self._wall())
            except NotAStatusPage as refusal:
                problem = f"{place}: {refusal}"
                continue
            except TimeoutError:
                problem = f"{place} had no answer within {PAGE_TIMEOUT_S:g} s"
                break
            except (WireError, ValueError) as failure:
                problem = f"{place}: {failure}"
                break
            self._found_at[url] = place
            break
        if page is None:
            self._found_at.pop(url, None)
            page = Page(problem=problem or "it is not there")
        self._pages[url] = msgspec.structs.replace(page, at=self._wall(), every=PAGE_EVERY_S)
        self._paging.done(url, self._clock(), self._chance())


def _feed(service: Service) -> str:
    """Where a vendor's page is read; empty if there is none, or none that says something of this address.

    A vendor's page says nothing of an address of one's own, e.g. a stand-in for tests.
    """
    feed = service.status_feed or service.status_page
    page, base = urlsplit(feed).hostname, urlsplit(service.base_url).hostname
    return feed if page in _LOCAL or (page and not service.private and base not in _LOCAL) else ""


def probe_address(service: Service, probe: Probe, query: str) -> tuple[str, bytes]:
    """The probe's address, and the header lines that the registry adds to every call."""
    version = service.api_version
    base = (
        service.credentials[0].base_url
        if service.credentials and service.credentials[0].base_url
        else service.base_url
    )
    path = (version.path.rstrip("/") if version is not None else "") + probe.path
    headers = [(h.name, h.value) for h in service.headers]
    more = [query] if query else []
    if version is not None and version.header:
        headers.append((version.header, version.value))
    if version is not None and version.query:
        more.insert(0, f"{version.query}={version.value}")
    joined = f"{'&' if '?' in path else '?'}{'&'.join(more)}" if more else ""
    lines = b"".join(f"{name.lower()}: {value}\r\n".encode("latin-1", "replace") for name, value in headers)
    return base.rstrip("/") + path + joined, b"accept: */*\r\n" + lines
