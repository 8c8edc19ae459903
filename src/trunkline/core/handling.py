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


class StoredBounds(msgspec.Struct, frozen=True, kw_only=True):
    """How long, and in how much room, stored responses of vendors that keep none are kept here."""

    keep: float = 86400.0
    """Seconds; 0: nothing is kept."""
    bytes: int = 256 << 20


class DataRules(msgspec.Struct, frozen=True, kw_only=True):
    """What is done about categories of data in calls as they are made. Categories are as declared: `pii` stands for all below it."""

    block: list[str] = []
    """A request that holds one of these is refused."""
    redact: list[str] = []
    """These are blotted out of the request before it is sent."""
    answers: bool = False
    """Also out of the answer (`redact`) before the caller gets it."""


class Handling(msgspec.Struct, frozen=True, kw_only=True):
    """What a vendor does with the data that it gets, as people or the catalog say."""

    purpose: str = ""
    retention: str = ""
    trains: bool | None = None
    """None: nobody has said."""
    region: str = ""
    dpa: str = ""
    """The data processing agreement: URL or reference."""
    source: str = ""
    """Where this was read."""
    date: str = ""
    """When."""
    from_catalog: bool = False


class Privacy(msgspec.Struct, frozen=True, kw_only=True):
    """What is declared about data of an integration, beside the categories that it may receive (`Service.data`)."""

    declared: bool = False
    """Whether the registry says what it may receive; else nobody has said anything."""
    forbid: list[str] = []
    """Categories that it must never receive."""
    rules: DataRules | None = None
    """Those of an operation, a named route or a model name hold beside it."""
    identifiers: list[str] = []
    """Where requests name persons: JSON pointers, `query:NAME`, `path:NAME` (plugins/policies/identifiers.py); an operation may
    have others."""
    handling: Handling = Handling()
