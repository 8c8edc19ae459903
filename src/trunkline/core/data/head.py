"""Which header fields of a request may tell of somebody: those that callers make up, such as `x-acting-for`. Pure.

Not for: which fields are sent at all (`engine/fields.py`), nor for what their values hold (`text.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

BYTES_MAX = 8192
"""Of one head; what is longer was refused before it came here, or is looked at no further."""
_QUIET = re.compile(
    rb"x-trunkline-|sec-|accept|content-|user-agent$|date$|if-|range$|cache-control$|pragma$|traceparent$|tracestate$|baggage$|"
    rb"x-stainless-|host$|origin$|referer$|forwarded$|x-forwarded-|via$|connection$|te$|upgrade|transfer-encoding$|expect$|"
    rb"x-correlation-id$|x-request-id$|.*(?:token|secret|key|auth|signature|cookie|password|version|-beta|-ip)$|authorization|.*-authorization$"
)
"""Technical ones, those that never reach a vendor, and what may be secret."""


def telling(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    """Names and values that may be looked into; names come in small letters."""
    told, room = [], BYTES_MAX
    for name, value in headers:
        room -= len(name) + len(value)
        if room < 0:
            break
        if not _QUIET.match(name):
            told.append((name.decode("latin-1"), value.decode("utf-8", "replace")))
    return told
