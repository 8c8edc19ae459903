"""Errors about reaching a vendor: is it known, where is it, with which secret?

Not for: what is then called (`verify_calls.py`).
"""

from __future__ import annotations

import msgspec

from . import references
from .address import judge
from .catalog import names
from .document import Place
from .findings import did_you_mean, one_of
from .item import Item, secret_of
from .patterns import HEADER_NAME, VERSIONED_NAME
from .shape_vendor import PoolMember, Secret
from .verify_auth import verify_auth
from .verify_bounds import texts

_CREDENTIAL_HEADERS = {
    "authorization",
    "proxy-authorization",
    "cookie",
    "x-api-key",
    "api-key",
    "x-goog-api-key",
    "x-auth-token",
}
_OWN_HEADERS = {
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "keep-alive",
    "expect",
}


def verify_access(item: Item) -> bool:
    """Writes every error; False when the vendor is unknown, so that nothing else can be said."""
    if not VERSIONED_NAME.fullmatch(item.name):
        item.fault(
            (),
            "bad-name",
            f"`{item.name}` is no name.",
            "Use small letters, digits, `-` and `_`.",
            at_key=True,
        )
    if not _known_vendor(item):
        return False
    for check in (_addresses, _secrets, verify_auth, _headers, _stray_secrets):
        check(item)
    return True


def _known_vendor(item: Item) -> bool:
    vendor = item.own.vendor
    if item.entry is not None or (item.own.base_url and not vendor):
        return True
    word = vendor or item.name
    near = did_you_mean(word, names())
    own = "For an API of your own give it a `base_url`."
    cure = " ".join(filter(None, (near, own if not vendor else "", "" if near else one_of(names()))))
    at: Place = ("vendor",) if vendor else ()
    item.fault(at, "unknown-vendor", f"`{word}` is not in the catalog.", cure, value=word, at_key=not vendor)
    return False


def _addresses(item: Item) -> None:
    if item.own.base_url:
        _address(item, ("base_url",), item.own.base_url)
    secret = secret_of(item.own)
    for n, member in enumerate(secret if isinstance(secret, list) else []):
        if member.base_url:
            _address(item, (*_secret_place(item), n, "base_url"), member.base_url)
    if item.own.proxy:
        found = judge(item.own.proxy, allow_http=True, listeners=item.listeners)
        if found.fault:
            item.fault(("proxy",), "bad-address", found.fault, "Write e.g. `http://proxy.example.com:3128`.")


def _address(item: Item, at: Place, text: str) -> None:
    found = judge(text, allow_http=item.own.allow_http, listeners=item.listeners)
    if found.fault:
        item.fault(at, "bad-address", found.fault, found.cure, value=found.url)


def _secret_place(item: Item) -> Place:
    return ("secret",) if item.own.secret is not None else ("auth", "secret")


def _secrets(item: Item) -> None:
    secret = secret_of(item.own)
    at = _secret_place(item)
    if item.own.secret is not None and item.own.auth is not None and item.own.auth.secret is not None:
        item.fault(
            ("secret",),
            "two-secrets",
            "`secret` and `auth.secret` are both given.",
            "Keep one of them.",
            at_key=True,
        )
    if secret is None:
        _no_secret(item)
    elif isinstance(secret, str):
        _reference(item, at, secret)
    elif not secret:
        item.fault(at, "bad-reference", "The pool is empty.", "Give at least one `{ref: env:NAME}`.")
    for n, member in enumerate(secret if isinstance(secret, list) else []):
        _reference(item, (*at, n, "ref"), member.ref)
        if member.ref in [other.ref for other in _before(secret, n)] and not member.base_url:
            item.fault(
                (*at, n, "ref"),
                "duplicate-reference",
                "This credential stands in the pool twice.",
                "Use `weight`.",
            )


def _no_secret(item: Item) -> None:
    kind = item.own.auth.kind if item.own.auth else None
    if kind == "none" or (item.entry is not None and not item.entry.key.needed and kind is None):
        return
    if item.entry is not None:
        variable = item.entry.env[0] if item.entry.env else item.name.upper().replace("-", "_") + "_API_KEY"
        cure = f"Add `secret: env:{variable}`."
        item.fault((), "missing-secret", f"{item.entry.title} needs a secret.", cure, at_key=True)
    elif kind is not None:
        item.fault(
            ("auth",),
            "missing-secret",
            f"auth of kind `{kind}` needs a secret.",
            "Add `secret: env:NAME`.",
        )


def _reference(item: Item, at: Place, text: str) -> None:
    problem = references.problem(text)
    if problem:
        item.fault(at, problem.code, problem.message, problem.cure)


def _headers(item: Item) -> None:
    for name, value in item.own.headers.items():
        at: Place = ("headers", name)
        if not HEADER_NAME.fullmatch(name):
            item.fault(
                at,
                "bad-value",
                f"`{name}` is no header name.",
                "Use letters, digits and `-`.",
                at_key=True,
            )
        elif name.lower() in _CREDENTIAL_HEADERS:
            item.fault(
                at,
                "literal-secret",
                f"`{name}` carries a credential.",
                "Use `auth` with a `secret`.",
                at_key=True,
            )
        elif name.lower() in _OWN_HEADERS:
            item.fault(
                at, "bad-value", f"`{name}` is set by the connection itself.", "Remove it.", at_key=True
            )
        if any(ord(c) < 32 or ord(c) > 126 for c in value):
            item.fault(
                at,
                "bad-value",
                "A header value holds control or non-ASCII characters.",
                "Use plain ASCII.",
            )


def _stray_secrets(item: Item) -> None:
    skip = {item.place + _secret_place(item), (*item.place, "auth", "refresh")}
    for at, text in texts(msgspec.to_builtins(item.own), item.place):
        if not any(at[: len(s)] == s for s in skip) and references.looks_secret(text):
            item.scribe.error(
                at,
                "literal-secret",
                "A credential stands here (it is not shown).",
                "Use `secret` with a reference.",
            )


def _before(pool: Secret | None, n: int) -> list[PoolMember]:
    return pool[:n] if isinstance(pool, list) else []
