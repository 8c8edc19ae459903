"""Asks OpenID providers: their discovery document, the keys that they sign with, a code for tokens, who somebody is. Blocking.

Addresses are an operator's own (the registry names the issuer) or stand in the issuer's document; all must be https, or on this
machine if the issuer is. Answers are bounded, redirects are not followed. Not for: checking tokens (`plugins/policies/jwt.py`), nor for
who may come in (`control/sign_in.py`).
"""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import urllib.request
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from trunkline import __version__
from trunkline.core.codec import DecodeError, from_json
from trunkline.core.identity import TokenKey
from trunkline.wire.client import Client
from trunkline.wire.errors import WireError
from trunkline.wire.origin import Origin

TIMEOUT_S = 10.0
ANSWER_MAX = 256 << 10
MOST_KEYS = 50
WELL_KNOWN = "/.well-known/openid-configuration"
_PORTS = {"http": 80, "https": 443}


class OidcProblem(Exception):
    """A provider cannot be used; says which part, and holds no secret and no token."""


class Provider(NamedTuple):
    """What a discovery document says."""

    issuer: str
    authorization: str
    token: str
    jwks: str
    userinfo: str = ""


class Tokens(NamedTuple):
    """What a code was worth."""

    id_token: str
    access_token: str

    def __repr__(self) -> str:
        return "Tokens()"


def discover(issuer: str) -> Provider:
    """The provider's document (OpenID Connect Discovery 1.0). Raises OidcProblem."""
    told = _document(issuer.rstrip("/") + WELL_KNOWN, issuer)
    if told.get("issuer") != issuer:
        raise OidcProblem(
            f"the discovery document of {issuer} is of another issuer ({str(told.get('issuer'))[:200]!r})"
        )
    found = {}
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"):
        url = told.get(name, "")
        found[name] = _trusted(url, issuer) if isinstance(url, str) and url else ""
    return Provider(
        issuer,
        found["authorization_endpoint"],
        found["token_endpoint"],
        found["jwks_uri"],
        found["userinfo_endpoint"],
    )


def keys(issuer: str, jwks: str = "") -> list[TokenKey]:
    """The public keys that an issuer signs with (RFC 7517). Raises OidcProblem."""
    address = _trusted(jwks, issuer) if jwks else discover(issuer).jwks
    if not address:
        raise OidcProblem(f"{issuer} says nowhere which keys it signs with (`jwks_uri`)")
    return keys_of(_document(address, issuer))


def keys_of(document: dict[str, Any]) -> list[TokenKey]:
    """The usable keys of a set: public ones for signatures. Pure. Raises OidcProblem where there is none."""
    listed = document.get("keys")
    found = []
    for one in listed[:MOST_KEYS] if isinstance(listed, list) else []:
        if (
            not isinstance(one, dict)
            or one.get("use", "sig") != "sig"
            or one.get("kty") not in ("RSA", "EC", "OKP")
        ):
            continue
        plain = {name: one.get(name) for name in TokenKey.__struct_fields__ if one.get(name) is not None}
        try:
            found.append(msgspec.convert(plain, TokenKey))
        except msgspec.ValidationError:
            continue
    if not found:
        raise OidcProblem("its key set holds no public key for signatures")
    return found


def exchange(
    provider: Provider, *, code: str, verifier: str, redirect: str, client_id: str, client_secret: str
) -> Tokens:
    """Trades a code for tokens (RFC 6749, 4.1.3, with PKCE). Raises OidcProblem."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect,
        "code_verifier": verifier,
    }
    fields = {"content-type": "application/x-www-form-urlencoded"}
    if client_secret:
        both = f"{quote(client_id, safe='')}:{quote(client_secret, safe='')}"
        fields["authorization"] = "Basic " + base64.b64encode(both.encode()).decode()
    else:
        form["client_id"] = client_id
    status, body = _ask("POST", provider.token, fields, urlencode(form).encode())
    told = _json(body, "the token endpoint")
    if status != 200:
        raise OidcProblem(f"the token endpoint answered {status} ({str(told.get('error', ''))[:80]!r})")
    id_token, access = told.get("id_token"), told.get("access_token", "")
    if not isinstance(id_token, str) or not isinstance(access, str):
        raise OidcProblem("the token endpoint gave no ID token; is `openid` among the scopes?")
    return Tokens(id_token, access)


def userinfo(provider: Provider, access_token: str) -> dict[str, Any]:
    """What the provider says of the owner of a token beside the ID token. Raises OidcProblem."""
    status, body = _ask("GET", provider.userinfo, {"authorization": f"Bearer {access_token}"})
    if status != 200:
        raise OidcProblem(f"the userinfo endpoint answered {status}")
    return _json(body, "the userinfo endpoint")


def _document(url: str, issuer: str) -> dict[str, Any]:
    status, body = _ask("GET", _trusted(url, issuer), {})
    if status != 200:
        raise OidcProblem(f"{url} answered {status}")
    return _json(body, url)


def _json(body: bytes, whose: str) -> dict[str, Any]:
    try:
        found = from_json(body)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        raise OidcProblem(f"{whose} did not answer with JSON") from None
    if not isinstance(found, dict):
        raise OidcProblem(f"{whose} did not answer with a JSON object")
    return found


def _trusted(url: str, issuer: str) -> str:
    """The address, if what is sent there is as safe as it is at the issuer."""
    parts = urlsplit(url)
    plain = parts.scheme == "http" and _loopback(parts.hostname or "") and urlsplit(issuer).scheme == "http"
    if not (parts.scheme == "https" or plain) or not parts.hostname or parts.username is not None:
        raise OidcProblem(f"{url[:200]} is not https, so that nobody knows who answers there")
    return url


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _ask(method: str, url: str, fields: dict[str, str], body: bytes = b"") -> tuple[int, bytes]:
    parts = urlsplit(url)
    host = parts.hostname or ""
    proxies = {} if urllib.request.proxy_bypass(host) else urllib.request.getproxies()
    proxy = proxies.get("https") if parts.scheme == "https" else None
    origin = Origin(parts.scheme, host, parts.port or _PORTS[parts.scheme], private=True, proxy=proxy)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = {
        "host": parts.netloc.rpartition("@")[2], "user-agent": f"Trunkline/{__version__}", "accept": "application/json",
        "accept-encoding": "identity", "connection": "close", **fields,
    }  # fmt: skip
    if method == "POST":
        lines["content-length"] = str(len(body))
    head = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in lines.items()) + "\r\n"
    try:
        return asyncio.run(_exchange(origin, method, head.encode("ascii"), body))
    except (WireError, TimeoutError, UnicodeEncodeError) as problem:
        said = f"{type(problem).__name__}: {problem}".rstrip(": ")
        raise OidcProblem(f"{parts.scheme}://{parts.netloc} cannot be reached ({said})") from None


async def _exchange(origin: Origin, method: str, head: bytes, body: bytes) -> tuple[int, bytes]:
    client = Client()
    try:
        async with asyncio.timeout(TIMEOUT_S):
            response = await client.open(origin, method.encode(), head, body or None).ready
            content = response.body if response.complete else await response.read(ANSWER_MAX)
            status: int = response.status
            return status, bytes(content)
    finally:
        await client.close()
