"""The credential in a query parameter that the vendor names, e.g. `?key=SECRET`; added after logging, never shown."""

from __future__ import annotations

from urllib.parse import quote

from trunkline.core.service import Auth
from trunkline.plugins.auth.ready import Ready


def prepare(auth: Auth, secret: str) -> Ready:
    """The encoded parameter."""
    value = auth.template.replace("{secret}", secret)
    return Ready(query=f"{quote(auth.name, safe='')}={quote(value, safe='')}".encode())
