"""AWS Signature Version 4 of one POST with a body, and the credentials that it is made with. Pure but for reading files.

Source: AWS General Reference, "Signature Version 4 signing process". Not for: calls to vendors.
"""

from __future__ import annotations

import configparser
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

ALGORITHM = "AWS4-HMAC-SHA256"


class AwsKey(NamedTuple):
    """A key pair with what belongs to it; ends at an instant if it is a temporary one."""

    access: str
    secret: str
    session: str = ""
    ends_at: float = float("inf")
    """Epoch seconds."""

    def __repr__(self) -> str:
        return f"AwsKey(ends_at={self.ends_at})"


def signed(
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    key: AwsKey,
    *,
    region: str,
    service: str,
    now: datetime,
) -> dict[str, str]:
    """The headers with those of the signature. `now` is UTC."""
    parts = urlsplit(url)
    at = now.strftime("%Y%m%dT%H%M%SZ")
    lines = {name.lower(): " ".join(value.split()) for name, value in headers.items()}
    lines |= {"host": parts.netloc, "x-amz-date": at}
    if key.session:
        lines["x-amz-security-token"] = key.session
    names = ";".join(sorted(lines))
    canonical = "\n".join(
        (
            "POST",
            parts.path or "/",
            parts.query,
            *(f"{name}:{lines[name]}" for name in sorted(lines)),
            "",
            names,
            hashlib.sha256(body).hexdigest(),
        )
    )
    scope = f"{at[:8]}/{region}/{service}/aws4_request"
    text = "\n".join((ALGORITHM, at, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    signing = f"AWS4{key.secret}".encode()
    for part in (at[:8], region, service, "aws4_request"):
        signing = hmac.digest(signing, part.encode(), "sha256")
    mark = hmac.new(signing, text.encode(), "sha256").hexdigest()
    lines["authorization"] = (
        f"{ALGORITHM} Credential={key.access}/{scope}, SignedHeaders={names}, Signature={mark}"
    )
    return lines


def from_environ(environ: Mapping[str, str]) -> AwsKey | None:
    """The key in the usual variables."""
    access, secret = environ.get("AWS_ACCESS_KEY_ID", ""), environ.get("AWS_SECRET_ACCESS_KEY", "")
    return AwsKey(access, secret, environ.get("AWS_SESSION_TOKEN", "")) if access and secret else None


def from_profile(environ: Mapping[str, str]) -> AwsKey | None:
    """The key of the profile in the shared credentials file; profiles that lead elsewhere (SSO, roles) give none."""
    home = environ.get("HOME", "") or "/"
    path = Path(environ.get("AWS_SHARED_CREDENTIALS_FILE") or Path(home) / ".aws" / "credentials")
    found = configparser.RawConfigParser()
    try:
        found.read_string(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, configparser.Error):
        return None
    name = environ.get("AWS_PROFILE") or "default"
    if not found.has_section(name):
        return None
    part = found[name]
    access, secret = part.get("aws_access_key_id", ""), part.get("aws_secret_access_key", "")
    return AwsKey(access, secret, part.get("aws_session_token", "")) if access and secret else None
