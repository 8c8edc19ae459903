"""When incidents begin, change and end: a fold over what health says, second by second. No clock, no database.

One incident for each integration and group of causes; it begins when trouble has lasted (or came and went for as long), ends when the
integration has been well for a while, and goes on as the same one when it fails again soon. An incident that people close while it
still fails does not come back before it was well once. Not for: keeping them (`book.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from msgspec.structs import replace

from trunkline.core.alerting import SEVERITIES, IncidentTimes
from trunkline.ops.health import WORSE
from trunkline.ops.incidents.incident import CAUSES, ENTRIES_MAX, Entry, Incident, Seen, group
from trunkline.ops.incidents.signs import Sign

FORGOTTEN_S = 60.0
"""A cause that was not seen for so long begins anew."""
TITLE_MAX = 200


class Change(NamedTuple):
    """An incident as it is now, and what happened."""

    incident: Incident
    entries: list[Entry]


class _Trouble:
    """One group of causes of one integration that is seen and has no incident yet."""

    def __init__(self, at: float) -> None:
        self.first_at = self.last_at = at
        self.down_since = 0.0


class _Open:
    """What was last seen of an open incident, to tell what has changed."""

    def __init__(self, sign: Sign) -> None:
        self.sign = sign
        self.well_since = 0.0
        self.codes = {sign.code}
        """Kinds of failure that the timeline has told."""


class Watch:
    """All incidents of one installation. `known` are those that are open and those that ended lately."""

    def __init__(self, known: Iterable[Incident] = ()) -> None:
        self._open: dict[tuple[str, str], Incident] = {}
        self._last: dict[tuple[str, str], Incident] = {}
        self._seen: dict[tuple[str, str], _Open] = {}
        self._trouble: dict[tuple[str, str], _Trouble] = {}
        self._well_since: dict[str, float] = {}
        for one in sorted(known, key=lambda one: one.opened_at):
            self.take(one)

    @property
    def open(self) -> list[Incident]:
        """Those that are open, oldest first."""
        return sorted(self._open.values(), key=lambda one: one.opened_at)

    def take(self, incident: Incident) -> None:
        """An incident as it is kept, e.g. after somebody has closed or acknowledged it."""
        key = (incident.integration, group(incident.cause))
        self._last[key] = incident
        if incident.state == "open":
            self._open[key] = incident
        else:
            self._open.pop(key, None)
            self._seen.pop(key, None)

    def step(
        self, signs: Iterable[Sign], times: IncidentTimes, now: float, owners: dict[str, str] | None = None
    ) -> list[Change]:
        """What becomes of all of them by what is seen now."""
        changes: list[Change] = []
        names = set()
        for sign in signs:
            names.add(sign.integration)
            changes += self._one(sign, times, now, (owners or {}).get(sign.integration, ""))
        for (name, _), incident in list(self._open.items()):
            if name not in names:
                changes.append(self._close(incident, now, "it is no longer in the registry"))
        return changes

    def tell(self, entry: Entry, integration: str | None = None) -> list[Change]:
        """Something that belongs into the timeline of every open incident, or of those of one integration."""
        chosen = [one for one in self.open if integration in (None, one.integration)]
        return [self._put(one, [entry]) for one in chosen]

    def _one(self, sign: Sign, times: IncidentTimes, now: float, owner: str) -> list[Change]:
        name, of = sign.integration, group(sign.cause)
        held = [key for key in self._open if key[0] == name]
        changes = list(self._well(sign, times, now))
        if sign.bad:
            opened = self._begin(sign, times, now, owner) if (name, of) not in self._open else None
            if opened is not None:
                changes.append(opened)
        for key in held:
            # Where only one is open it takes all that is seen; a second one for another cause opens when that has lasted.
            bad = sign.bad and (key[1] == of or len(held) == 1)
            changes += self._go_on(key, sign, times, now, bad=bad)
        return changes

    def _well(self, sign: Sign, times: IncidentTimes, now: float) -> Iterator[Change]:
        """Since when the integration is well; one that was closed by hand may come back after that."""
        name = sign.integration
        if sign.bad:
            self._well_since.pop(name, None)
            return
        since = self._well_since.setdefault(name, now)
        for key in [key for key in self._trouble if key[0] == name]:
            self._trouble[key].down_since = 0.0
            if now - self._trouble[key].last_at > FORGOTTEN_S:
                del self._trouble[key]
        if now - since < times.close_after:
            return
        for key, last in list(self._last.items()):
            if key[0] == name and last.state == "closed" and not last.recovered_at:
                yield self._put(replace(last, recovered_at=since), [])

    def _begin(self, sign: Sign, times: IncidentTimes, now: float, owner: str) -> Change | None:
        key = (sign.integration, group(sign.cause))
        trouble = self._trouble.get(key)
        if trouble is None or now - trouble.last_at > max(FORGOTTEN_S, times.open_after):
            trouble = self._trouble[key] = _Trouble(now)
        trouble.last_at = now
        if sign.status != "down":
            trouble.down_since = 0.0
        elif not trouble.down_since:
            trouble.down_since = now
        last = self._last.get(key)
        if last is not None and last.closed_by and not last.recovered_at:
            return None
        lasted_down = trouble.down_since and now - trouble.down_since >= times.open_after
        if not (sign.at_once or lasted_down or now - trouble.first_at >= times.degraded_after):
            return None
        del self._trouble[key]
        if last is not None and now - last.closed_at <= times.merge_within:
            return self._reopen(last, sign, now)
        return self._open_new(sign, trouble.first_at, now, owner)

    def _open_new(self, sign: Sign, began_at: float, now: float, owner: str) -> Change:
        title = f"{sign.integration} is {sign.status}: {sign.reason}"[:TITLE_MAX]
        incident = Incident(
            id=_id(sign, now),
            integration=sign.integration,
            cause=sign.cause,
            state="open",
            severity=sign.severity,
            status=sign.status,
            title=title,
            reason=sign.reason,
            code=sign.code,
            criticality=sign.criticality,
            owner=owner,
            began_at=began_at,
            opened_at=now,
            seen=_seen(sign),
        )
        said = f"{title}. Cause: {sign.cause} ({CAUSES[sign.cause]})."
        detail = {"breaker": sign.breaker, "code": sign.code, "severity": sign.severity}
        entries = [Entry(at=now, kind="opened", text=said, detail=detail)]
        entries += _context(sign, now)
        return self._opened(incident, sign, entries)

    def _reopen(self, last: Incident, sign: Sign, now: float) -> Change:
        minutes = (now - last.closed_at) / 60
        said = f"It fails again {minutes:.0f} min after it had ended: {sign.reason}."
        incident = replace(
            last,
            state="open",
            closed_at=0.0,
            closed_by="",
            recovered_at=0.0,
            reopened=last.reopened + 1,
            severity=max(last.severity, sign.severity, key=SEVERITIES.index),
            status=max(last.status, sign.status, key=WORSE.index),
            reason=sign.reason,
            code=sign.code,
            seen=_seen(sign),
        )
        return self._opened(incident, sign, [Entry(at=now, kind="reopened", text=said), *_context(sign, now)])

    def _opened(self, incident: Incident, sign: Sign, entries: list[Entry]) -> Change:
        self._seen[incident.integration, group(incident.cause)] = _Open(sign)
        return self._put(incident, entries)

    def _go_on(
        self, key: tuple[str, str], sign: Sign, times: IncidentTimes, now: float, *, bad: bool
    ) -> list[Change]:
        incident = self._open[key]
        seen = self._seen.get(key)
        if seen is None:  # known from before this process
            told = incident.seen
            before = sign._replace(
                status=told.status,
                code=incident.code,
                breaker=told.breaker,
                page=told.page,
                served=told.served,
                off=told.off,
            )
            seen = self._seen[key] = _Open(before)
        news = sign.status != seen.sign.status or (sign.bad and sign.code not in seen.codes)
        entries = [*([_state(sign, now)] if news else []), *_differences(seen.sign, sign, now)]
        seen.sign = sign
        seen.codes.add(sign.code)
        after = replace(incident, seen=_seen(sign))
        if bad:
            seen.well_since = 0.0
            after = replace(
                after,
                severity=max(incident.severity, sign.severity, key=SEVERITIES.index),
                status=max(incident.status, sign.status, key=WORSE.index),
                **({"reason": sign.reason, "code": sign.code} if entries else {}),
            )
        else:
            seen.well_since = seen.well_since or now
            if now - seen.well_since >= times.close_after:
                why = "it is switched off" if sign.off else f"{sign.integration} is well: {sign.reason}"
                changes = [self._put(after, entries)] if entries else []
                return [*changes, self._close(self._open[key], now, why, well_since=seen.well_since)]
        return [self._put(after, entries)] if entries or after != incident else []

    def _close(self, incident: Incident, now: float, why: str, well_since: float = 0.0) -> Change:
        recovered = well_since or now
        said = f"Closed: {why}" + (f" (since {_clock(well_since)})." if well_since else ".")
        closed = replace(incident, state="closed", closed_at=now, recovered_at=recovered)
        return self._put(closed, [Entry(at=now, kind="closed", text=said)], always=True)

    def _put(self, incident: Incident, entries: list[Entry], *, always: bool = False) -> Change:
        """The change, and the incident as it is known from now on; of very many entries no more are kept."""
        room = max(0, ENTRIES_MAX - incident.entries)
        kept = entries if always or len(entries) < room else entries[:room]
        if room and len(entries) >= room and not always:
            kept = [
                *kept[:-1],
                replace(kept[-1], kind="note", text="Further changes are not listed: there are too many."),
            ]
        after = replace(incident, entries=incident.entries + len(kept))
        self.take(after)
        return Change(after, kept)


def _context(sign: Sign, now: float) -> list[Entry]:
    """What is known besides when an incident begins."""
    return list(_differences(Sign(sign.integration, sign.status, "", breaker=sign.breaker), sign, now))


def _seen(sign: Sign) -> Seen:
    return Seen(status=sign.status, breaker=sign.breaker, page=sign.page, served=sign.served, off=sign.off)


def _state(sign: Sign, now: float) -> Entry:
    text = f"{sign.integration} is {sign.status}: {sign.reason}."
    return Entry(at=now, kind="status", text=text, detail={"code": sign.code})


def _differences(old: Sign, new: Sign, now: float) -> Iterator[Entry]:
    """What has changed besides the state itself."""
    if new.off != old.off:
        text = "It was switched off." if new.off else "It was switched on again."
        yield Entry(at=now, kind="switch", text=text)
    if new.breaker != old.breaker:
        words = {"open": "opened", "closed": "closed", "returning": "lets traffic return bit by bit"}
        yield Entry(at=now, kind="breaker", text=f"The breaker {words.get(new.breaker, new.breaker)}.")
    if new.page != old.page:
        text = f"The vendor reports {new.page}." if new.page else "The vendor reports nothing any more."
        yield Entry(at=now, kind="vendor", text=text)
    if new.served != old.served:
        text = (
            f"Its calls can be served by: {new.served}." if new.served else "No fallback works for its calls."
        )
        yield Entry(at=now, kind="fallback", text=text)


def _id(sign: Sign, now: float) -> str:
    digest = hashlib.sha256(f"{sign.integration}\0{group(sign.cause)}\0{now!r}".encode()).hexdigest()[:6]
    return f"inc_{datetime.fromtimestamp(now, UTC):%Y%m%d}_{digest}"


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S UTC")
