"""Whether each integration, and the whole, is healthy, degraded or down: judged from live traffic, probes and status pages. Pure.

Live traffic has the first word; a probe speaks where nobody calls; a vendor's page alone never calls an integration down. Each
piece of evidence has its age and its reason. Core only, because the gateway answers `/health` from it. Not for gathering figures
(`recent.py`, `probes/`, `status_pages/`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

from trunkline.core.errors import KINDS
from trunkline.core.flow import Fallback
from trunkline.core.service import Snapshot
from trunkline.ops.outside import NOTHING, Hit, Outside, Page, Probed

Status = Literal["healthy", "degraded", "down"]
WORSE: tuple[Status, ...] = ("healthy", "degraded", "down")

DOWN_SHARE = 0.5
"""Share of failures in the window from which an integration is down, given `DOWN_CALLS`."""
DOWN_CALLS = 3
DEGRADED_SHARE = 0.1
IDLE_S = 60.0
"""An open breaker that nobody has tried for so long says no more how things are."""
LAST_WORD_S = 1800.0
"""For how long a failure counts that no later call has contradicted."""
OVERDUE = 3.0
"""A probe or page that was not looked at for so many of its intervals is too old to say anything."""
SLACK_S = 30.0
STALE_LONG_S = 3600.0
"""Serving stale answers for longer than this is a finding."""


class Figures(NamedTuple):
    """What the last minutes told of one integration. Times are epoch seconds, 0: never."""

    calls: int = 0
    failures: int = 0
    last_ok_at: float = 0.0
    last_error_at: float = 0.0
    last_error_code: str = ""


class Traffic(NamedTuple):
    """All that the status of one integration depends on."""

    name: str
    calls: int = 0
    failures: int = 0
    last_ok_at: float = 0.0
    last_error_at: float = 0.0
    last_error_code: str = ""
    breaker: str = "closed"
    """closed, returning, half_open or open."""
    simulated: bool = False
    criticality: str = "enhancement"
    has_fallback: bool = False
    problem: str = ""
    """Why it cannot be called at all; empty if it can."""
    probe: Probed | None = None
    page: Page | None = None
    hits: tuple[Hit, ...] = ()
    stale_s: float = -1.0
    """For how long callers have been given stale answers; -1: they are not."""
    stands_in: tuple[str, ...] = ()
    """The fallbacks that work now, those of single operations among them."""
    circuits: tuple[Mapping[str, Any], ...] = ()


class Verdict(NamedTuple):
    """A status and why."""

    status: Status
    reason: str


class Evidence(NamedTuple):
    """What one source says. `status` None: nothing that counts. `at` is epoch seconds, 0: it has no age."""

    source: Literal["registry", "traffic", "probe", "status_page", "cache"]
    status: Status | None
    reason: str
    at: float = 0.0


def is_failure(code: str) -> bool | None:
    """Whether an attempt that ended so speaks against the integration; None when it says nothing about it.

    A failure is one that trips the breaker or that another target would have avoided, unless the caller is to blame.
    """
    if not code:
        return False
    kind = KINDS.get(code)
    if kind is None:
        return True
    return True if kind.who != "caller" and (kind.trips or kind.elsewhere) else None


def traffic(
    snapshot: Snapshot,
    figures: Mapping[str, Figures],
    breakers: Mapping[str, str],
    *,
    outside: Outside = NOTHING,
    stale: Mapping[str, float] | None = None,
    problems: Mapping[str, str] | None = None,
    circuits: Mapping[str, Iterable[Mapping[str, Any]]] | None = None,
    now: float = 0.0,
) -> list[Traffic]:
    """What is known of every enabled integration, with the fallbacks that work for it now.

    `stale` holds the seconds for which callers have been given stale answers, `problems` why one cannot be called at all.
    """
    nothing = Figures()
    found = {
        service.name: Traffic(
            service.name,
            *figures.get(service.name, nothing),
            breaker=breakers.get(service.name, "closed"),
            simulated=service.simulated,
            criticality=service.criticality,
            problem=(problems or {}).get(service.name, service.problem),
            probe=outside.probes.get(service.name),
            page=outside.pages.get(service.name),
            hits=tuple(outside.hits.get(service.name, ())),
            stale_s=(stale or {}).get(service.name, -1.0),
            circuits=tuple((circuits or {}).get(service.name, ())),
        )
        for service in snapshot.services
        if service.enabled
    }
    statuses = {name: assess(one, now).status for name, one in found.items()}
    standing = {
        s.name: standing_in(s.fallback, snapshot, found[s.name], statuses)
        for s in snapshot.services
        if s.name in found
    }
    partly = {
        s.name: tuple(
            f"{told} ({operation.name})"
            for operation in s.operations
            if operation.fallback is not None
            for told in standing_in(operation.fallback, snapshot, found[s.name], statuses)
        )
        for s in snapshot.services
        if s.name in found
    }
    # What helps some of its operations does not make up for the others: it is told, and decides nothing.
    return [
        one._replace(stands_in=standing[n] + partly[n], has_fallback=bool(standing[n]))
        for n, one in found.items()
    ]


def standing_in(
    chain: Iterable[Fallback],
    snapshot: Snapshot,
    one: Traffic,
    statuses: Mapping[str, Status],
) -> tuple[str, ...]:
    """The fallbacks of a chain of an integration that would serve its calls now."""
    code = "circuit_open" if one.breaker == "open" else one.last_error_code
    targets = {**snapshot.routes, **{alias.name: alias.target for alias in snapshot.aliases}}
    return tuple(
        told
        for link in chain
        if (not link.on or not code or code in link.on) and (told := _works(link, targets, one, statuses))
    )


def _works(link: Fallback, targets: Mapping[str, str], one: Traffic, statuses: Mapping[str, Status]) -> str:
    """A fallback that works, in a word for people; empty for one that does not."""
    if link.kind == "target":
        name = targets.get(link.target, link.target).partition("/")[0]
        return f"target {link.target}" if statuses.get(name, "down") != "down" and name != one.name else ""
    if link.kind == "stale":
        # Whether there is an answer to a given call cannot be known beforehand; that some are served is known.
        return "stale" if one.stale_s >= 0 else ""
    return link.kind


def assess(one: Traffic, now: float) -> Verdict:
    """The status of one integration, with the reason."""
    if one.problem:
        return Verdict("down", one.problem)
    found = _live(one, now)
    if one.stale_s >= 0 and found.status == "healthy":
        return Verdict("degraded", stale_words(one))
    return found


def evidence(one: Traffic, now: float) -> list[Evidence]:
    """What each source says, the most weighty first."""
    found = [Evidence("registry", "down", one.problem)] if one.problem else []
    told = by_traffic(one, now)
    words = told.reason if told is not None else "no call in the last minutes"
    found.append(Evidence("traffic", told and told.status, words, max(one.last_ok_at, one.last_error_at)))
    if one.probe is not None:
        probed = by_probe(one.probe, now)
        found.append(Evidence("probe", probed and probed.status, one.probe.reason, one.probe.at))
    if one.page is not None:
        page = by_page(one.page, now)
        found.append(Evidence("status_page", page and page.status, page_words(one.page), one.page.at))
    if one.stale_s >= 0:
        found.append(Evidence("cache", "degraded", stale_words(one), now - one.stale_s))
    return found


def _live(one: Traffic, now: float) -> Verdict:
    """The status by what was seen and heard: many calls decide alone, else the latest of calls and probe, with the vendor's page."""
    spoken = by_traffic(one, now)
    page = by_page(one.page, now) if one.page is not None else None
    reported = page.reason if page is not None and page.status != "healthy" else ""
    held = one.breaker != "closed" and not _untried(one, now)
    if spoken is None or not (one.calls >= DOWN_CALLS or held):
        probed = by_probe(one.probe, now) if one.probe is not None else None
        if (
            probed is not None
            and one.probe is not None
            and one.probe.at > max(one.last_ok_at, one.last_error_at)
        ):
            spoken = Verdict(probed.status, f"probe: {probed.reason}")
        if reported and spoken is not None and spoken.status == "degraded":
            return Verdict("down", f"{spoken.reason}; {reported}")
        if reported and (spoken is None or spoken.status == "healthy"):
            return Verdict("degraded", reported)
    if spoken is None:
        return Verdict("healthy", "no call in the last minutes")
    return Verdict(spoken.status, f"{spoken.reason}; {reported}" if reported else spoken.reason)


def _untried(one: Traffic, now: float) -> bool:
    """Whether a breaker is open only because nobody has called since."""
    return one.breaker == "open" and 0.0 < one.last_error_at < now - IDLE_S


def by_traffic(one: Traffic, now: float) -> Verdict | None:
    """What live calls say; None when there were none that still count."""
    share = one.failures / one.calls if one.calls else 0.0
    figures = f"{one.failures} of the last {one.calls} attempts failed"
    last = f", the last with {one.last_error_code}" if one.last_error_code else ""
    if _untried(one, now):
        age_s = now - one.last_error_at
        return Verdict("degraded", f"the breaker is open{last}, {age_s:.0f} s ago; the next call tries")
    if one.breaker == "open":
        return Verdict("down", f"the breaker is open{last}")
    if one.breaker in ("half_open", "returning"):
        words = (
            "lets single calls through" if one.breaker == "half_open" else "lets traffic return bit by bit"
        )
        return Verdict("degraded", f"the breaker {words}{last}")
    if one.calls >= DOWN_CALLS and share >= DOWN_SHARE:
        return Verdict("down", figures + last)
    if one.failures == one.calls > 0 or (one.failures > 1 and share >= DEGRADED_SHARE):
        return Verdict("degraded", figures + last)
    if one.calls:
        return Verdict("healthy", figures)
    if one.last_error_at > one.last_ok_at and now - one.last_error_at < LAST_WORD_S:
        age_s = now - one.last_error_at
        return Verdict("degraded", f"the last call, {age_s:.0f} s ago, failed with {one.last_error_code}")
    return None


def by_probe(probe: Probed, now: float) -> Verdict | None:
    """What the last probe says; None when it is too old."""
    if now - probe.at > OVERDUE * probe.every + SLACK_S:
        return None
    if probe.ok:
        return Verdict("healthy", probe.reason)
    # A refused credential will be refused again; anything else may have been a hiccup.
    return Verdict("down" if probe.failures > 1 or probe.code == "auth_invalid" else "degraded", probe.reason)


def by_page(page: Page, now: float) -> Verdict | None:
    """What a vendor says of itself; None when it is too old or could not be read. Small things are only mentioned."""
    if page.problem or now - page.at > OVERDUE * page.every + SLACK_S:
        return None
    if page.indicator in ("major", "critical"):
        return Verdict("degraded", f"its vendor reports: {page_words(page)}")
    return Verdict("healthy", page_words(page))


def page_words(page: Page) -> str:
    """A status page in one line."""
    if page.problem:
        return f"could not be read: {page.problem}"
    incident = next(iter(page.incidents), None)
    if incident is not None:
        return f"{incident.name} ({incident.status or page.indicator})"
    return page.description or ("no incident" if page.indicator == "none" else page.indicator)


def stale_words(one: Traffic) -> str:
    """For how long callers have been given stale answers."""
    return f"callers have been given stale answers from the cache for {one.stale_s:.0f} s"


def overall(statuses: Iterable[tuple[Traffic, Status]]) -> Status:
    """The status of the whole: a load-path integration that is down without a fallback takes it down; else any trouble degrades."""
    worst: Status = "healthy"
    for one, status in statuses:
        if status == "down" and one.criticality == "load-path" and not one.has_fallback:
            return "down"
        if status != "healthy":
            worst = "degraded"
    return worst


def status(all_traffic: Iterable[Traffic], now: float) -> dict[str, Any]:
    """The body of `GET /health`: exactly `status` and `integrations`."""
    judged = [(one, assess(one, now).status) for one in all_traffic]
    return {"status": overall(judged), "integrations": {one.name: found for one, found in judged}}
