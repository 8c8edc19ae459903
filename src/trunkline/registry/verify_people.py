"""Errors about sign-in and issuers of tokens: whom to believe must be said so that it cannot be misunderstood.

Not for: form (`diagnose.py`).
"""

from __future__ import annotations

import re

from trunkline.core.scopes import problem as scope_problem

from . import references
from .address import judge
from .document import Place
from .layer import Scribe
from .patterns import NAME
from .quantity import seconds
from .shape import Registry
from .shape_people import Jwt, Oidc

LONGEST_SESSION_S, SHORTEST_SESSION_S = 30 * 86400.0, 60.0
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+")


def verify_people(registry: Registry, scribe: Scribe, listeners: tuple[str, ...]) -> None:
    """Writes every error."""
    own = registry.sign_in
    if own is not None:
        place: Place = ("sign_in", "session")
        if not SHORTEST_SESSION_S <= seconds(own.session) <= LONGEST_SESSION_S:
            scribe.error(
                place, "bad-value", f"`{own.session}` is out of range.", "Give 1m to 30d.", value=own.session
            )
        if own.oidc is not None:
            _oidc(own.oidc, scribe, listeners)
    seen: dict[str, str] = {}
    for name, jwt in registry.jwt.items():
        if not NAME.fullmatch(name):
            cure = "Use small letters, digits, `-` and `_`."
            scribe.error(("jwt", name), "bad-name", f"`{name}` is no name.", cure, at_key=True)
        if jwt.issuer in seen:
            said = f"`{jwt.issuer}` is the issuer of `jwt.{seen[jwt.issuer]}` too: which one would hold?"
            scribe.error(("jwt", name, "issuer"), "duplicate", said, "Keep one of them.")
        seen.setdefault(jwt.issuer, name)
        _jwt(name, jwt, scribe, listeners)


def _oidc(own: Oidc, scribe: Scribe, listeners: tuple[str, ...]) -> None:
    place: Place = ("sign_in", "oidc")
    _address((*place, "issuer"), own.issuer, scribe, listeners)
    if own.client_secret and (found := references.problem(own.client_secret)):
        scribe.error((*place, "client_secret"), found.code, found.message, found.cure)
    if own.scopes is not None and "openid" not in own.scopes:
        scribe.error(
            (*place, "scopes"), "bad-value", "Without `openid` there is no ID token.", "Add `openid`."
        )
    if own.default_role is not None and own.roles is None:
        said = "`default_role` without `roles` would let in everybody whom the provider knows."
        cure = "Add `roles: {claim: groups, ...}`, or make the users yourself and leave it out."
        scribe.error((*place, "default_role"), "open-door", said, cure)
    roles = own.roles
    if roles is not None and not (
        own.default_role or roles.admin or roles.operator or roles.developer or roles.viewer
    ):
        said = "`roles` gives nobody a role."
        scribe.error((*place, "roles"), "bad-value", said, "Add e.g. `admin: [platform]`.")


def _jwt(name: str, own: Jwt, scribe: Scribe, listeners: tuple[str, ...]) -> None:
    place: Place = ("jwt", name)
    for key in ("issuer", "jwks"):
        text = getattr(own, key)
        if text or key == "issuer":
            _address((*place, key), text, scribe, listeners)
    if not own.audience:
        said = "Without an audience, tokens that were made for anybody else would be taken."
        scribe.error((*place, "audience"), "bad-value", said, "Name what `aud` holds for Trunkline.")
    if not own.scopes:
        said = "Such tokens could do nothing."
        scribe.error((*place, "scopes"), "bad-value", said, "Add e.g. `integration:stripe` or `model:*`.")
    for n, scope in enumerate(own.scopes):
        if found := scope_problem(scope):
            scribe.error((*place, "scopes", n), "bad-value", f"`{scope}` is no scope: {found}", value=scope)
    if own.team and own.team_claim:
        scribe.error(
            (*place, "team_claim"), "conflict", "`team` and `team_claim` exclude each other.", "Keep one."
        )
    if own.teams and not own.team_claim:
        scribe.error(
            (*place, "teams"), "missing-key", "`teams` needs `team_claim`.", "Add e.g. `team_claim: groups`."
        )
    for n, origin in enumerate(own.origins):
        if not _ORIGIN.fullmatch(origin):
            cure = "Write scheme and host alone, e.g. `https://app.example.com`."
            scribe.error((*place, "origins", n), "bad-value", f"`{origin}` is no origin.", cure, value=origin)


def _address(place: Place, text: str, scribe: Scribe, listeners: tuple[str, ...]) -> None:
    """An issuer's address is followed with nothing but trust in TLS, so it must be https or this machine."""
    found = judge(text.rstrip("/"), listeners=listeners)
    if found.fault:
        cure = "Use https." if found.scheme == "http" else found.cure
        scribe.error(place, "bad-address", found.fault, cure)
