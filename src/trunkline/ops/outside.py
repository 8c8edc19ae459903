"""What is known of integrations besides the gateway's own traffic: probes, vendors' status pages, which features are hit, and how many
acts are in doubt.

Written by the console as one file that is swapped atomically, read by the gateway for `/health`. Core only. Not for: gathering it
(`probes/`, `status_pages/`), nor for judging it (`health.py`).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import msgspec

from trunkline.core.codec import DecodeError, pack_decoder, to_pack

FILE = "health.msgpack"
Indicator = Literal["none", "minor", "major", "critical", "maintenance"]


class Probed(msgspec.Struct, frozen=True, kw_only=True):
    """The last free call that tells whether an integration answers."""

    at: float
    """Epoch seconds."""
    every: float
    """Seconds between two of them."""
    ok: bool
    reason: str
    code: str = ""
    """Kind of failure; empty when it went well."""
    status: int = 0
    took_s: float = 0.0
    failures: int = 0
    """How many in a row failed."""


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a vendor reports as going on."""

    name: str
    status: str = ""
    """In the vendor's word, e.g. `investigating`."""
    impact: Indicator = "minor"
    url: str = ""
    updated: str = ""
    """As the vendor wrote it."""


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """What a vendor's status page says."""

    at: float = 0.0
    every: float = 0.0
    url: str = ""
    """Where it was read."""
    indicator: Indicator = "none"
    description: str = ""
    incidents: list[Incident] = []
    components: list[str] = []
    """Those that are not well, with their state."""
    problem: str = ""
    """Why it could not be read; then the rest says nothing."""


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """Calls of one feature to one integration in the last minutes."""

    feature: str
    calls: int
    failures: int
    """Calls that this integration failed, even if a fallback has served them."""


class Outside(msgspec.Struct, frozen=True, kw_only=True):
    """All of it, by integration."""

    at: float = 0.0
    probes: dict[str, Probed] = {}
    pages: dict[str, Page] = {}
    hits: dict[str, list[Hit]] = {}
    unknown_open: int | None = None
    """Calls whose outcome nobody knows (`trunkline unknown list`); None: nobody has looked."""


NOTHING = Outside()


class Told:
    """The content of the file as it was taken over last."""

    def __init__(self, state: Path) -> None:
        self.path = state / FILE
        self._content = NOTHING
        self.take()

    def take(self) -> None:
        """The file was replaced."""
        self._content = read(self.path)

    def now(self) -> Outside:
        return self._content


_decoder: msgspec.msgpack.Decoder[Outside] = pack_decoder(Outside)


def write(path: Path, content: Outside) -> None:
    """Replaces the file in one step."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(to_pack(content))
    temporary.chmod(0o600)
    temporary.replace(path)


def read(path: Path) -> Outside:
    """The content of the file; nothing for one that is not there or of another version."""
    try:
        return _decoder.decode(path.read_bytes())
    except (OSError, DecodeError):
        return NOTHING
