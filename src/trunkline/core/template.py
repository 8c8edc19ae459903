"""Placeholders in the answers that a registry declares: `{{ /pointer }}` into the JSON request, `{{ name }}` of the call.

Shared by the check of a registry and by the answering of a call, so that both know the same names. Pure. Not for: finding
what a pointer leads to, nor for putting values in.
"""

from __future__ import annotations

import re

PLACEHOLDER = re.compile(r"\{\{\s*(.*?)\s*\}\}", re.DOTALL)
"""Group 1 is the pointer or name."""
FACTS = (
    "call_id",
    "code",
    "correlation_id",
    "integration",
    "message",
    "model",
    "operation",
    "retry_at",
    "route",
    "time",
)
"""Names of facts of a call; `code`, `message` and `retry_at` are of the failure, `time` is now (RFC 3339 UTC)."""

_POINTER = re.compile(r"(/([^~/]|~[01])*)+")


def faulty(text: str) -> list[tuple[str, str]]:
    """(what stands there, what is wrong with it) for each placeholder that cannot be filled; empty when all is well."""
    found = [(inside, why) for inside in PLACEHOLDER.findall(text) if (why := _fault(inside))]
    rest = PLACEHOLDER.sub("", text)
    if "{{" in rest:
        found.append(("{{", "it is never closed by `}}`"))
    return found


def _fault(inside: str) -> str:
    if inside.startswith("/"):
        return "" if _POINTER.fullmatch(inside) else "it is no JSON pointer"
    return "" if inside in FACTS else "it is neither a JSON pointer nor a fact of the call"
