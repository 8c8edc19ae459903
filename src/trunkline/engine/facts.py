"""What was found in a vendor's answer: the one value that the readers of bodies hand on, and small readings that they share.

Not for: finding it (`extract.py`, `json_error.py`, `markup_error.py`).
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

MESSAGE_CHARS = 2000
CODE = re.compile(r"[A-Za-z0-9_.:/#-]{1,120}")
"""What may be a code; a sentence is none."""


class Facts(NamedTuple):
    """What was found. `shape` names where (empty: no known one was recognized); `codes` are in order of weight."""

    shape: str = ""
    tree: Any = None
    message: str = ""
    codes: tuple[str, ...] = ()
    param: str = ""
    request_id: str = ""
    status: int = 0
    """An HTTP status that the body itself claims; it weighs more than the one outside."""


GRPC = {
    1: "CANCELLED",
    2: "UNKNOWN",
    3: "INVALID_ARGUMENT",
    4: "DEADLINE_EXCEEDED",
    5: "NOT_FOUND",
    6: "ALREADY_EXISTS",
    7: "PERMISSION_DENIED",
    8: "RESOURCE_EXHAUSTED",
    9: "FAILED_PRECONDITION",
    10: "ABORTED",
    11: "OUT_OF_RANGE",
    12: "UNIMPLEMENTED",
    13: "INTERNAL",
    14: "UNAVAILABLE",
    15: "DATA_LOSS",
    16: "UNAUTHENTICATED",
}
"""google.rpc status codes by number."""
MESSAGES = (
    "message",
    "Message",
    "msg",
    "error_message",
    "errorMessage",
    "ErrorMessage",
    "err_msg",
    "error_msg",
    "detail",
    "details",
    "description",
    "error_description",
    "reason",
    "title",
    "faultstring",
    "status_msg",
    "text",
)
"""Where vendors put the sentence for people, best first."""


def flat(value: Any, depth: int = 0) -> str:
    """A message as text, whether it comes as text, object or list of either; nothing lies deeper than six levels."""
    if depth > 6:
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, dict):
        inner = next((text for key in MESSAGES if (text := flat(value.get(key), depth + 1))), "")
        if inner:
            return inner
        return "; ".join(
            f"{k}: {text}"
            for k, v in list(value.items())[:5]
            if isinstance(v, str | list) and (text := flat(v, depth + 1))
        )
    if isinstance(value, list):
        return "; ".join(text for v in value[:5] if (text := flat(v, depth + 1)))
    return ""


def unique(*codes: str) -> tuple[str, ...]:
    """The codes in their order, each once."""
    return tuple(dict.fromkeys(c for c in codes if c))[:8]


def brief(text: str) -> str:
    """The begin of a text, on one line."""
    return " ".join(text[:MESSAGE_CHARS].split())[:500]
