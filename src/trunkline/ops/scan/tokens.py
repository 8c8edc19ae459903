"""Signed tokens (JWT, RFC 7519): one that stands in a file is a credential, whatever its name and whoever gave it. Pure.

Not for: keys with a vendor's form (`vendors.py`), nor for checking a token.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from trunkline.core.codec import DecodeError, from_json

_JWT = re.compile(r"eyJ[A-Za-z0-9_-]{8,2000}\.(eyJ[A-Za-z0-9_-]{4,4000})\.[A-Za-z0-9_-]{20,1000}")
_OF_MANUALS = frozenset(["1234567890"])
"""Subjects of tokens that manuals print."""


def is_token(value: str) -> bool:
    """A token that lets its bearer in: not one for everybody (the role of browsers), nor that of a manual or a demonstration."""
    found = _JWT.fullmatch(value)
    if found is None:
        return False
    claims = _claims(found[1])
    if claims is None or claims.get("role") == "anon":
        return False
    return claims.get("sub") not in _OF_MANUALS and "demo" not in str(claims.get("iss", ""))


def _claims(part: str) -> dict[str, Any] | None:
    try:
        claims = from_json(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (binascii.Error, ValueError, DecodeError):
        return None
    return claims if isinstance(claims, dict) else None
