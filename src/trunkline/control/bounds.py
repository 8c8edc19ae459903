"""A key never exceeds who made it: what a maker may give, and what is left of a key when its maker has less than before. Pure.

Judged when a key is made or changed (`problems`), and at every publishing (`standings`), so that whoever loses a role, a team or a
key takes the keys made with it along at once. Makers are people, keys with a role, or the installation itself, which has no bounds.
Not for: storing (`keys.py`).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from trunkline.control.periods import rfc3339
from trunkline.control.wish import LANES, SETTINGS, Wish
from trunkline.core.identity import EVERY_TEAM, ROLES, Role, at_least
from trunkline.core.scopes import common, covered

MAY_MAKE: Role = "developer"
"""The least role that may make keys."""
REVOKED = "it was revoked"
MOST_PARENTS = 8
"""Keys that may stand behind one: each made by the next."""
_MONTH_DAYS = 30.0


class Maker(msgspec.Struct, frozen=True, kw_only=True):
    """Who makes a key, with all that it may give."""

    id: str
    name: str
    role: str
    teams: tuple[str, ...] | None = None
    """None: every team."""
    own: Wish | None = None
    """What a key that makes keys has itself; None: a person, who has no limits of calling."""

    @property
    def holds(self) -> list[str]:
        return self.own.scopes if self.own is not None else ["*"]


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What a key is worth now."""

    wish: Wish
    """As far as it holds."""
    dead: str = ""
    """Why it does not work at all; empty if it does."""
    cut: list[str] = []
    """What of it does not hold, and why."""
    parents: list[str] = []
    """The keys that it was made with, the nearest first."""


def wish_of(row: Any) -> Wish:
    """What was asked of a key when it was made or last changed."""
    return Wish(
        name=row["name"],
        team=row["team"],
        kind=row["kind"],
        role=row["role"],
        expires_at=row["expires_at"],
        **{name: row["settings"][name] for name in SETTINGS if name in row["settings"]},
    )


def of_user(row: Any) -> Maker:
    """A person as a maker; one who is disabled or removed has no role."""
    gone = row["disabled_at"] or row["removed_at"]
    return Maker(
        id=row["id"], name=row["name"], role="" if gone else row["role"], teams=teams_of(row["teams"])
    )


def teams_of(stored: Iterable[str]) -> tuple[str, ...] | None:
    """The teams that somebody is bound to; None for who is bound to none."""
    names = tuple(stored)
    return None if EVERY_TEAM in names else names


def of_key(key_id: str, wish: Wish) -> Maker:
    """A key as a maker."""
    return Maker(
        id=key_id, name=wish.name, role=wish.role, teams=(wish.team,) if wish.team else None, own=wish
    )


def filled(wish: Wish, maker: Maker) -> Wish:
    """A wish with the maker's own bounds wherever it names none."""
    given: dict[str, Any] = {}
    if not wish.team and maker.teams is not None and len(maker.teams) == 1:
        given["team"] = maker.teams[0]
    own = maker.own
    if own is not None:
        given |= {
            name: getattr(own, name)
            for name in ("expires_at", "ips", "feature", "subject")
            if getattr(own, name) and not getattr(wish, name)
        }
        if own.concurrency:
            given["concurrency"] = min(wish.concurrency or own.concurrency, own.concurrency)
        if own.rate and not wish.rate:
            given |= {"rate": own.rate, "rate_per": own.rate_per}
        if own.budget_usd and not wish.budget_usd:
            given |= {"budget_usd": own.budget_usd, "budget_per": own.budget_per}
        given["lane"] = max(wish.lane, own.lane, key=LANES.index)
    return msgspec.structs.replace(wish, **given)


def problems(wish: Wish, maker: Maker) -> list[str]:
    """Why this maker may not make (or change, or renew) a key like this; a line per value, empty if it may."""
    if not at_least(maker.role, MAY_MAKE):
        return [
            f"{maker.name} has the role {maker.role or 'of nobody'}; keys are made by {MAY_MAKE}s and above."
        ]
    _, cut, dead = _limited(wish, maker)
    return [f"--{one} A key cannot exceed its maker." for one in ([dead] if dead else cut)]


def standings(
    rows: Iterable[Any],
    users: Iterable[Any],
    teams: Mapping[str, list[str]],
    *,
    killed: Iterable[str] = (),
    now: float,
) -> dict[str, Standing]:
    """What each key is worth now, by id. `teams` says what each may call."""
    known = _Known(
        {row["id"]: row for row in rows}, {row["id"]: of_user(row) for row in users}, teams, set(killed), now
    )
    return {key: known.standing(key) for key in known.rows}


class _Known:
    """Works out each key once, its maker before it."""

    def __init__(
        self,
        rows: Mapping[str, Any],
        users: Mapping[str, Maker],
        teams: Mapping[str, list[str]],
        killed: set[str],
        now: float,
    ) -> None:
        self.rows = rows
        self._users = users
        self._teams = teams
        self._killed = killed
        self._now = now
        self._found: dict[str, Standing] = {}

    def standing(self, key: str) -> Standing:
        found = self._found.get(key)
        if found is None:
            # Stands while its maker is worked out: no key that was tampered with can stand behind itself.
            self._found[key] = Standing(wish=wish_of(self.rows[key]), dead="it stands behind itself")
            found = self._found[key] = self._ended(key, self._judged(self.rows[key]))
        return found

    def _ended(self, key: str, one: Standing) -> Standing:
        """What ends a key by itself comes before what its maker has lost."""
        if self.rows[key]["revoked_at"] or key in self._killed:
            return msgspec.structs.replace(one, dead=REVOKED)
        if one.wish.expires_at and one.wish.expires_at <= self._now:
            return msgspec.structs.replace(one, dead="it has expired")
        return one

    def _judged(self, row: Any) -> Standing:
        wish, made_by = wish_of(row), row["created_by"]
        maker, parent = self._users.get(made_by), None
        cut: list[str] = []
        dead, parents = "", []
        if made_by in self.rows:
            parent = self.standing(made_by)
            maker, parents = of_key(made_by, parent.wish), [made_by, *parent.parents]
        if made_by:
            dead = _why_gone(made_by, maker, parent)
            if not dead and maker is not None:
                wish, cut, dead = _limited(wish, maker)
        if not dead and wish.team in self._teams:
            wish, more, dead = _within_scopes(wish, self._teams[wish.team], f"the team {wish.team}")
            cut += more
        return Standing(wish=wish, dead=dead, cut=cut, parents=parents)


def _why_gone(made_by: str, maker: Maker | None, parent: Standing | None) -> str:
    if maker is None:
        return f"its maker {made_by} is unknown"
    if parent is not None and parent.dead:
        return f"the key {maker.name} that made it does not work any more ({parent.dead})"
    if not maker.role:
        return f"its maker {maker.name} is disabled or removed"
    if not at_least(maker.role, MAY_MAKE):
        return f"its maker {maker.name} is {maker.role} now and may have no keys"
    return ""


def _limited(wish: Wish, maker: Maker) -> tuple[Wish, list[str], str]:
    """What of a wish lies within its maker's own rights, what does not, and why nothing is left (else empty)."""
    name, cut, given = maker.name, [], {}
    if maker.teams is not None and wish.team not in maker.teams:
        whose = f"is not in the team {wish.team!r}" if wish.team else "is bound to teams, and the key to none"
        return wish, [], f"team {wish.team!r}: {name} {whose}."
    if not at_least(maker.role, wish.role):
        cut.append(f"role {wish.role}: {name} is {maker.role}.")
        given["role"] = maker.role
    wish, more, dead = _within_scopes(msgspec.structs.replace(wish, **given), maker.holds, name)
    cut += more
    if not dead and maker.own is not None:
        wish, more, dead = _within_limits(wish, maker.own, name)
        cut += more
    return wish, cut, dead


def _within_scopes(wish: Wish, held: list[str], whose: str) -> tuple[Wish, list[str], str]:
    beyond = [scope for scope in wish.scopes if not covered(scope, held)]
    if not beyond:
        return wish, [], ""
    left = common(wish.scopes, held)
    if not left and wish.role == ROLES[0]:
        return wish, [], f"scope {' '.join(beyond)}: {whose} has none of it."
    cut = [f"scope {scope}: {whose} does not have it." for scope in beyond]
    return msgspec.structs.replace(wish, scopes=left), cut, ""


def _within_limits(wish: Wish, own: Wish, whose: str) -> tuple[Wish, list[str], str]:
    """Life, amounts, addresses and fixed labels of a key within those of the key that made it."""
    given: dict[str, Any] = {}
    cut = []
    if own.expires_at and not 0 < wish.expires_at <= own.expires_at:
        cut.append(f"expires {rfc3339(wish.expires_at) or 'never'}: {whose} ends {rfc3339(own.expires_at)}.")
        given["expires_at"] = own.expires_at
    for names, label, more in (
        (("rate", "rate_per"), "rate", _rate(wish) > _rate(own)),
        (("budget_usd", "budget_per"), "budget-usd", _budget(wish) > _budget(own)),
        (("concurrency",), "concurrency", (wish.concurrency or 1e9) > (own.concurrency or 1e9)),
        (("lane",), "lane", LANES.index(wish.lane) < LANES.index(own.lane)),
        (("feature",), "feature", bool(own.feature) and wish.feature != own.feature),
        (("subject",), "subject", bool(own.subject) and wish.subject != own.subject),
    ):
        if more:
            said, has = (_said(one, names) for one in (wish, own))
            cut.append(f"{label} {said}: {whose} has {has}.")
            given |= {name: getattr(own, name) for name in names}
    stray = [origin for origin in wish.origins if origin not in own.origins]
    if stray:
        cut.append(f"origin {' '.join(stray)}: {whose} does not have it.")
        given["origins"] = [origin for origin in wish.origins if origin in own.origins]
    if own.ips:
        shared = _shared_networks(wish.ips, own.ips)
        if not shared:
            return wish, [], f"ip {' '.join(wish.ips)}: {whose} may not be used from there."
        if shared != wish.ips:
            cut.append(f"ip {' '.join(wish.ips) or 'any'}: {whose} has {' '.join(own.ips)}.")
            given["ips"] = shared
    return msgspec.structs.replace(wish, **given), cut, ""


def _rate(wish: Wish) -> float:
    return wish.rate / wish.rate_per if wish.rate else float("inf")


def _budget(wish: Wish) -> float:
    """US dollars a month."""
    if not wish.budget_usd:
        return float("inf")
    return wish.budget_usd * (_MONTH_DAYS if wish.budget_per == "day" else 1.0)


def _said(wish: Wish, names: tuple[str, ...]) -> str:
    first = getattr(wish, names[0])
    if not first:
        return "none"
    per = getattr(wish, names[1]) if len(names) > 1 else ""
    return f"{first:g}/{per:g}s" if isinstance(per, float) else f"{first:g}/{per}" if per else str(first)


def _shared_networks(asked: list[str], held: list[str]) -> list[str]:
    """The networks in which both agree; those asked as they were written where they lie within one that is held."""
    if not asked:
        return held
    outer = [ipaddress.ip_network(one, strict=False) for one in held]
    found = []
    for one in asked:
        net = ipaddress.ip_network(one, strict=False)
        near = [other for other in outer if net.version == other.version and net.overlaps(other)]
        found += [one if net.prefixlen >= other.prefixlen else str(other) for other in near]
    return list(dict.fromkeys(found))
