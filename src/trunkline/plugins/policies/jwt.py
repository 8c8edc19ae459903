"""Tokens of other issuers (RFC 7519, signed with a public key) in place of caller keys: checked against the keys that were published.

A token that was let in is remembered by a hash of all of it until it ends, so that only its first call pays for the signature. It
never allows more than its issuer may give, than it says itself, and than its team may call. Nothing is fetched here (`ops/oidc.py`).
Not for: browser tokens of our own (`tokens.py`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, cast

from trunkline.core.call import Caller
from trunkline.core.codec import DecodeError, from_json
from trunkline.core.errors import CallError
from trunkline.core.identity import Issuer, TokenKey
from trunkline.core.scopes import common
from trunkline.core.service import CallerKey

PREFIX = b"eyJ"
"""How every such token begins: the base64 of `{"`."""
LONGEST = 8192
SKEW_S = 60.0
"""How far clocks may differ."""
LONGEST_LIFE_S = 86400.0
"""Tokens that hold longer are taken for so long after they were made."""
_MOST_KEYS = 100
_HASHES = {"256": "SHA256", "384": "SHA384", "512": "SHA512"}
_CURVES = {"ES256": ("P-256", 32), "ES384": ("P-384", 48), "ES512": ("P-521", 66)}


class Refused(Exception):
    """Why a token does not do; holds nothing of the token."""


class Jwt:
    """The issuers as they were published."""

    def __init__(self) -> None:
        self.missed: set[str] = set()
        """Issuers of tokens that were signed with a key that is not known: their keys should be fetched again."""
        self._issuers: dict[str, Issuer] = {}
        self._keys: dict[tuple[str, str], list[Any]] = {}
        self._team_scopes: Mapping[str, list[str]] = {}

    def load(self, issuers: Iterable[Issuer], team_scopes: Mapping[str, list[str]]) -> None:
        """Takes over a new set."""
        self._issuers = {one.issuer: one for one in issuers}
        self._team_scopes = team_scopes
        self._keys = {}

    @property
    def idle(self) -> bool:
        """Nobody's tokens are taken."""
        return not self._issuers

    @property
    def origins(self) -> set[str]:
        """Browser origins that may send some of them."""
        return {origin for one in self._issuers.values() for origin in one.origins}

    def caller(self, token: bytes, now: float) -> Caller:
        """Who a token is. Raises CallError `unauthenticated`, without telling more than what its owner can mend."""
        try:
            return self._caller(token, now)
        except Refused as why:
            raise CallError("unauthenticated", f"this token is not taken: {why}") from None

    def parent(self, caller_id: str, team: str) -> Caller | None:
        """For calls that run later (`grants.py`): what an issuer gives today to a caller who was let in before, of that team."""
        for issuer in self._issuers.values():
            if caller_id.startswith(f"jwt_{issuer.name}_"):
                scopes = (
                    common(issuer.scopes, self._team_scopes[team])
                    if team in self._team_scopes
                    else issuer.scopes
                )
                return Caller(self._key(issuer, caller_id, caller_id, team, scopes, 0.0))
        return None

    def _caller(self, token: bytes, now: float) -> Caller:
        if len(token) > LONGEST:
            raise Refused(f"it is longer than {LONGEST} bytes")
        head, claims, signed, signature = decoded(token)
        name = claims.get("iss")
        issuer = self._issuers.get(name) if isinstance(name, str) else None
        if issuer is None:
            raise Refused("its issuer is not one that is believed here")
        self._verify(issuer, head, signed, signature)
        expires_at = check(claims, issuer.audience, now)
        return self._made(issuer, claims, expires_at)

    def _verify(self, issuer: Issuer, head: dict[str, Any], signed: bytes, signature: bytes) -> None:
        algorithm, kid = head.get("alg"), head.get("kid", "")
        if not isinstance(algorithm, str) or algorithm not in issuer.algorithms:
            raise Refused(f"it must be signed with {', '.join(issuer.algorithms)}")
        if "crit" in head:
            raise Refused("it has extensions that are not known")
        found = (issuer.issuer, f"{algorithm} {kid}")
        keys = self._keys.get(found)
        if keys is None:
            keys = candidates(issuer.keys, algorithm, str(kid))
            if len(self._keys) < _MOST_KEYS:
                self._keys[found] = keys
        if not keys:
            self.missed.add(issuer.name)
        if not any(signs(key, algorithm, signature, signed) for key in keys):
            raise Refused("its signature is not of a key that its issuer has now")

    def _made(self, issuer: Issuer, claims: dict[str, Any], expires_at: float) -> Caller:
        subject = claims.get("sub")
        if not isinstance(subject, str) or not subject:
            raise Refused("it has no `sub`")
        team = _team(issuer, claims)
        scopes = issuer.scopes
        if issuer.scope_claim:
            scopes = common(words(claims.get(issuer.scope_claim)), scopes)
        if team in self._team_scopes:
            scopes = common(scopes, self._team_scopes[team])
        digest = hashlib.sha256(f"{issuer.issuer}\0{subject}".encode()).hexdigest()[:16]
        key = self._key(
            issuer, f"jwt_{issuer.name}_{digest}", f"{issuer.name}:{subject[:64]}", team, scopes, expires_at
        )
        caller = Caller(key)
        if issuer.subject_claim:
            end_user = claims.get(issuer.subject_claim)
            caller.subject = end_user[:256] if isinstance(end_user, str) else ""
        return caller

    @staticmethod
    def _key(
        issuer: Issuer, key_id: str, name: str, team: str, scopes: list[str], expires_at: float
    ) -> CallerKey:
        return CallerKey(
            id=key_id,
            name=name,
            hash=b"",
            team=team,
            scopes=scopes,
            expires_at=expires_at,
            origins=issuer.origins,
            concurrency=issuer.concurrency,
        )


def check(claims: Mapping[str, Any], audience: Iterable[str], now: float) -> float:
    """When the token ends. Raises Refused for one that is for somebody else, has ended, or does not hold yet."""
    told = claims.get("aud")
    meant = [told] if isinstance(told, str) else told if isinstance(told, list) else []
    if not set(audience) & {one for one in meant if isinstance(one, str)}:
        raise Refused("it is not for Trunkline (`aud`)")
    ends, begins, made = (_instant(claims, name) for name in ("exp", "nbf", "iat"))
    if ends is None:
        raise Refused("it has no end (`exp`)")
    if made is not None:
        ends = min(ends, made + LONGEST_LIFE_S)
    if now >= ends + SKEW_S:
        raise Refused("it has expired")
    if max(begins or 0.0, made or 0.0) > now + SKEW_S:
        raise Refused("it does not hold yet (`nbf`, `iat`)")
    return ends + SKEW_S


def candidates(keys: Iterable[TokenKey], algorithm: str, kid: str) -> list[Any]:
    """The public keys that may have signed, ready for use: those of this id, or every fitting one where none is named."""
    found = []
    for key in keys:
        if (kid and key.kid and key.kid != kid) or (key.alg and key.alg != algorithm):
            continue
        ready = public_key(key, algorithm)
        if ready is not None:
            found.append(ready)
    return found


def public_key(key: TokenKey, algorithm: str) -> Any:
    """A key of RFC 7517 as the library has it; None for one that does not fit the algorithm, or is too weak."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    try:
        if algorithm[:2] in ("RS", "PS") and key.kty == "RSA":
            modulus = int.from_bytes(_bytes(key.n.encode()))
            if modulus.bit_length() < 2048:
                return None
            return rsa.RSAPublicNumbers(int.from_bytes(_bytes(key.e.encode())), modulus).public_key()
        if algorithm in _CURVES and key.kty == "EC" and key.crv == _CURVES[algorithm][0]:
            curves: dict[str, Any] = {"P-256": ec.SECP256R1, "P-384": ec.SECP384R1, "P-521": ec.SECP521R1}
            curve = curves[key.crv]()
            x, y = (int.from_bytes(_bytes(part.encode())) for part in (key.x, key.y))
            return ec.EllipticCurvePublicNumbers(x, y, curve).public_key()
        if algorithm == "EdDSA" and key.kty == "OKP" and key.crv == "Ed25519":
            return ed25519.Ed25519PublicKey.from_public_bytes(_bytes(key.x.encode()))
    except (ValueError, Refused):
        return None
    return None


def signs(key: Any, algorithm: str, signature: bytes, signed: bytes) -> bool:
    """Whether a signature is of this key."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    try:
        if algorithm == "EdDSA":
            key.verify(signature, signed)
            return True
        digest = getattr(hashes, _HASHES[algorithm[2:]])()
        if algorithm in _CURVES:
            size = _CURVES[algorithm][1]
            if len(signature) != 2 * size:
                return False
            r, s = (int.from_bytes(part) for part in (signature[:size], signature[size:]))
            key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(digest))
        elif algorithm.startswith("PS"):
            key.verify(
                signature,
                signed,
                padding.PSS(mgf=padding.MGF1(digest), salt_length=digest.digest_size),
                digest,
            )
        else:
            key.verify(signature, signed, padding.PKCS1v15(), digest)
    except InvalidSignature:
        return False
    return True


def words(value: Any) -> list[str]:
    """The values of a claim: a text with spaces, or a list of texts."""
    if isinstance(value, str):
        return value.split()
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def decoded(token: bytes) -> tuple[dict[str, Any], dict[str, Any], bytes, bytes]:
    """Head, claims, what is signed, and the signature of a token. Raises Refused for one that is none."""
    head_text, _, rest = token.partition(b".")
    body_text, _, signature_text = rest.partition(b".")
    return _object(head_text), _object(body_text), head_text + b"." + body_text, _bytes(signature_text)


def _team(issuer: Issuer, claims: Mapping[str, Any]) -> str:
    if not issuer.team_claim:
        return issuer.team
    value = claims.get(issuer.team_claim)
    values = [value] if isinstance(value, str) else words(value)
    if not issuer.teams:
        if len(values) == 1:
            return values[0][:128]
        raise Refused(f"its {issuer.team_claim!r} names not exactly one team")
    teams = sorted({issuer.teams[one] for one in values if one in issuer.teams})
    if len(teams) != 1:
        raise Refused(f"its {issuer.team_claim!r} gives {'no' if not teams else 'more than one'} team here")
    return teams[0]


def _instant(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e11:
        raise Refused(f"its `{name}` is no instant")
    return float(value)


def _object(text: bytes) -> dict[str, Any]:
    try:
        found = from_json(_bytes(text))
    except (DecodeError, UnicodeDecodeError, RecursionError):
        raise Refused("it is malformed") from None
    if not isinstance(found, dict):
        raise Refused("it is malformed")
    return cast(dict[str, Any], found)


def _bytes(text: bytes) -> bytes:
    """Base64 for URLs without padding, in its one spelling."""
    try:
        found = base64.b64decode(text + b"=" * (-len(text) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise Refused("it is malformed") from None
    if not text or base64.urlsafe_b64encode(found).rstrip(b"=") != text:
        raise Refused("it is malformed")
    return found
