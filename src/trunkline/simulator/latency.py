"""How slow a simulated vendor is: delay to the first byte, pace of a stream, number of its pieces.

Not for: faults in time (`never`, `drip`, `stall`: `wire_faults.py`).
"""

from __future__ import annotations

import msgspec


class Latency(msgspec.Struct, forbid_unknown_fields=True):
    """`chunks` = 0 leaves the number of pieces to the vendor."""

    first_ms: float = 0.0
    per_chunk_ms: float = 0.0
    chunks: int = 0


NONE = Latency()


def from_header(text: str) -> Latency:
    """`first_ms=50;per_chunk_ms=10;chunks=20`. Raises ValueError naming what is wrong."""
    values: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        name, _, value = part.partition("=")
        if name not in Latency.__struct_fields__:
            raise ValueError(f"x-sim-latency knows first_ms, per_chunk_ms and chunks, not {name!r}")
        values[name] = float(value)
    return Latency(values.get("first_ms", 0.0), values.get("per_chunk_ms", 0.0), int(values.get("chunks", 0)))


class Latencies:
    """The latency of each vendor; `*` holds for those without their own."""

    def __init__(self) -> None:
        self.rules: dict[str, Latency] = {}

    def of(self, vendor: str) -> Latency:
        """What holds for this vendor now."""
        return self.rules.get(vendor) or self.rules.get("*") or NONE
