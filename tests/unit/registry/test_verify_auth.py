"""A token that is fetched needs an address, a client and, for a refresh, the refresh token's reference."""

import pytest

from trunkline.core import service

from .conftest import Load, Refused

OAUTH = "kind: oauth2, token_url: 'https://login.example.com/token', secret: store:CRM"


def crm(auth: str) -> str:
    return f"version: 1\nintegrations:\n  crm: {{base_url: 'https://crm.example.com', auth: {{{auth}}}}}\n"


@pytest.mark.row("K2", "R4")
@pytest.mark.parametrize(
    ("auth", "code", "item", "says"),
    [
        ("kind: oauth2, secret: env:A", "missing-key", "auth", "`token_url: https://login.example.com/oauth/token`"),
        ("kind: oauth2, token_url: 'https://login.example.com'", "missing-secret", "auth", "needs a secret"),
        (f"{OAUTH}, token_url: x", "duplicate-key", "auth.token_url", "second time"),
        ("kind: oauth2, token_url: 'http://login.example.com', secret: env:A", "bad-address", "auth.token_url", "plain HTTP"),
        (f"{OAUTH}, grant: password", "bad-value", "auth.grant", "Known: client_credentials, refresh_token."),
        (f"{OAUTH}, grant: refresh_token", "missing-key", "auth", "Add `refresh: store:NAME`"),
        (f"{OAUTH}, refresh: store:R", "unused-key", "auth.refresh", "unless `grant` is `refresh_token`"),
        (f"{OAUTH}, grant: refresh_token, refresh: not-a-real-token", "literal-secret", "auth.refresh", "not shown"),
        (f"{OAUTH}, client_auth: jwt", "bad-value", "auth.client_auth", "Known: basic, post."),
        ("kind: bearer, secret: env:A, scopes: [a]", "unused-key", "auth.scopes", "use kind `oauth2`"),
        ("secret: env:A, token_url: 'https://login.example.com'", "unused-key", "auth.token_url", "kind `bearer`"),
    ],
)  # fmt: skip
def test_an_error_names_item_and_cure(refused: Refused, auth: str, code: str, item: str, says: str) -> None:
    (fault,) = refused(crm(auth))
    assert (fault.code, fault.item, fault.line) == (code, f"integrations.crm.{item}", 3)
    assert says in f"{fault.message} {fault.cure}"
    assert "not-a-real" not in str(fault) + fault.value


@pytest.mark.row("K2")
def test_a_client_and_a_refresh_token_come_through(loaded: Load) -> None:
    run = loaded(
        crm(
            f"{OAUTH}, grant: refresh_token, refresh: store:CRM_REFRESH, client_id: 'env:CRM_CLIENT', "
            "client_auth: post, scopes: [contacts, deals], audience: crm"
        ),
        environ={"CRM_CLIENT": "client-7"},
    )
    assert run.snapshot.services[0].auth == service.Auth(
        kind="oauth2",
        grant="refresh_token",
        token_url="https://login.example.com/token",
        client_id="client-7",
        client_auth="post",
        scopes=["contacts", "deals"],
        audience="crm",
        refresh="store:CRM_REFRESH",
    )
    assert run.refs == ["store:CRM", "store:CRM_REFRESH"]


def test_little_is_needed_for_client_credentials(loaded: Load) -> None:
    assert loaded(crm(OAUTH)).snapshot.services[0].auth == service.Auth(
        kind="oauth2", token_url="https://login.example.com/token"
    )
