"""Which host and port a registry declares, and whose integration that is. Pure.

Not for: whether a caller may use it (`listener.py`), nor for addresses behind names (`wire/resolve.py`).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple
from urllib.parse import urlsplit

from trunkline.core.service import Snapshot

HTTPS = 443


class Target(NamedTuple):
    """A declared host and port."""

    integration: str
    """Empty for what is only allowed (`egress: {allow: ...}`)."""
    private: bool
    """Loopback and private addresses may be reached (ruling 21)."""


class Declared:
    """What one version of the registry lets through. Integrations that are switched off are not in it."""

    def __init__(self, snapshot: Snapshot, disabled: Collection[str] = ()) -> None:
        self.version = snapshot.version
        self._exact: dict[tuple[str, int], Target] = {}
        self._below: list[tuple[str, int]] = []
        for service in snapshot.services:
            if not service.enabled or service.simulated or service.name in disabled:
                continue
            target = Target(service.name, service.private)
            pool = [credential.base_url for credential in service.credentials]
            for url in (service.base_url, *pool, service.auth.token_url):
                if (place := _place(url)) is not None:
                    self._exact.setdefault(place, target)
        for entry in snapshot.egress.allow:
            name, _, port = entry.partition(":")
            number = int(port) if port else HTTPS
            if name.startswith("*."):
                self._below.append((name[1:], number))
            else:
                self._exact.setdefault((name, number), Target("", False))

    def find(self, host: str, port: int) -> Target | None:
        """The target of a host and port, or None if nobody declared it."""
        found = self._exact.get((host, port))
        if found is not None:
            return found
        return next(
            (Target("", False) for end, number in self._below if number == port and host.endswith(end)), None
        )

    def ports(self, host: str) -> list[int]:
        """Ports of a host that are declared, for who asked for another."""
        return sorted(port for name, port in self._exact if name == host)


def _place(url: str) -> tuple[str, int] | None:
    parts = urlsplit(url)
    if not parts.hostname:
        return None
    return parts.hostname.lower().rstrip("."), parts.port or (80 if parts.scheme == "http" else HTTPS)
