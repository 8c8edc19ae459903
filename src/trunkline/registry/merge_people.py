"""Sign-in and issuers of tokens, as written -> as console and gateway work with them.

Pure. Not for: judging (`verify_people.py`).
"""

from __future__ import annotations

from collections.abc import Mapping

from trunkline.core import identity

from .quantity import seconds
from .shape_people import Jwt, Oidc, RoleClaim, SignIn, TeamClaim

ALGORITHMS = ["RS256", "ES256"]
SCOPES = ["openid", "profile", "email"]


def sign_in(own: SignIn | None) -> identity.SignIn:
    """How people come in."""
    own = own or SignIn()
    return identity.SignIn(
        session_s=seconds(own.session),
        passwords=own.passwords,
        oidc=_oidc(own.oidc) if own.oidc is not None else None,
    )


def issuers(written: Mapping[str, Jwt]) -> list[identity.Issuer]:
    """Whose tokens are taken; without their keys, which are fetched."""
    return [
        identity.Issuer(
            name=name,
            issuer=own.issuer,
            audience=[own.audience] if isinstance(own.audience, str) else own.audience,
            jwks=own.jwks,
            algorithms=list(own.algorithms or ALGORITHMS),
            scopes=own.scopes,
            scope_claim=own.scope_claim,
            team=own.team,
            team_claim=own.team_claim,
            teams=own.teams,
            subject_claim=own.subject_claim,
            origins=own.origins,
            concurrency=own.concurrency,
        )
        for name, own in written.items()
    ]


def _oidc(own: Oidc) -> identity.Oidc:
    return identity.Oidc(
        issuer=own.issuer,
        client_id=own.client_id,
        client_secret=own.client_secret,
        scopes=own.scopes or SCOPES,
        algorithms=list(own.algorithms or ALGORITHMS),
        roles=_roles(own.roles) if own.roles is not None else identity.ClaimMap(),
        default_role=own.default_role,
        teams=_teams(own.teams) if own.teams is not None else identity.ClaimMap(),
        create_users=own.create_users,
    )


def _roles(own: RoleClaim) -> identity.ClaimMap:
    values = {
        role: getattr(own, role)
        for role in ("admin", "operator", "developer", "viewer")
        if getattr(own, role)
    }
    return identity.ClaimMap(claim=own.claim, values=values)


def _teams(own: TeamClaim) -> identity.ClaimMap:
    return identity.ClaimMap(claim=own.claim, values=own.names)
