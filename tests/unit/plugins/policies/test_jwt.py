"""Tokens of other issuers: who they are, what they may, and every way in which one does not do."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.errors import CallError
from trunkline.core.identity import Issuer, TokenKey
from trunkline.core.service import CallerKey, Callers
from trunkline.plugins.policies import jwt
from trunkline.plugins.policies.access import Access
from trunkline.plugins.policies.jwt import Jwt
from trunkline.testing import FakeClock, caller_key, request
from trunkline.testing.trial import PEPPER, TOKEN_KEY

pytestmark = pytest.mark.row("W1")

NOW = 1_800_000_000.0
ISSUER = "https://login.example.com"


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value: int, size: int = 0) -> str:
    return b64(value.to_bytes(size or (value.bit_length() + 7) // 8))


RSA = rsa.generate_private_key(65537, 2048)
WEAK = rsa.generate_private_key(65537, 1024)
EC = {
    name: ec.generate_private_key(curve)
    for name, curve in (("P-256", ec.SECP256R1()), ("P-384", ec.SECP384R1()), ("P-521", ec.SECP521R1()))
}
ED = ed25519.Ed25519PrivateKey.generate()


def rsa_key(private: rsa.RSAPrivateKey, **more: Any) -> TokenKey:
    numbers = private.public_key().public_numbers()
    return TokenKey(kty="RSA", n=number(numbers.n), e=number(numbers.e), **more)


def ec_key(name: str, **more: Any) -> TokenKey:
    numbers = EC[name].public_key().public_numbers()
    size = (EC[name].key_size + 7) // 8
    return TokenKey(kty="EC", crv=name, x=number(numbers.x, size), y=number(numbers.y, size), **more)


def ed_key(**more: Any) -> TokenKey:
    return TokenKey(kty="OKP", crv="Ed25519", x=b64(ED.public_key().public_bytes_raw()), **more)


def signature(algorithm: str, text: bytes) -> bytes:
    digest = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}.get(algorithm[2:])
    if algorithm == "EdDSA":
        return ED.sign(text)
    assert digest is not None
    if algorithm.startswith("ES"):
        key = EC[{"256": "P-256", "384": "P-384", "512": "P-521"}[algorithm[2:]]]
        size = (key.key_size + 7) // 8
        r, s = decode_dss_signature(key.sign(text, ec.ECDSA(digest)))
        return r.to_bytes(size) + s.to_bytes(size)
    if algorithm.startswith("PS"):
        return RSA.sign(text, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
    return RSA.sign(text, padding.PKCS1v15(), digest)


CLAIMS: dict[str, Any] = {"iss": ISSUER, "aud": "trunkline", "sub": "svc-7", "exp": NOW + 300, "iat": NOW - 5}


def token(algorithm: str = "RS256", *, head: dict[str, Any] | None = None, **claims: Any) -> bytes:
    told = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not ...}
    heading = {"alg": algorithm, "typ": "JWT", **(head or {})}
    text = f"{b64(json.dumps(heading).encode())}.{b64(json.dumps(told).encode())}".encode()
    return text + b"." + b64(signature(algorithm, text)).encode()


EVERY = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
KEYS = [rsa_key(RSA), ec_key("P-256"), ec_key("P-384"), ec_key("P-521"), ed_key()]


def issuer(**changes: Any) -> Issuer:
    values: dict[str, Any] = {
        "name": "corp", "issuer": ISSUER, "audience": ["trunkline"], "algorithms": ["RS256", "ES256"],
        "scopes": ["integration:stripe", "model:openai/*"], "keys": KEYS,
    }  # fmt: skip
    return Issuer(**{**values, **changes})


def believing(*issuers: Issuer, team_scopes: dict[str, list[str]] | None = None) -> Jwt:
    made = Jwt()
    made.load(issuers or [issuer()], team_scopes or {})
    return made


def why(made: Jwt, text: bytes, now: float = NOW) -> str:
    with pytest.raises(CallError) as caught:
        made.caller(text, now)
    assert caught.value.code == "unauthenticated"
    assert caught.value.message.startswith("this token is not taken: ")
    return caught.value.message.removeprefix("this token is not taken: ")


def test_a_good_token_is_a_caller_with_what_its_issuer_gives() -> None:
    key = believing().caller(token(), NOW).key
    assert (key.name, key.team, key.scopes, key.expires_at, key.role, key.hash) == (
        "corp:svc-7", "", ["integration:stripe", "model:openai/*"], NOW + 360, "caller", b"",
    )  # fmt: skip
    assert key.id.startswith("jwt_corp_")
    assert believing().caller(token(exp=NOW + 60), NOW).id == key.id, "the same `sub` is the same caller"
    assert believing().caller(token(sub="svc-8"), NOW).id != key.id


@pytest.mark.parametrize("algorithm", EVERY)
def test_every_signature_with_a_public_key_can_be_taken(algorithm: str) -> None:
    made = believing(issuer(algorithms=[algorithm]))
    assert made.caller(token(algorithm), NOW).key.name == "corp:svc-7"
    for other in EVERY:
        if other != algorithm:
            assert why(made, token(other)) == f"it must be signed with {algorithm}"


def test_a_token_without_signature_or_signed_with_the_public_key_as_secret_is_refused() -> None:
    import hmac

    made = believing()
    for algorithm in ("none", "None", "NONE", "HS256"):
        head = b64(json.dumps({"alg": algorithm}).encode())
        text = f"{head}.{b64(json.dumps(CLAIMS).encode())}".encode()
        secret = KEYS[0].n.encode()
        for end in (b"", b64(hmac.digest(secret, text, "sha256")).encode()):
            assert (
                "signed with RS256, ES256" in why(made, text + b"." + end)
                or why(made, text + b"." + end) == "it is malformed"
            )


def test_a_key_is_found_by_its_id_and_one_that_is_gone_is_missed() -> None:
    made = believing(issuer(keys=[rsa_key(WEAK, kid="old"), rsa_key(RSA, kid="new")]))
    assert made.caller(token(head={"kid": "new"}), NOW).id
    assert made.missed == set()
    assert why(made, token(head={"kid": "gone"})) == "its signature is not of a key that its issuer has now"
    assert made.missed == {"corp"}
    assert why(made, token(head={"kid": "old"})) == "its signature is not of a key that its issuer has now"


def test_a_key_for_another_algorithm_or_too_weak_does_not_do() -> None:
    assert "signature" in why(believing(issuer(keys=[rsa_key(RSA, alg="PS256")])), token())
    assert "signature" in why(believing(issuer(keys=[rsa_key(WEAK)])), token())
    assert "signature" in why(believing(issuer(keys=[TokenKey(kty="RSA", n="!", e="AQAB")])), token())
    assert "signature" in why(believing(issuer(keys=[])), token())


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"iss": "https://evil.example"}, "its issuer is not one that is believed here"),
        ({"iss": 7}, "its issuer is not one that is believed here"),
        ({"iss": ...}, "its issuer is not one that is believed here"),
        ({"aud": "somebody-else"}, "it is not for Trunkline (`aud`)"),
        ({"aud": ["a", 7]}, "it is not for Trunkline (`aud`)"),
        ({"aud": ...}, "it is not for Trunkline (`aud`)"),
        ({"exp": NOW - 61}, "it has expired"),
        ({"exp": ...}, "it has no end (`exp`)"),
        ({"exp": "soon"}, "its `exp` is no instant"),
        ({"exp": True}, "its `exp` is no instant"),
        ({"exp": 1e300}, "its `exp` is no instant"),
        ({"nbf": NOW + 61}, "it does not hold yet (`nbf`, `iat`)"),
        ({"iat": NOW + 61}, "it does not hold yet (`nbf`, `iat`)"),
        ({"sub": ...}, "it has no `sub`"),
        ({"sub": ""}, "it has no `sub`"),
        ({"sub": {"$ne": 1}}, "it has no `sub`"),
    ],
)
def test_claims_that_do_not_hold_are_said(claims: dict[str, Any], said: str) -> None:
    assert why(believing(), token(**claims)) == said


def test_clocks_may_differ_by_a_minute() -> None:
    made = believing()
    assert made.caller(token(exp=NOW - 59, nbf=NOW + 59), NOW).key.expires_at == NOW + 1


def test_a_token_for_a_year_holds_for_a_day() -> None:
    assert believing().caller(token(exp=NOW + 365 * 86400, iat=NOW), NOW).key.expires_at == NOW + 86460


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"eyJ", "it is malformed"),
        (b"eyJ.eyJ.eyJ", "it is malformed"),
        (b"eyJhbGciOiJSUzI1NiJ9..", "it is malformed"),
        (token() + b"=", "it is malformed"),
        (token() + b".x", "it is malformed"),
        (b"eyJ" + b"A" * 8200, "it is longer than 8192 bytes"),
        (b"eyJbXQ.W10.W10", "it is malformed"),
    ],
)
def test_what_is_no_token_is_refused(text: bytes, said: str) -> None:
    assert why(believing(), text) == said


TEXT = token()


@given(st.integers(0, len(TEXT) - 1), st.integers(33, 126))
def test_an_altered_token_is_never_taken(at: int, byte: int) -> None:
    altered = TEXT[:at] + bytes([byte]) + TEXT[at + 1 :]
    if altered != TEXT:
        why(MADE, altered)


MADE = believing()


@given(st.binary(max_size=200))
def test_no_text_does_more_than_be_refused(text: bytes) -> None:
    why(MADE, b"eyJ" + text)


def test_extensions_that_are_not_known_are_refused() -> None:
    assert why(believing(), token(head={"crit": ["exp"]})) == "it has extensions that are not known"


@pytest.mark.parametrize(
    ("own", "asked", "got"),
    [
        ({"scope_claim": "scope"}, "integration:stripe:refund", ["integration:stripe:refund"]),
        ({"scope_claim": "scope"}, "*", ["integration:stripe", "model:openai/*"]),
        ({"scope_claim": "scope"}, "integration:other health:read", []),
        ({"scope_claim": "scope"}, ["model:openai/gpt-5"], ["model:openai/gpt-5"]),
        ({"scope_claim": "scope"}, ..., []),
        ({}, "*", ["integration:stripe", "model:openai/*"]),
    ],
)
def test_a_token_never_has_more_than_its_issuer_gives(
    own: dict[str, Any], asked: Any, got: list[str]
) -> None:
    assert believing(issuer(**own)).caller(token(scope=asked), NOW).key.scopes == got


@pytest.mark.parametrize(
    ("own", "claim", "team"),
    [
        ({"team": "shop"}, ["ops"], "shop"),
        ({"team_claim": "groups"}, "ops", "ops"),
        ({"team_claim": "groups"}, ["ops"], "ops"),
        ({"team_claim": "groups"}, ["a", "b"], None),
        ({"team_claim": "groups"}, ..., None),
        ({"team_claim": "groups", "teams": {"7": "shop", "8": "shop", "9": "ops"}}, ["7", "8", "x"], "shop"),
        ({"team_claim": "groups", "teams": {"7": "shop", "9": "ops"}}, ["7", "9"], None),
        ({"team_claim": "groups", "teams": {"7": "shop"}}, ["x"], None),
    ],
)
def test_the_team_is_exactly_one(own: dict[str, Any], claim: Any, team: str | None) -> None:
    made = believing(issuer(**own))
    if team is None:
        assert "team" in why(made, token(groups=claim))
    else:
        assert made.caller(token(groups=claim), NOW).key.team == team


def test_a_teams_own_bounds_hold_for_tokens_too() -> None:
    made = believing(issuer(team="shop"), team_scopes={"shop": ["integration:stripe:refund"]})
    assert made.caller(token(), NOW).key.scopes == ["integration:stripe:refund"]
    parent = made.parent("jwt_corp_0123456789abcdef", "shop")
    assert parent is not None
    assert (parent.key.scopes, parent.key.team) == (["integration:stripe:refund"], "shop")
    assert made.parent("jwt_other_0123456789abcdef", "shop") is None


def test_the_end_user_may_be_a_claim() -> None:
    made = believing(issuer(subject_claim="email"))
    assert made.caller(token(email="ana@shop.test"), NOW).subject == "ana@shop.test"
    assert made.caller(token(email=7), NOW).subject == ""


# In the gateway


def access(clock: FakeClock, *keys: CallerKey, **callers: Any) -> Access:
    made = {
        "version": "1",
        "keys": list(keys) or [caller_key()],
        "issuers": [issuer(origins=["https://app.test"])],
        **callers,
    }
    return Access(Callers(**made), PEPPER, TOKEN_KEY, wall=clock.wall)


def live(clock: FakeClock, **claims: Any) -> str:
    return token(iat=clock.wall(), exp=clock.wall() + 300, **claims).decode()


def asked(text: str, *headers: tuple[str, str]) -> Any:
    return request("GET", "/x", b"", ("authorization", f"Bearer {text}"), *headers, key="")


def test_a_signature_is_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, checked = FakeClock(), []
    real: Callable[..., bool] = jwt.signs
    monkeypatch.setattr(jwt, "signs", lambda *given: checked.append(1) or real(*given))
    made, text = access(clock), live(clock)
    first, second = made.identify(asked(text)), made.identify(asked(text))
    assert (first is second, len(checked)) == (True, 1)
    clock.advance(361)
    with pytest.raises(CallError, match="has expired"):
        made.identify(asked(text))


def test_a_key_of_ours_wins_and_costs_no_look_at_the_token() -> None:
    clock = FakeClock()
    made = access(clock)
    both = request(
        "GET",
        "/x",
        b"",
        ("x-trunkline-key", "tl_test-not-a-real-key"),
        ("authorization", "Bearer eyJ.x.y"),
        key="",
    )
    with pytest.raises(CallError, match="this Trunkline key is not known"):
        made.identify(both)


def test_where_nobodys_tokens_are_taken_one_is_no_key() -> None:
    clock = FakeClock()
    with pytest.raises(CallError, match="they begin with tl_"):
        access(clock, issuers=[]).identify(asked(live(clock)))


def test_only_declared_pages_may_send_one() -> None:
    clock = FakeClock()
    made = access(clock)
    assert made.identify(asked(live(clock), ("origin", "https://app.test"))).key.name == "corp:svc-7"
    with pytest.raises(CallError, match="does not allow calls from this browser origin"):
        made.identify(asked(live(clock), ("origin", "https://evil.test")))
    assert "https://app.test" in made.origins


def test_a_caller_by_token_can_be_killed() -> None:
    clock = FakeClock()
    made = access(clock)
    made.dead = frozenset({made.identify(asked(live(clock))).id})
    with pytest.raises(CallError, match="was revoked"):
        made.identify(asked(live(clock)))
