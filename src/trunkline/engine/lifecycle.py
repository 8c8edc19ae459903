"""The header fields with which vendors say that something of their API ends, or which version they served. Names only.

Not for: what they mean (`ops/contracts/lifecycle.py`), nor for keeping what was said (`gateway/notices.py`).
"""

from __future__ import annotations

ENDING = frozenset(
    (b"deprecation", b"sunset", b"warning", b"x-api-warn", b"x-zendesk-api-warn", b"x-shopify-api-deprecated-reason",
     b"x-shopify-api-version-warning", b"x-ad-api-version-warning", b"azure-deprecating", b"api-deprecated-versions", b"x-deprecated",
     b"x-deprecation", b"x-deprecation-notice", b"x-deprecation-date", b"x-deprecated-message", b"x-deprecated-expiresutc",
     b"x-api-deprecated", b"x-api-deprecation", b"x-api-deprecation-date", b"x-api-deprecation-info", b"x-sunset", b"x-api-sunset",
     b"x-api-sunset-date")
)  # fmt: skip
"""RFC 9745 and RFC 8594, what came before them, and vendors' own."""
SERVED = frozenset(
    (b"stripe-version", b"x-github-api-version-selected", b"x-shopify-api-version", b"facebook-api-version")
)
"""The version that answered, which is not always the one that was asked for."""
LIFECYCLE = ENDING | SERVED
