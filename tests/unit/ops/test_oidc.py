"""Asking an OpenID provider: what is believed of its answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from trunkline.core.identity import TokenKey
from trunkline.ops import oidc
from trunkline.ops.oidc import OidcProblem, Provider, Tokens

pytestmark = pytest.mark.row("W1")


class Pages(ThreadingHTTPServer):
    """Answers by path; remembers what it was asked."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[int, Any]] = {}
        self.asked: list[tuple[str, str, dict[str, str], str]] = []
        super().__init__(("127.0.0.1", 0), Page)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Page(BaseHTTPRequestHandler):
    server: Pages

    def do_GET(self) -> None:
        length = int(self.headers.get("content-length", 0))
        body = self.rfile.read(length).decode()
        self.server.asked.append((self.command, self.path, dict(self.headers), body))
        status, content = self.server.pages.get(self.path, (404, {}))
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        if status == 302:
            self.send_header("location", "http://127.0.0.1:1/")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def pages() -> Iterator[Pages]:
    with Pages() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join(60)


def documented(pages: Pages, **changes: Any) -> str:
    issuer = pages.address
    document = {
        "issuer": issuer, "authorization_endpoint": f"{issuer}/auth", "token_endpoint": f"{issuer}/token",
        "jwks_uri": f"{issuer}/jwks", "userinfo_endpoint": f"{issuer}/me", **changes,
    }  # fmt: skip
    pages.pages[oidc.WELL_KNOWN] = (200, document)
    return issuer


RSA = {"kty": "RSA", "kid": "1", "n": "AQAB", "e": "AQAB", "use": "sig", "x5c": ["..."]}


def test_a_provider_is_found_by_its_document(pages: Pages) -> None:
    issuer = documented(pages)
    assert oidc.discover(issuer) == Provider(
        issuer, f"{issuer}/auth", f"{issuer}/token", f"{issuer}/jwks", f"{issuer}/me"
    )


def test_keys_are_found_by_the_document_or_where_one_says(pages: Pages) -> None:
    issuer = documented(pages)
    pages.pages["/jwks"] = pages.pages["/other"] = (
        200,
        {"keys": [RSA, {"kty": "oct", "k": "c2VjcmV0"}, {"kty": "RSA", "use": "enc"}, 7]},
    )
    expected = [TokenKey(kty="RSA", kid="1", n="AQAB", e="AQAB")]
    assert (oidc.keys(issuer), oidc.keys(issuer, f"{issuer}/other")) == (expected, expected)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"issuer": "https://evil.test"}, "is of another issuer"),
        ({"token_endpoint": "http://192.0.2.1/token"}, "is not https"),
        ({"jwks_uri": "ftp://x/jwks"}, "is not https"),
        ({"jwks_uri": "https://user:word@x/jwks"}, "is not https"),
    ],
)
def test_a_document_that_cannot_be_trusted_is_refused(
    pages: Pages, changes: dict[str, Any], said: str
) -> None:
    issuer = documented(pages, **changes)
    with pytest.raises(OidcProblem, match=said):
        oidc.discover(issuer)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((404, {}), "answered 404"),
        ((302, {}), "answered 302"),
        ((200, b"<html>"), "did not answer with JSON"),
        ((200, []), "did not answer with a JSON object"),
        ((200, b"x" * (oidc.ANSWER_MAX + 1)), "cannot be reached"),
        ((200, {"keys": []}), "is of another issuer"),
    ],
)
def test_other_answers_are_said(pages: Pages, answer: tuple[int, Any], said: str) -> None:
    pages.pages[oidc.WELL_KNOWN] = answer
    with pytest.raises(OidcProblem, match=said):
        oidc.discover(pages.address)


def test_who_does_not_answer_is_said() -> None:
    with pytest.raises(OidcProblem, match="cannot be reached"):
        oidc.discover("http://127.0.0.1:1")


@pytest.mark.parametrize("document", [{}, {"keys": 7}, {"keys": []}, {"keys": [{"kty": "oct", "k": "x"}]}])
def test_a_set_without_public_keys_is_none(document: dict[str, Any]) -> None:
    with pytest.raises(OidcProblem, match="no public key"):
        oidc.keys_of(document)


@pytest.mark.parametrize("secret", ["", "s3:cr/t"])
def test_a_code_is_traded_with_its_verifier(pages: Pages, secret: str) -> None:
    provider = oidc.discover(documented(pages))
    pages.pages["/token"] = (200, {"id_token": "eyJ.a.b", "access_token": "at"})
    found = oidc.exchange(
        provider, code="c&1", verifier="v", redirect="https://x/r", client_id="tr unk", client_secret=secret
    )
    assert found == Tokens("eyJ.a.b", "at")
    assert "eyJ" not in repr(found)
    method, path, headers, body = pages.asked[-1]
    assert (method, path) == ("POST", "/token")
    assert "grant_type=authorization_code&code=c%261&redirect_uri=https%3A%2F%2Fx%2Fr&code_verifier=v" in body
    if secret:
        assert headers["authorization"] == "Basic dHIlMjB1bms6czMlM0FjciUyRnQ="
        assert "client_id" not in body
    else:
        assert ("authorization" in headers, "client_id=tr+unk" in body) == (False, True)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            (400, {"error": "invalid_grant", "error_description": "secret things"}),
            r"answered 400 \('invalid_grant'\)",
        ),
        ((200, {"access_token": "at"}), "gave no ID token"),
    ],
)
def test_a_refused_code_is_said(pages: Pages, answer: tuple[int, Any], said: str) -> None:
    provider = oidc.discover(documented(pages))
    pages.pages["/token"] = answer
    with pytest.raises(OidcProblem, match=said) as refusal:
        oidc.exchange(
            provider, code="code-1", verifier="v", redirect="r", client_id="c", client_secret="s3cret"
        )
    assert not any(word in str(refusal.value) for word in ("secret things", "code-1", "s3cret"))


def test_userinfo_is_asked_with_the_token(pages: Pages) -> None:
    provider = oidc.discover(documented(pages))
    pages.pages["/me"] = (200, {"sub": "7", "groups": ["a"]})
    assert oidc.userinfo(provider, "at")["groups"] == ["a"]
    assert pages.asked[-1][2]["authorization"] == "Bearer at"
