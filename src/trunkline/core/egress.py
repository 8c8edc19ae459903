"""Which hosts the CONNECT listener lets through beside those of integrations, as plain data. Pure.

Not for: the listener (`ops/egress`), nor for the YAML (`registry/shape_egress.py`).
"""

from __future__ import annotations

import msgspec


class Egress(msgspec.Struct, frozen=True, kw_only=True):
    """The CONNECT listener."""

    port: int = 0
    """Where it listens; 0: it does not, unless the process is told."""
    allow: list[str] = []
    """`host`, `*.host`, each with `:port` where it is not 443."""
