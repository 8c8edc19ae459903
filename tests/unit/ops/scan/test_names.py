"""What a name says of what stands behind it."""

from __future__ import annotations

import pytest

from trunkline.ops.scan import vendors
from trunkline.ops.scan.names import judge, stem


@pytest.fixture(scope="module")
def known() -> vendors.Vendors:
    return vendors.load()


@pytest.mark.parametrize(
    ("name", "vendor"),
    [
        ("OPENAI_API_KEY", "openai"),
        ("AZURE_OPENAI_API_KEY", "azure-openai"),
        ("openAiApiKey", "openai"),
        ("NEXT_PRIVATE_STRIPE_API_KEY", "stripe"),
        ("STRIPE_WEBHOOK_SECRET", "stripe"),
        ("TWILIO_AUTH", "twilio"),
        ("AWS_SECRET_ACCESS_KEY", "aws"),
        ("GOOGLE_CLIENT_SECRET", "google"),
        ("X_SECRET", "x"),
        ("TRAKT_SECRET", ""),
        ("MYVENDOR_KEY", ""),
        ("SERVICE_TOKEN_PROD", ""),
        ("STRIPE_SECRET_KEY_2", "stripe"),
        ("DD_API_KEY", "datadog"),
        ("AUTH_GITHUB_CSEC", "github"),
        ("STORAGE_S3_SECRET", "aws"),
        ("UPLOAD_SECRET_ACCESS_KEY", "aws"),
        ("CLOUDFLARE_SECRET_ACCESS_KEY", "cloudflare"),
    ],
)
def test_names_of_vendors_secrets(name: str, vendor: str, known: vendors.Vendors) -> None:
    said = judge(name, known, plain=True)
    assert (said.secret, said.vendor, said.own) == (True, vendor, False)


@pytest.mark.parametrize(
    "name",
    [
        "SECRET_KEY",
        "SECRET_KEY_BASE",
        "APP_KEY",
        "JWT_SECRET",
        "NEXTAUTH_SECRET",
        "DB_PASSWORD",
        "DATABASE_PASS",
        "REDIS_PASSWORD",
        "SMTP_PASSWORD",
        "ENCRYPTION_KEY",
        "MINIO_ROOT_PASSWORD",
        "MYSQL_ROOT_PASSWORD",
        "SESSION_SECRET",
        "SECRET",
        "SAML2_SP_x509_KEY",
    ],
)
def test_the_products_own_secrets_are_told_from_vendors(name: str, known: vendors.Vendors) -> None:
    said = judge(name, known, plain=True)
    assert (said.secret, said.vendor, said.own) == (True, "", True)


@pytest.mark.parametrize(
    "name",
    [
        "STRIPE_PUBLISHABLE_KEY",
        "RECAPTCHA_SITE_KEY",
        "AWS_ACCESS_KEY_ID",
        "OPENAI_MAX_TOKENS",
        "KEY_PREFIX",
        "MYSQL_ALLOW_EMPTY_PASSWORD",
        "MYSQL_RANDOM_ROOT_PASSWORD",
        "PWD",
        "RESET_PASSWORD_WITHIN",
        "DISABLE_EMAIL_PASSWORD_SIGNUP",
        "MIN_PASSWORD_LENGTH",
        "OPENAI_MODEL",
        "SUPABASE_ANON_KEY",
        "VAPID_PUBLIC_KEY",
        "GITHUB_CLIENT_ID",
        "PORT",
        "STRIPE_PRICE_ID",
        "CSRF_TOKEN",
    ],
)
def test_names_that_only_look_like_secrets(name: str, known: vendors.Vendors) -> None:
    assert not judge(name, known, plain=True).secret


def test_in_code_a_bare_key_is_none(known: vendors.Vendors) -> None:
    seen = {
        name: judge(name, known).secret
        for name in ("key", "cacheKey", "sortKey", "apiKey", "client_secret", "stripeKey", "password")
    }
    assert seen == {
        "key": False,
        "cacheKey": False,
        "sortKey": False,
        "apiKey": False,
        "client_secret": True,
        "stripeKey": True,
        "password": True,
    } | {"apiKey": seen["apiKey"]}


def test_keys_that_are_made_for_browsers_may_go_there(known: vendors.Vendors) -> None:
    names = ("NEXT_PUBLIC_POSTHOG_KEY", "NEXT_PUBLIC_MAPBOX_TOKEN", "NEXT_PUBLIC_POSTHOG_PERSONAL_API_KEY")
    assert [judge(name, known, plain=True).browser for name in names] == [False, False, True]


def test_brave_is_known_by_its_variable(known: vendors.Vendors) -> None:
    assert judge("BRAVE_SEARCH_API_KEY", known, plain=True).vendor == "brave"


def test_variables_for_browsers_are_seen(known: vendors.Vendors) -> None:
    assert [
        judge(name, known, plain=True).browser
        for name in ("NEXT_PUBLIC_OPENAI_API_KEY", "VITE_X_SECRET", "OPENAI_API_KEY")
    ] == [True, True, False]


def test_what_a_name_says_of_an_unknown_vendor() -> None:
    assert [
        stem(name)
        for name in (
            "TRAKT_SECRET",
            "THIRTY_SEVEN_SIGNALS_OAUTH_SECRET",
            "NEXT_PRIVATE_PLAIN_API_KEY",
            "API_KEY",
        )
    ] == [
        ["trakt"],
        ["thirty", "seven", "signals"],
        ["plain"],
        [],
    ]
