"""Forms that names, headers, paths and expressions of a registry must have."""

from __future__ import annotations

import re

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
"""Of routes, and of integrations but for their version."""
VERSIONED_NAME = re.compile(rf"{NAME.pattern}(@[a-z0-9][a-z0-9._-]{{0,30}})?")
"""Of integrations: `stripe`, `stripe@2026-08`."""
SAID_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
"""Of operations and models."""
HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def template_fault(path: str) -> str:
    """What is wrong with the path template of an operation; empty when nothing is."""
    segments = path.split("/")[1:]
    for n, segment in enumerate(segments):
        if segment.count("{") != segment.count("}") or re.search(r"\{[^}]*\{|\{\}", segment):
            return "The braces of the path do not match."
        if "+}" in segment and (n < len(segments) - 1 or not re.fullmatch(r"\{[a-z_A-Z0-9]+\+\}", segment)):
            return "`{x+}` must be the whole last segment."
    if "?" in path or "#" in path or any(c.isspace() for c in path):
        return "The path holds a query, a fragment or a space."
    return ""


def compiles(pattern: str) -> bool:
    """Whether a text is a regular expression."""
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True
