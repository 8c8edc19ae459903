"""Errors about how a credential is put on a request, and about how a token is fetched for it (oauth2).

Not for: whether there is a credential, and where it is (`verify_access.py`).
"""

from __future__ import annotations

from . import references
from .address import judge
from .item import Item, secret_of
from .patterns import HEADER_NAME
from .shape_vendor import Auth

_OAUTH2 = ("grant", "token_url", "client_id", "client_auth", "scopes", "audience", "refresh")


def verify_auth(item: Item) -> None:
    """Writes every error."""
    auth = item.own.auth
    if auth is None:
        return
    inherited = item.entry.auth if item.entry else None
    kind = auth.kind or (inherited.kind if inherited else None) or "bearer"
    base = inherited if inherited and (inherited.kind or "bearer") == kind else Auth()
    _name(item, auth, kind, auth.name or base.name)
    _unused(item, auth, kind)
    if kind == "oauth2":
        _oauth2(item, auth, base)
    if auth.template and auth.template.count("{secret}") != 1:
        said = "The template must hold `{secret}` once."
        item.fault(("auth", "template"), "bad-value", said, "Write e.g. `Token {secret}`.")


def _name(item: Item, auth: Auth, kind: str, named: str) -> None:
    if kind in ("header", "query") and not named:
        said = f"auth of kind `{kind}` needs the `name` of the {kind}."
        item.fault(("auth",), "missing-key", said, "Add e.g. `name: X-Api-Key`.")
    if kind not in ("header", "query") and auth.name:
        said = f"`name` means nothing to auth of kind `{kind}`."
        item.fault(("auth", "name"), "unused-key", said, "Remove it, or use kind `header`.")
    if kind == "header" and auth.name and not HEADER_NAME.fullmatch(auth.name):
        cure = "Use letters, digits and `-`."
        item.fault(("auth", "name"), "bad-value", "This is no header name.", cure, value=auth.name)


def _unused(item: Item, auth: Auth, kind: str) -> None:
    if kind != "basic" and auth.username:
        said = "Only auth of kind `basic` has a user name."
        item.fault(("auth", "username"), "unused-key", said, "Remove it.")
    if kind == "none" and secret_of(item.own) is not None:
        said = "auth of kind `none` uses no secret."
        item.fault(("auth", "kind"), "unused-key", said, "Remove the secret or choose a kind.")
    for key in _OAUTH2 if kind != "oauth2" else ():
        if getattr(auth, key):
            said = f"`{key}` means nothing to auth of kind `{kind}`."
            item.fault(("auth", key), "unused-key", said, "Remove it, or use kind `oauth2`.", at_key=True)


def _oauth2(item: Item, auth: Auth, base: Auth) -> None:
    url = auth.token_url or base.token_url
    if not url:
        cure = "Add e.g. `token_url: https://login.example.com/oauth/token`."
        item.fault(("auth",), "missing-key", "auth of kind `oauth2` needs a `token_url`.", cure)
    else:
        found = judge(url.partition("?")[0], allow_http=item.own.allow_http, listeners=item.listeners)
        if found.fault:
            item.fault(("auth", "token_url"), "bad-address", found.fault, found.cure, value=found.url)
    grant, refresh = auth.grant or base.grant, auth.refresh or base.refresh
    if grant == "refresh_token" and not refresh:
        cure = "Add `refresh: store:NAME`, where the refresh token lies."
        item.fault(("auth",), "missing-key", "`grant: refresh_token` needs `refresh`.", cure)
    if grant != "refresh_token" and auth.refresh:
        said = "`refresh` means nothing unless `grant` is `refresh_token`."
        item.fault(("auth", "refresh"), "unused-key", said, "Remove it.", at_key=True)
    if auth.refresh and (problem := references.problem(auth.refresh)):
        item.fault(("auth", "refresh"), problem.code, problem.message, problem.cure)
