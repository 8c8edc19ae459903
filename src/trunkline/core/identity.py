"""Roles, and who may be believed beside caller keys: issuers of tokens, and the sign-in of people. Plain data.

Not for: checking anybody (`plugins/policies/access.py`, `console/access.py`), nor what a key is (`service.py`).
"""

from __future__ import annotations

from typing import Literal

import msgspec

Role = Literal["caller", "viewer", "developer", "operator", "admin"]
ROLES: tuple[Role, ...] = ("caller", "viewer", "developer", "operator", "admin")
"""Each may what those before it may. A `caller` may only call: no page and no endpoint of the console."""
EVERY_TEAM = "*"
"""Among somebody's teams: bound to none."""


def at_least(role: str, least: str) -> bool:
    """Whether a role is enough. One that is not known is none."""
    return role in ROLES and ROLES.index(role) >= ROLES.index(least)


class TokenKey(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The public key of an issuer, as RFC 7517 writes it; other members are dropped."""

    kty: str
    kid: str = ""
    alg: str = ""
    crv: str = ""
    n: str = ""
    e: str = ""
    x: str = ""
    y: str = ""


class Issuer(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody whose tokens (RFC 7519) are taken in place of a caller key."""

    name: str
    issuer: str
    """What `iss` says, exactly."""
    audience: list[str]
    """One of these must stand in `aud`."""
    jwks: str = ""
    """Where its keys are; empty: as its discovery document says."""
    algorithms: list[str]
    scopes: list[str]
    """The most that such a token may do."""
    scope_claim: str = ""
    """Claim with the scopes of a token (text with spaces, or a list); empty: every token has all of `scopes`."""
    team: str = ""
    team_claim: str = ""
    teams: dict[str, str] = {}
    """Value of `team_claim` -> team; empty: the value is the team."""
    subject_claim: str = ""
    """Claim with the end user that calls are for; empty: none."""
    origins: list[str] = []
    """Browser origins that may send such tokens."""
    concurrency: int = 256
    """Calls at once of one `sub`; 0: no bound."""
    keys: list[TokenKey] = []
    """As they were last fetched; empty in the registry's own snapshot."""


class ClaimMap(msgspec.Struct, frozen=True, kw_only=True):
    """What the values of a claim mean."""

    claim: str = ""
    values: dict[str, list[str]] = {}
    """Role or team -> the values of the claim that give it."""


class Oidc(msgspec.Struct, frozen=True, kw_only=True):
    """An OpenID provider at which people sign in to the console."""

    issuer: str
    client_id: str
    client_secret: str = ""
    """Reference; empty: a public client, PKCE alone."""
    scopes: list[str]
    algorithms: list[str]
    roles: ClaimMap = ClaimMap()
    default_role: Role | None = None
    """Of who has no role by the claim; None: is turned away."""
    teams: ClaimMap = ClaimMap()
    create_users: bool = True
    """Whether somebody unknown who has a role by the claim is let in."""


class SignIn(msgspec.Struct, frozen=True, kw_only=True):
    """How people come into the console."""

    url: str = ""
    """Where people reach it, if not at its own address."""
    session_s: float = 12 * 3600.0
    passwords: bool = True
    oidc: Oidc | None = None
