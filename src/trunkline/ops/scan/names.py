"""Does a name say that a secret stands behind it, and is that the product's own or a vendor's? Pure.

Not for: values (`secrets_seen.py`).
"""

from __future__ import annotations

from typing import NamedTuple

from .vendors import Vendors, split_name

SURE = frozenset(
    [
        "SECRET",
        "CSEC",
        "TOKEN",
        "PASSWORD",
        "PASSWD",
        "PASSPHRASE",
        "APIKEY",
        "CREDENTIAL",
        "CREDENTIALS",
        "PAT",
    ]
)
"""A name that ends with one of these holds a secret."""
SHORT = frozenset(["PASS", "PWD", "AUTH", "SKEY", "PSK"])
"""These too, where nothing else can be meant: in env files, or behind a vendor's name."""
KEY_KINDS = frozenset(
    [
        "API",
        "ACCESS",
        "SECRET",
        "PRIVATE",
        "ENCRYPTION",
        "SIGNING",
        "APP",
        "SERVICE",
        "ROLE",
        "MASTER",
        "LICENSE",
        "EVENT",
        "ADMIN",
        "SERVER",
        "ACCOUNT",
        "AUTH",
        "WRITE",
        "READ",
        "SUBSCRIPTION",
        "CONSUMER",
        "INTEGRATION",
        "REST",
        "SERVICE_ROLE",
        "HMAC",
        "JWT",
        "COOKIE",
        "SESSION",
        "ENCRYPT",
        "SK",
        "PRIMARY",
        "DETERMINISTIC",
        "INGEST",
        "RECORD",
    ]
)
"""What may stand before KEY when a secret is meant."""
PASSWORDS = frozenset(["PASSWORD", "PASSWD", "PASSPHRASE", "PASS", "PWD"])
"""What stands behind these, people may have chosen."""
PUBLIC = frozenset(["PUBLIC", "PUBLISHABLE", "SITE", "ANON", "CLIENT", "PKEY", "PK"])
AFTER = frozenset(
    [
        "BASE",
        "VALUE",
        "CONTENT",
        "CONTENTS",
        "PROD",
        "PRODUCTION",
        "DEV",
        "DEVELOPMENT",
        "TEST",
        "STAGING",
        "LIVE",
        "SANDBOX",
        "DEFAULT",
        "OLD",
        "NEW",
        "ENV",
    ]
)
"""What may follow the secret's word without changing what it is."""
SWITCHES = frozenset(
    [
        "ALLOW",
        "DISABLE",
        "DISABLED",
        "ENABLE",
        "ENABLED",
        "REQUIRE",
        "USE",
        "IS",
        "HAS",
        "SKIP",
        "RANDOM",
        "MIN",
        "MAX",
        "RESET",
        "FORGOT",
        "CHANGE",
    ]
)
"""Of a name that says whether or how, not what."""
OWN = frozenset(
    [
        "SESSION",
        "JWT",
        "COOKIE",
        "COOKIES",
        "CSRF",
        "APP",
        "APPLICATION",
        "ENCRYPTION",
        "NEXTAUTH",
        "AUTH",
        "DB",
        "DATABASE",
        "POSTGRES",
        "POSTGRESQL",
        "PG",
        "MYSQL",
        "MARIADB",
        "MONGO",
        "MONGODB",
        "REDIS",
        "VALKEY",
        "RABBITMQ",
        "AMQP",
        "MINIO",
        "SMTP",
        "MAIL",
        "EMAIL",
        "SFTP",
        "FTP",
        "SSH",
        "LDAP",
        "SAML",
        "SAML2",
        "ADMIN",
        "ROOT",
        "WEBDAV",
        "KEYSTORE",
        "RAILS",
        "DJANGO",
        "LARAVEL",
        "FLASK",
        "RECORD",
        "DEVISE",
        "MASTER",
        "SALT",
        "PEPPER",
        "CRON",
        "INTERNAL",
        "DATASOURCE",
        "KAFKA",
        "CLICKHOUSE",
        "ELASTIC",
        "ELASTICSEARCH",
        "MEMCACHED",
        "HASH",
        "SIGNING",
        "BETTER",
        "PAYLOAD",
        "STRAPI",
        "DIRECTUS",
        "HASURA",
        "KEYCLOAK",
        "DKIM",
        "BACKUP",
        "TEST",
        "USER",
        "SUPERUSER",
        "METRICS",
        "HEALTH",
        "SECRET",
        "KEY",
    ]
)
"""Of such things the product keeps its own secrets."""
BROWSER = (
    "NEXT_PUBLIC_",
    "VITE_",
    "REACT_APP_",
    "NUXT_PUBLIC_",
    "PUBLIC_",
    "EXPO_PUBLIC_",
    "GATSBY_",
    "VUE_APP_",
)
"""Prefixes that hand a variable to every visitor."""


class Judged(NamedTuple):
    """What a name says."""

    secret: bool
    vendor: str = ""
    own: bool = False
    browser: bool = False
    password: bool = False


MADE_FOR_BROWSERS = ("posthog", "mapbox")
"""Vendors whose usual key identifies a project and may be read by everybody; a personal one may not."""


def judge(name: str, vendors: Vendors, *, plain: bool = False) -> Judged:
    """What a name says. With `plain` it is a variable of an environment, where `X_KEY` can only be a credential."""
    parts = split_name(name)
    while len(parts) > 1 and (parts[-1] in AFTER or parts[-1].isdigit()):
        parts.pop()
    if not parts or (parts[-1] not in SURE and parts[-1] not in SHORT and parts[-1] != "KEY"):
        return Judged(_is_webhook(parts, plain), vendors.of_name("_".join(parts)) if parts else "")
    before = parts[:-1]
    vendor = vendors.of_name(name) or _by_ending(parts)
    if parts in (["PWD"], ["OLDPWD"]) or not _is_secret(parts, vendor, plain=plain):
        return Judged(False, vendor)
    own = not vendor and (parts == ["SECRET"] or any(part in OWN for part in before))
    browser = name.upper().startswith(BROWSER) and (vendor not in MADE_FOR_BROWSERS or "PERSONAL" in before)
    return Judged(True, vendor, own, browser, parts[-1] in PASSWORDS)


def _by_ending(parts: list[str]) -> str:
    """`UPLOAD_SECRET_ACCESS_KEY`: only one vendor calls half of its credentials so."""
    return "aws" if parts[-3:] == ["SECRET", "ACCESS", "KEY"] and OWN.isdisjoint(parts[:-3]) else ""


def _is_secret(parts: list[str], vendor: str, *, plain: bool) -> bool:
    last, before = parts[-1], parts[:-1]
    if not SWITCHES.isdisjoint(before):
        return False
    if last in SURE:
        return (
            not (before and before[-1] in ("CSRF", "XSRF", "NEXT", "PAGE", "CANCEL", "SITE"))
            and "PUBLIC" not in before[-1:]
        )
    if last in SHORT:
        return bool(vendor) or (plain and last in ("PASS", "PWD"))
    if before and before[-1] in PUBLIC:
        return False
    if before and before[-1] in KEY_KINDS:
        return plain or bool(vendor) or before[-1] != "PRIMARY"
    return bool(vendor) or (plain and bool(before))


def _is_webhook(parts: list[str], plain: bool) -> bool:
    """`SLACK_WEBHOOK_URL`: who knows it may post."""
    return (
        plain
        and parts[-2:] == ["WEBHOOK", "URL"]
        and any(part in ("SLACK", "DISCORD", "TEAMS") for part in parts)
    )


def stem(name: str) -> list[str]:
    """What a credential's name says of a vendor that is not known, in lower case: `TRAKT_API_SECRET` -> `trakt`."""
    parts = split_name(name)
    while parts and (
        parts[-1] in SURE | SHORT | AFTER | KEY_KINDS or parts[-1] in ("KEY", "CLIENT", "OAUTH", "ID", "BOT")
    ):
        parts.pop()
    while len(parts) > 1 and parts[0] in (
        "NEXT",
        "PUBLIC",
        "PRIVATE",
        "VITE",
        "REACT",
        "APP",
        "SSO",
        "AUTH",
        "SPRING",
        "OAUTH",
    ):
        parts.pop(0)
    return [part.lower() for part in parts]
