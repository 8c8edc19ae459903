"""Whom to believe is said unmistakably: sign-in, and issuers of tokens."""

import pytest

from trunkline.core import identity

from .conftest import Load, Refused

BASE = "version: 1\nintegrations: {stripe: {secret: env:A}}\n"

pytestmark = pytest.mark.row("W1", "R4")


def only(refused: Refused, rest: str) -> tuple[str, str, str]:
    (fault,) = refused(BASE + rest)
    return fault.code, fault.item, f"{fault.message} {fault.cure}"


def test_everything_is_carried_over_whole(loaded: Load) -> None:
    found = loaded(
        BASE
        + """\
team_size: 12
sign_in:
  session: 8h
  passwords: false
  oidc:
    issuer: https://login.example.com/realm
    client_id: trunkline
    client_secret: env:OIDC_SECRET
    roles: {claim: roles, admin: [platform], viewer: [staff, guests]}
    default_role: viewer
    teams: {names: {shop: [shop-devs]}}
    create_users: false
jwt:
  corp:
    issuer: https://login.example.com/realm
    audience: trunkline
    scopes: ["integration:stripe", "model:*"]
    scope_claim: scope
    team_claim: team
    teams: {"7": shop}
    subject_claim: sub
    algorithms: [ES256]
    concurrency: 4
"""
    )
    snapshot = found.snapshot
    assert snapshot.team_size == 12
    assert snapshot.sign_in == identity.SignIn(
        session_s=8 * 3600.0,
        passwords=False,
        oidc=identity.Oidc(
            issuer="https://login.example.com/realm", client_id="trunkline", client_secret="env:OIDC_SECRET",
            scopes=["openid", "profile", "email"], algorithms=["RS256", "ES256"],
            roles=identity.ClaimMap(claim="roles", values={"admin": ["platform"], "viewer": ["staff", "guests"]}),
            default_role="viewer", teams=identity.ClaimMap(claim="groups", values={"shop": ["shop-devs"]}), create_users=False,
        ),
    )  # fmt: skip
    assert snapshot.issuers == [
        identity.Issuer(
            name="corp", issuer="https://login.example.com/realm", audience=["trunkline"], algorithms=["ES256"],
            scopes=["integration:stripe", "model:*"], scope_claim="scope", team_claim="team", teams={"7": "shop"},
            subject_claim="sub", concurrency=4,
        )
    ]  # fmt: skip
    assert "env:OIDC_SECRET" in found.refs


def test_nothing_said_lets_nobody_in_by_a_provider_and_takes_no_tokens(loaded: Load) -> None:
    snapshot = loaded(BASE).snapshot
    assert (snapshot.sign_in, snapshot.issuers, snapshot.team_size) == (identity.SignIn(), [], 0)


OIDC = "sign_in: {oidc: {issuer: https://login.example.com, client_id: x, %s}}\n"
JWT = "jwt: {corp: {issuer: https://login.example.com, %s}}\n"
GOOD = "audience: a, scopes: ['*']"
TWIN = "issuer: 'https://x.example.com', " + GOOD
TWINS = f"jwt: {{a: {{{TWIN}}}, b: {{{TWIN}}}}}\n"


@pytest.mark.parametrize(
    ("rest", "code", "item", "says"),
    [
        ("sign_in: {session: 1s}\n", "bad-value", "sign_in.session", "Give 1m to 30d."),
        ("sign_in: {session: 60d}\n", "bad-value", "sign_in.session", "Give 1m to 30d."),
        ("sign_in: {oidc: {client_id: x}}\n", "missing-key", "sign_in.oidc", "`issuer` is missing"),
        (
            "sign_in: {oidc: {issuer: http://login.example.com, client_id: x}}\n",
            "bad-address", "sign_in.oidc.issuer", "Use https.",
        ),
        (OIDC % "client_secret: hunter2hunter2", "literal-secret", "sign_in.oidc.client_secret", "not shown"),
        (OIDC % "scopes: [email]", "bad-value", "sign_in.oidc.scopes", "Add `openid`."),
        (OIDC % "default_role: viewer", "open-door", "sign_in.oidc.default_role", "everybody"),
        (OIDC % "roles: {}", "bad-value", "sign_in.oidc.roles", "gives nobody a role"),
        (OIDC % "algorithms: [HS256]", "bad-value", "sign_in.oidc.algorithms[0]", "Known:"),
        (OIDC % "roles: {admn: [x]}", "unknown-key", "sign_in.oidc.roles.admn", "Did you mean `admin`?"),
        (JWT % "scopes: ['*']", "missing-key", "jwt.corp", "`audience` is missing"),
        (JWT % "audience: [], scopes: ['*']", "bad-value", "jwt.corp.audience", "made for anybody else"),
        (JWT % "audience: a, scopes: []", "bad-value", "jwt.corp.scopes", "could do nothing"),
        (JWT % "audience: a, scopes: [stripe]", "bad-value", "jwt.corp.scopes[0]", "names no kind"),
        (JWT % f"{GOOD}, algorithms: [none]", "bad-value", "jwt.corp.algorithms[0]", "Known:"),
        (JWT % f"{GOOD}, team: a, team_claim: b", "conflict", "jwt.corp.team_claim", "exclude each other"),
        (JWT % f"{GOOD}, teams: {{x: y}}", "missing-key", "jwt.corp.teams", "needs `team_claim`"),
        (JWT % f"{GOOD}, jwks: 'http://169.254.169.254/x'", "bad-address", "jwt.corp.jwks", "never called"),
        (JWT % f"{GOOD}, origins: ['https://a/b']", "bad-value", "jwt.corp.origins[0]", "no origin"),
        (f"jwt: {{a b: {{issuer: https://x.example.com, {GOOD}}}}}\n", "bad-name", "jwt.a b", "no name"),
        (TWINS, "duplicate", "jwt.b.issuer", "`jwt.a` too"),
        ("team_size: 0\n", "bad-value", "team_size", "1"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_with_the_cure(
    refused: Refused, rest: str, code: str, item: str, says: str
) -> None:
    found, at, text = only(refused, rest)
    assert (found, at) == (code, item)
    assert says in text
    assert "hunter2" not in text


def test_an_issuer_on_this_machine_may_be_plain(loaded: Load) -> None:
    found = loaded(BASE + "jwt: {dev: {issuer: http://127.0.0.1:9000, audience: a, scopes: ['*']}}\n")
    assert found.snapshot.issuers[0].issuer == "http://127.0.0.1:9000"
