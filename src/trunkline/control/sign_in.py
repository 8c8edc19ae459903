"""Who somebody is by an OpenID provider's word, and which user that makes: the checks of an ID token, roles and teams by claims.

A person is known by issuer and `sub`, never by a name that the provider may hand on. A user whom an admin has made is found once by
a mail address that the provider has verified, and bound to `sub` then. Not for: asking the provider (`ops/oidc.py`), nor for
cookies and redirects (`console/oidc.py`).
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Container, Iterable, Mapping
from typing import Any

from trunkline.control import audit, users
from trunkline.control.state import State
from trunkline.core.identity import ROLES, ClaimMap, Oidc, TokenKey
from trunkline.plugins.policies import jwt

_STRAY = re.compile(r"[^A-Za-z0-9._@+-]")


class TurnedAway(Exception):
    """Somebody may not come in; says why, without more of them than their name."""


def claims_of(
    id_token: str, keys: Iterable[TokenKey], oidc: Oidc, *, nonce: str, now: float
) -> dict[str, Any]:
    """The claims of an ID token that is good (OpenID Connect Core 1.0, 3.1.3.7). Raises TurnedAway."""
    try:
        head, claims, signed, signature = jwt.decoded(id_token.encode())
        algorithm = head.get("alg")
        if not isinstance(algorithm, str) or algorithm not in oidc.algorithms or "crit" in head:
            raise jwt.Refused(f"it must be signed with {', '.join(oidc.algorithms)}")
        if claims.get("iss") != oidc.issuer:
            raise jwt.Refused("it is of another issuer")
        fitting = jwt.candidates(keys, algorithm, str(head.get("kid", "")))
        if not any(jwt.signs(key, algorithm, signature, signed) for key in fitting):
            raise jwt.Refused("its signature is not of a key that the provider has now")
        jwt.check(claims, [oidc.client_id], now)
        if claims.get("azp", oidc.client_id) != oidc.client_id:
            raise jwt.Refused("it was made for another client (`azp`)")
        told = claims.get("nonce")
        if not isinstance(told, str) or not hmac.compare_digest(told.encode(), nonce.encode()):
            raise jwt.Refused("it is not the answer to this sign-in (`nonce`)")
        if not isinstance(claims.get("sub"), str) or not claims["sub"]:
            raise jwt.Refused("it has no `sub`")
    except jwt.Refused as why:
        raise TurnedAway(f"The provider's ID token is not taken: {why}.") from None
    return claims


def wants_more(oidc: Oidc, claims: Mapping[str, Any]) -> bool:
    """Whether a claim that decides is not in the ID token, so that the provider's userinfo must be asked."""
    deciding = {oidc.roles.claim, oidc.teams.claim, "email"} - {""}
    return any(name not in claims for name in deciding)


def role_of(oidc: Oidc, claims: Mapping[str, Any]) -> str | None:
    """The highest role that the claims give; None for none."""
    held = set(_values(oidc.roles, claims))
    given = [role for role, values in oidc.roles.values.items() if held & set(values)]
    return max(given, key=ROLES.index) if given else oidc.default_role


def teams_of(oidc: Oidc, claims: Mapping[str, Any], known: Container[str]) -> list[str]:
    """The teams that the claims give, of those that there are."""
    held = _values(oidc.teams, claims)
    if not oidc.teams.values:
        return [team for team in held if team in known]
    return [team for team, values in oidc.teams.values.items() if team in known and set(values) & set(held)]


def user_of(state: State, oidc: Oidc, claims: Mapping[str, Any], now: float) -> str:
    """The id of the user that somebody is, made or brought up to date by the claims. Raises TurnedAway."""
    from trunkline.control import teams

    found = _known(state, oidc, claims, now)
    role = role_of(oidc, claims) if oidc.roles.claim else None
    if oidc.roles.claim and role is None:
        raise TurnedAway("The provider gives you no role here. Ask an admin of Trunkline for one.")
    existing = {team.name for team in teams.list_teams(state, now=now)}
    of = teams_of(oidc, claims, existing) if oidc.teams.claim else None
    if found is None:
        if role is None or not oidc.create_users:
            raise TurnedAway("You have no user here. Ask an admin of Trunkline for one.")
        return _made(state, oidc, claims, role, of or [], now)
    if found["disabled_at"]:
        raise TurnedAway("Your user is disabled. Ask an admin of Trunkline.")
    _brought_up_to_date(state, found, role, of, now)
    return str(found["id"])


def _known(state: State, oidc: Oidc, claims: Mapping[str, Any], now: float) -> Any:
    from trunkline.ledger import people_tables as people

    with state.view() as connection:
        rows = [row for row in people.rows(connection, people.users) if not row["removed_at"]]
    for row in rows:
        if (row["issuer"], row["subject"]) == (oidc.issuer, claims["sub"]):
            return row
    email = claims.get("email")
    if not isinstance(email, str) or not email or claims.get("email_verified") is not True:
        return None
    same = [row for row in rows if row["email"].lower() == email.lower() and not row["subject"]]
    if len(same) != 1:
        return None
    with state.change() as connection:
        bound = {"issuer": oidc.issuer, "subject": claims["sub"]}
        people.change(connection, people.users, same[0]["id"], bound)
        detail = {"name": same[0]["name"], **bound}
        audit.add(connection, state, [audit.Entry("console", "user.bind", same[0]["id"], detail)], now)
    return same[0]


def _made(state: State, oidc: Oidc, claims: Mapping[str, Any], role: str, of: list[str], now: float) -> str:
    wanted = next(
        (
            str(claims[name])
            for name in ("preferred_username", "email", "name", "sub")
            if isinstance(claims.get(name), str) and claims[name]
        ),
        "user",
    )
    base = _STRAY.sub("-", wanted)[:100].lstrip(".-_@+") or "user"
    taken = {user.name for user in users.list_users(state, now=now) if user.state != "removed"}
    name = next(one for one in (base, *(f"{base}-{n}" for n in range(2, 1000))) if one not in taken)
    email = claims.get("email")
    try:
        made = users.create(
            state, name, role=role, of=[] if role in ("operator", "admin") else of,
            email=email if isinstance(email, str) and claims.get("email_verified") is True else "",
            issuer=oidc.issuer, subject=str(claims["sub"]), actor="console", now=now,
        )  # fmt: skip
    except users.UserProblem as problem:
        if "--team is missing" in str(problem):
            raise TurnedAway(
                "The provider gives you no team here. Ask an admin of Trunkline for one."
            ) from None
        raise TurnedAway("No user can be made of what the provider says of you.") from None
    return made.id


def _brought_up_to_date(
    state: State, row: Mapping[str, Any], role: str | None, of: list[str] | None, now: float
) -> None:
    """What the provider decides follows it at each sign-in; what it does not stays as the admin has set it."""
    wanted = role or row["role"]
    if wanted in ("operator", "admin"):
        of = None
    teams = ["*"] if wanted in ("operator", "admin") else of if of is not None else row["teams"]
    if (wanted, sorted(teams)) == (row["role"], sorted(row["teams"])):
        return
    try:
        users.update(state, row["id"], role=wanted, of=teams, actor="console", now=now)
    except users.UserProblem:
        raise TurnedAway("The provider gives you no team here. Ask an admin of Trunkline for one.") from None


def _values(of: ClaimMap, claims: Mapping[str, Any]) -> list[str]:
    """The values of the deciding claim; a name with full stops may also lead into objects (`realm_access.roles`)."""
    found: Any = claims.get(of.claim)
    if found is None and "." in of.claim:
        found = claims
        for part in of.claim.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    if isinstance(found, str):
        return [found]
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []
