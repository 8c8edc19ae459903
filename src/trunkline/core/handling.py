"""What is declared about data: which calls are sampled with their bodies, what may go to a vendor, what the vendor does with it.

Plain data, part of what `core/service.py` holds. Not for: finding data in bodies (`core/data/`), nor the samples themselves
(`core/sample.py`).
"""

from __future__ import annotations

import msgspec


class Samples(msgspec.Struct, frozen=True, kw_only=True):
    """Which answered attempts of an integration are kept for a short while with their bodies.

    The first call of each minute to each operation is taken, so that what is seldom used is seen; of the others a share.
    """

    enabled: bool = True
    share: float = 0.01
    per_minute: int = 12
    """Most of one operation."""
    request_bytes: int = 64 << 10
    """Of each body so much from its begin."""
    response_bytes: int = 64 << 10


class SampleStore(msgspec.Struct, frozen=True, kw_only=True):
    """The sealed files of all samples."""

    keep: float = 3600.0
    """Seconds after which a sample is deleted that nobody has looked at; one that was looked at is deleted sooner."""
    bytes: int = 64 << 20
