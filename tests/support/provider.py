"""A contract server of ours that plays an OpenID provider (Core 1.0): discovery, authorization code with PKCE, keys, userinfo.

It lets in whoever is set as `person`, at once, and checks what a provider checks: client, redirect, verifier, one use of each code.
Tests may have it lie. Not a provider for people; the story with a real one is in tests/real.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

CLIENT, SECRET = "trunkline", "oidc-test-not-a-real-secret"


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Provider(ThreadingHTTPServer):
    """One issuer. `claims` go into the ID token, `more` is what userinfo says besides; `lie` replaces claims of the ID token."""

    def __init__(self) -> None:
        self.claims: dict[str, Any] = {
            "sub": "person-1",
            "preferred_username": "ana",
            "groups": ["shop-devs"],
        }
        self.more: dict[str, Any] = {}
        self.lie: dict[str, Any] = {}
        self.algorithm = "RS256"
        """What heads say; with `none` there is no signature."""
        self.secret = SECRET
        self.refuses = ""
        self.codes: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []
        self.now = time.time
        self.rotate()
        super().__init__(("127.0.0.1", 0), _Page)

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def rotate(self) -> None:
        """Signs with a new key from now on; the one before is gone."""
        self.kid, self._key = secrets.token_hex(4), rsa.generate_private_key(65537, 2048)

    def jwks(self) -> dict[str, Any]:
        numbers = self._key.public_key().public_numbers()
        n, e = (b64(value.to_bytes((value.bit_length() + 7) // 8)) for value in (numbers.n, numbers.e))
        return {"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid, "n": n, "e": e}]}

    def token(self, claims: dict[str, Any]) -> str:
        """Any claims, signed as this issuer."""
        head = {"alg": self.algorithm, "kid": self.kid, "typ": "JWT"}
        text = f"{b64(json.dumps(head).encode())}.{b64(json.dumps(claims).encode())}"
        if self.algorithm == "none":
            return f"{text}."
        return f"{text}.{b64(self._key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def authorize(self, url: str) -> str:
        """As a browser with somebody who is signed in there: where the provider leads back to."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        if self.refuses:
            return f"{asked['redirect_uri']}?{urlencode({'error': self.refuses, 'state': asked['state']})}"
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state'], 'iss': self.issuer})}"

    def trade(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """The token endpoint."""
        asked = self.codes.pop(form.get("code", ""), None)
        basic = base64.b64decode(authorization.removeprefix("Basic ")).decode() if authorization else ""
        client, _, secret = basic.partition(":")
        known = (
            (unquote(client), unquote(secret)) == (CLIENT, self.secret)
            if self.secret
            else form.get("client_id") == CLIENT
        )
        if not known:
            return 401, {"error": "invalid_client"}
        proof = b64(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if (
            asked is None
            or proof != asked["code_challenge"]
            or form.get("redirect_uri") != asked["redirect_uri"]
        ):
            return 400, {"error": "invalid_grant"}
        now = self.now()
        claims = {
            "iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"], **self.claims, **self.lie,
        }  # fmt: skip
        told = {name: value for name, value in claims.items() if value is not ...}
        return 200, {"id_token": self.token(told), "access_token": "at-test", "token_type": "Bearer"}


class _Page(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        provider, path = self.server, self.path.partition("?")[0]
        provider.asked.append(path)
        if path == "/.well-known/openid-configuration":
            names = {
                "authorization_endpoint": "auth",
                "token_endpoint": "token",
                "jwks_uri": "jwks",
                "userinfo_endpoint": "me",
            }
            self._tell(
                200,
                {
                    "issuer": provider.issuer,
                    **{name: f"{provider.issuer}/{end}" for name, end in names.items()},
                },
            )
        elif path == "/jwks":
            self._tell(200, provider.jwks())
        elif path == "/me":
            good = self.headers.get("authorization") == "Bearer at-test"
            self._tell(200 if good else 401, {"sub": provider.claims["sub"], **provider.more} if good else {})
        else:
            self._tell(404, {})

    def do_POST(self) -> None:
        self.server.asked.append(self.path)
        body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        self._tell(*self.server.trade(form, self.headers.get("authorization", "")))

    def _tell(self, status: int, content: dict[str, Any]) -> None:
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        return


@contextmanager
def running_provider() -> Iterator[Provider]:
    """Serves until the end of the block."""
    with Provider() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join(5)
