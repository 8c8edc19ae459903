"""The keys that say whom else to believe: how people sign in to the console, and whose tokens are taken in place of caller keys.

Not for: teams, users and keys themselves, which are made by command (`trunkline teams`, `users`, `keys`).
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from .part import Part
from .quantity import Duration

Text = Annotated[str, Meta(min_length=1, max_length=512)]
Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures with a public key. Those with a shared secret are not taken: who could check them could make them."""


class RoleClaim(Part):
    """Which values of a claim give which role; the highest holds."""

    claim: str = "groups"
    """Name of the claim, in the ID token or at the provider's userinfo."""
    admin: list[Text] = []
    """Values that make an admin."""
    operator: list[Text] = []
    """Values that make an operator."""
    developer: list[Text] = []
    """Values that make a developer."""
    viewer: list[Text] = []
    """Values that make a viewer."""


class TeamClaim(Part):
    """Which values of a claim give which team."""

    claim: str = "groups"
    """Name of the claim."""
    names: dict[str, list[Text]] = {}
    """Team -> the values that give it; without it, each value that is the name of a team gives that team."""


class Oidc(Part):
    """An OpenID provider at which people sign in: authorization code with PKCE."""

    issuer: str
    """Its address, exactly as its tokens say it in `iss`."""
    client_id: Text
    """What it knows Trunkline as."""
    client_secret: str = ""
    """Reference of the client's secret; without it a public client, PKCE alone."""
    scopes: list[Text] | None = None
    """What is asked for; default: `openid`, `profile`, `email`."""
    algorithms: list[Algorithm] | None = None
    """Signatures that are taken; default: `RS256`, `ES256`."""
    roles: RoleClaim | None = None
    """Roles by a claim. Without it, only users whom you have made may come in, with the role you gave them."""
    default_role: Literal["viewer", "developer", "operator", "admin"] | None = None
    """Of who has no role by the claim; without it, such people are turned away."""
    teams: TeamClaim | None = None
    """Teams by a claim."""
    create_users: bool = True
    """Whether somebody unknown who has a role by the claim is let in."""


class SignIn(Part):
    """How people come into the console."""

    session: Duration = "12h"
    """How long a session holds, at most 30d."""
    passwords: bool = True
    """Whether users may sign in by a password of their own. One-time links always work."""
    oidc: Oidc | None = None
    """An OpenID provider."""


class Jwt(Part):
    """Somebody whose tokens (JWT) are taken as `Authorization: Bearer` in place of a caller key."""

    issuer: str
    """What `iss` says, exactly; its keys are found by its discovery document."""
    audience: Text | list[Text]
    """What `aud` must hold: one of these."""
    scopes: list[Text]
    """The most that such a token may do, as scopes of keys."""
    jwks: str = ""
    """Where its keys are, if it has no discovery document."""
    algorithms: list[Algorithm] | None = None
    """Signatures that are taken; default: `RS256`, `ES256`."""
    scope_claim: str = ""
    """Claim with the token's own scopes, a text with spaces or a list; what of it is not within `scopes` is dropped."""
    team: str = ""
    """Team of every such token."""
    team_claim: str = ""
    """Claim that says the team."""
    teams: dict[Text, Text] = {}
    """Value of `team_claim` -> team; a token without such a value is refused. Without it, the value is the team."""
    subject_claim: str = ""
    """Claim with the end user whom calls are for; default: none."""
    origins: list[Text] = []
    """Browser origins that may send such tokens."""
    concurrency: Annotated[int, Meta(ge=0)] = 256
    """Calls at once of one `sub`; 0: no bound."""
