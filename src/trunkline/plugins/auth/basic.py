"""`Authorization: Basic` (RFC 7617): a fixed user name with the secret as password, or a secret that is `user:password`."""

from __future__ import annotations

import base64

from trunkline.core.service import Auth
from trunkline.plugins.auth.ready import Ready


def prepare(auth: Auth, secret: str) -> Ready:
    """The `Authorization` line; nothing depends on the request."""
    pair = f"{auth.username}:{secret}" if auth.username else secret if ":" in secret else f"{secret}:"
    return Ready(b"authorization: Basic " + base64.b64encode(pair.encode()) + b"\r\n")
