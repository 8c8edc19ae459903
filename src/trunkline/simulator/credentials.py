"""Where a request carries its credential, and whether the simulated vendor accepts it.

By default any credential will do, as long as it stands in the vendor's own place; the control API can name the accepted ones.
Values are compared and kept as hashes only.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl, quote

from trunkline.simulator.ledger import digest

ANYWHERE = ("bearer", "basic", "x-api-key", "api-key", "x-goog-api-key", "xi-api-key", "?key")
"""Where a credential is looked for when the vendor has no place of its own. `?key` is a query parameter, others are headers."""

SECRET_FIELDS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "x-api-key", "api-key", "x-goog-api-key", "xi-api-key"}
)
_SECRET_PARAMETERS = frozenset({"key", "api_key", "apikey", "access_token", "token"})


def find(fields: Mapping[str, str], query_text: str, places: Sequence[str]) -> tuple[str, str]:
    """Returns (place, value) of the first credential found, or two empty strings."""
    scheme, _, rest = fields.get("authorization", "").partition(" ")
    for place in places:
        if place in ("bearer", "basic", "token"):
            if rest and scheme.lower() == place:
                return place, _basic(rest) if place == "basic" else rest.strip()
        elif place.startswith("?"):
            if query_text and (value := dict(parse_qsl(query_text)).get(place[1:], "")):
                return place, value
        elif value := fields.get(place, ""):
            return place, value
    return "", ""


def _basic(encoded: str) -> str:
    """`user:password`, or the user alone when the password is empty, as Stripe takes its keys."""
    try:
        text = base64.b64decode(encoded, validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""
    return text.removesuffix(":")


def without_secrets(query_text: str) -> str:
    """The query with the values of credential parameters left out."""
    if "=" not in query_text:
        return query_text
    pairs = parse_qsl(query_text, keep_blank_values=True)
    return "&".join(
        f"{quote(name)}=" + ("(hidden)" if name.lower() in _SECRET_PARAMETERS else quote(value))
        for name, value in pairs
    )


class Credentials:
    """Which credentials each vendor accepts: any, until told otherwise."""

    def __init__(self) -> None:
        self._accepted: dict[str, frozenset[str]] = {}

    def accept(self, vendor: str, values: Sequence[str] | None) -> None:
        """From now on only these; an empty list refuses everything, None accepts anything again."""
        if values is None:
            self._accepted.pop(vendor, None)
        else:
            self._accepted[vendor] = frozenset(digest(value) for value in values)

    def accepts(self, vendor: str, hashed: str) -> bool:
        """`hashed` is the digest of the credential sent."""
        accepted = self._accepted.get(vendor)
        return accepted is None or hashed in accepted

    def described(self) -> dict[str, int]:
        """How many credentials each restricted vendor accepts."""
        return {vendor: len(hashes) for vendor, hashes in self._accepted.items()}

    def restricted(self, vendor: str) -> bool:
        """Whether only certain values are accepted."""
        return vendor in self._accepted

    def clear(self) -> None:
        """Any credential will do again, everywhere."""
        self._accepted.clear()
