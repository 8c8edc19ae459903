"""Credentials that may do more than their use: full keys where narrower ones exist, and one for those who only read and those who write.

Pure. Not for: reading keys or the ledger (`console/secret_watch.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from trunkline.core.service import Service

READS = ("GET", "HEAD", "OPTIONS")


class Shared(NamedTuple):
    """One credential of an integration for keys that only read, and keys that write."""

    integration: str
    ref: str
    readers: list[str]
    writers: list[str]

    @property
    def said(self) -> str:
        """For people."""
        return (
            f"One credential ({self.ref}) of {self.integration} serves keys that only read ({_some(self.readers)}) and keys that write "
            f"({_some(self.writers)}). Give the readers an integration of their own with a credential that cannot write."
        )


def shared(services: Iterable[Service], used: Mapping[str, Mapping[str, set[str]]]) -> list[Shared]:
    """Where it is so. `used`: integration -> key -> operations that it called lately. AI calls are neither reading nor writing."""
    found = []
    for service in services:
        keys = used.get(service.name, {})
        if service.dialects or len(service.credentials) != 1 or len(keys) < 2:
            continue
        methods = {operation.name: operation.method for operation in service.operations}
        reads = {key: {methods.get(name, "") in READS for name in names} for key, names in keys.items()}
        readers = sorted(key for key, seen in reads.items() if seen == {True})
        writers = sorted(key for key, seen in reads.items() if False in seen)
        if readers and writers:
            found.append(Shared(service.name, service.credentials[0].ref, readers, writers))
    return found


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
