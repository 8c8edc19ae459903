"""Signing in at an OpenID provider: there with a question that nobody else can have asked, back with its answer.

What must be remembered meanwhile (state, nonce, PKCE verifier) goes along in a sealed cookie, so that nothing is kept here for
whoever only begins. Not for: who somebody is (`control/sign_in.py`), nor for the provider's endpoints (`ops/oidc.py`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

import msgspec
from starlette.responses import RedirectResponse, Response

from trunkline.console import landing
from trunkline.console.access import cookie_of
from trunkline.console.declare import Endpoint, Nothing
from trunkline.console.identity import Came
from trunkline.console.sign_in import HTML, opened, refused, settings
from trunkline.control import sessions, sign_in
from trunkline.control.lockout import LockedOut
from trunkline.control.sign_in import TurnedAway
from trunkline.core.codec import DecodeError, json_decoder, to_json
from trunkline.core.identity import Oidc
from trunkline.ops import oidc as provider
from trunkline.ops.oidc import OidcProblem

if TYPE_CHECKING:
    from trunkline.console.context import Console

COOKIE = "trunkline_sign_in"
LIFE_S = 600.0
BACK = "/sign-in/oidc/return"
BASE = "../../"
"""From the page of the return to the first one."""

Text = Annotated[str, msgspec.Meta(max_length=4096)]


class ReturnQuery(msgspec.Struct, frozen=True):
    """What the provider sends back; whatever else it adds is left aside."""

    code: Text = ""
    state: Text = ""
    error: Text = ""
    iss: Text = ""


class Asked(msgspec.Struct, frozen=True):
    """What was asked, for whom comes back."""

    state: str
    nonce: str
    verifier: str
    redirect: str
    until: float


_asked: msgspec.json.Decoder[Asked] = json_decoder(Asked)


def begin(console: Console, query: Nothing, came: Came) -> Response:
    """To the provider."""
    known = settings(console).oidc
    if known is None:
        return refused(console, "No provider is set up here (`sign_in.oidc` in the registry).", 404, "../")
    base = _base(console, came)
    if not base:
        return refused(
            console,
            "Set `notify.console_url` in the registry, so that the provider can lead back here.",
            500,
            "../",
        )
    try:
        found = console.providers.provider(known.issuer)
    except OidcProblem as problem:
        return refused(console, f"The provider cannot be used now: {problem}.", 503, "../")
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    asked = Asked(state, nonce, verifier, base + BACK, console.clock() + LIFE_S)
    challenge = (
        base64.urlsafe_b64encode(hashlib.sha256(asked.verifier.encode()).digest()).rstrip(b"=").decode()
    )
    parameters = {
        "response_type": "code", "client_id": known.client_id, "redirect_uri": asked.redirect, "scope": " ".join(known.scopes),
        "state": asked.state, "nonce": asked.nonce, "code_challenge": challenge, "code_challenge_method": "S256",
    }  # fmt: skip
    joint = "&" if "?" in found.authorization else "?"
    response = RedirectResponse(f"{found.authorization}{joint}{urlencode(parameters)}", 303)
    # Lax: the provider leads back from its own site, and the answer must find the question.
    sealed = _seal(console, to_json(asked))
    response.set_cookie(COOKIE, sealed, max_age=int(LIFE_S), httponly=True, samesite="lax", path="/")
    return response


def back(console: Console, query: ReturnQuery, came: Came) -> Response:
    """From the provider: checks its answer and opens a session."""
    try:
        console.access.failures.check(came.address)
    except LockedOut as locked:
        return refused(console, f"{locked}.", 429, BASE)
    try:
        user_id = _checked(console, query, came)
    except TurnedAway as why:
        console.access.failures.failed("oidc", came.address)
        return _forget(refused(console, str(why), 403, BASE))
    except OidcProblem as problem:
        return _forget(refused(console, f"The provider cannot be used now: {problem}.", 503, BASE))
    try:
        found = sessions.open_session(
            console.state, user_id, "oidc", address=came.address, agent=came.agent,
            life_s=settings(console).session_s, now=console.clock(),
        )  # fmt: skip
    except sessions.SessionProblem as problem:
        return _forget(refused(console, str(problem), 403, BASE))
    return _forget(opened(console, found, Response(landing.onward(BASE), media_type=HTML)))


def _checked(console: Console, query: ReturnQuery, came: Came) -> str:
    known, now = settings(console).oidc, console.clock()
    asked = _open(console, cookie_of(came.cookies, COOKIE))
    if known is None or asked is None or asked.until <= now:
        raise TurnedAway("This sign-in was not begun here, or longer than ten minutes ago. Try again.")
    if not hmac.compare_digest(query.state.encode(), asked.state.encode()):
        raise TurnedAway("This answer belongs to another sign-in. Try again.")
    if query.iss and query.iss != known.issuer:
        raise TurnedAway("This answer is of another provider.")
    if query.error or not query.code:
        raise TurnedAway(f"The provider did not let you in ({query.error[:80] or 'no code'}).")
    claims = _claims(console, known, query.code, asked, now)
    return sign_in.user_of(console.state, known, claims, now)


def _claims(console: Console, known: Oidc, code: str, asked: Asked, now: float) -> dict[str, Any]:
    found = console.providers.provider(known.issuer)
    tokens = provider.exchange(
        found, code=code, verifier=asked.verifier, redirect=asked.redirect, client_id=known.client_id,
        client_secret=console.providers.secret(known.client_secret) if known.client_secret else "",
    )  # fmt: skip
    try:
        claims = sign_in.claims_of(
            tokens.id_token, console.providers.keys(found), known, nonce=asked.nonce, now=now
        )
    except TurnedAway:
        # Signed with a key that is newer than what was fetched, perhaps.
        keys = console.providers.keys(found, again=True)
        claims = sign_in.claims_of(tokens.id_token, keys, known, nonce=asked.nonce, now=now)
    if sign_in.wants_more(known, claims) and found.userinfo and tokens.access_token:
        more = provider.userinfo(found, tokens.access_token)
        if more.get("sub") != claims["sub"]:
            raise TurnedAway("The provider's userinfo is of somebody else.")
        claims = {**more, **claims}
    return claims


def _base(console: Console, came: Came) -> str:
    """Where this console is, as the provider must lead back to it; empty if that cannot be told."""
    snapshot = console.published.snapshot()
    if snapshot is not None and snapshot.notify.console_url:
        return snapshot.notify.console_url.rstrip("/")
    return "" if came.handed_on or not came.host else f"http://{came.host}"


def _key(console: Console) -> bytes:
    return hmac.digest(console.state.keys["token_key"], b"sign-ins under way", "sha256")


def _seal(console: Console, content: bytes) -> str:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(12)
    return base64.urlsafe_b64encode(nonce + AESGCM(_key(console)).encrypt(nonce, content, b"")).decode()


def _open(console: Console, text: str) -> Asked | None:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        data = base64.urlsafe_b64decode(text)
        return _asked.decode(AESGCM(_key(console)).decrypt(data[:12], data[12:], b""))
    except (ValueError, InvalidTag, DecodeError):
        return None


def _forget(response: Response) -> Response:
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax")
    return response


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET", path="/sign-in/oidc", role="open", name="oidc", summary="Sign in at the OpenID provider", media="text/html",
        handler=begin,
    ),
    Endpoint(
        method="GET", path=BACK, role="open", name="oidc_return", summary="Back from the OpenID provider", query=ReturnQuery,
        media="text/html", handler=back,
    ),
)  # fmt: skip
