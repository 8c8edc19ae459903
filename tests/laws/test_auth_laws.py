"""Each scheme of authentication puts the credential on the request in well-formed bytes and shows it nowhere else."""

from __future__ import annotations

from base64 import b64encode
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.ports import Signer
from trunkline.core.service import Auth
from trunkline.plugins.auth import SCHEMES, prepare
from trunkline.plugins.auth.ready import Ready
from trunkline.testing import SECRET, check_auth

AUTHS = [
    Auth(kind="bearer"),
    Auth(kind="bearer", template="Token {secret}"),
    Auth(kind="header", name="X-Api-Key"),
    Auth(kind="header", name="x-key", template="v1 {secret}"),
    Auth(kind="query", name="key"),
    Auth(kind="query", name="a&b", template="{secret}=="),
    Auth(kind="basic"),
    Auth(kind="basic", username="api"),
    Auth(kind="none"),
    Auth(kind="oauth2"),
]


@pytest.mark.row("K1", "S1")
@pytest.mark.parametrize("auth", AUTHS, ids=lambda a: f"{a.kind}-{a.name}{a.username}{a.template}")
def test_each_scheme_keeps_the_law(auth: Auth) -> None:
    check_auth(prepare, auth, SECRET)


def test_the_law_is_asked_of_every_scheme() -> None:
    assert {auth.kind for auth in AUTHS} == set(SCHEMES)


@given(st.sampled_from(AUTHS), st.text(min_size=1))
def test_any_secret_is_sent_well_formed_or_refused(auth: Auth, secret: str) -> None:
    try:
        signer = prepare(auth, secret)
    except ValueError:
        return
    assert signer.fields.count(b"\r\n") == (1 if signer.fields else 0)
    assert signer.fields.replace(b"\r\n", b"").isascii()
    assert not set(signer.query) & set(b"\r\n\0 #?")


@given(st.sampled_from(AUTHS), st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=6))
def test_the_secret_stands_on_the_request_in_the_schemes_own_spelling(auth: Auth, secret: str) -> None:
    signer = prepare(auth, secret)
    sent = signer.fields + signer.query
    if auth.kind in ("none", "oauth2"):  # the secret of oauth2 is only for the token endpoint
        assert sent == b""
    elif auth.kind == "basic":
        pair = f"{auth.username}:{secret}" if auth.username else secret if ":" in secret else f"{secret}:"
        assert b64encode(pair.encode()) in sent
    else:
        assert (quote(secret, safe="") if auth.kind == "query" else secret).encode() in sent


class Chatty(Ready):
    def __repr__(self) -> str:
        return f"Chatty({self.fields!r})"


BROKEN = {
    "shows": lambda auth, secret: Chatty(b"authorization: Bearer " + secret.encode() + b"\r\n"),
    "has no end": lambda auth, secret: Ready(b"authorization: Bearer " + secret.strip("\r\n").encode()),
    "of its own": lambda auth, secret: Ready(b"authorization: Bearer " + secret.encode() + b"\r\n"),
    "lower-case": lambda auth, secret: Ready(b"Authorization: Bearer " + secret.encode() + b"\r\n"),
    "not encoded": lambda auth, secret: Ready(query=b"key= " + secret.encode()),
    "plain query": lambda auth, secret: Ready(query=b"?key=" + secret.encode()),
}


@pytest.mark.parametrize("why", list(BROKEN))
def test_the_law_bites(why: str) -> None:
    scheme = BROKEN[why]

    def broken(auth: Auth, secret: str) -> Signer:
        return scheme(auth, secret)

    with pytest.raises(AssertionError, match=why):
        check_auth(broken, Auth(), SECRET)
