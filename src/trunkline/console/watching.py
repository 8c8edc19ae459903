"""Composes what watches integrations from the console: probes, status pages, features hit, and refresh tokens to be stored.

Reads what is published, writes the health file and, for replaced refresh tokens, the store. Not for: the looks themselves
(`ops/probes`).
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from trunkline.console.published import Published
from trunkline.control import audit, kills, published, rotated
from trunkline.control.state import State
from trunkline.core.service import Sealed, Service
from trunkline.gateway import addresses
from trunkline.ledger.query import CallFilter, Ledger
from trunkline.ops import outside
from trunkline.ops.hits import MINUTES, Hits
from trunkline.ops.probes.rounds import Means, Place, Rounds
from trunkline.plugins import auth
from trunkline.wire.client import Client

REGISTRY_EVERY_S = 1.0
SEEDED_MAX = 2000


class Watching:
    """Everything that watches, over one state folder. Without `looks` nothing is probed and no page is read. `unknown` counts the acts
    that are in doubt.
    """

    def __init__(
        self,
        state_dir: Path,
        published: Published,
        hits: Hits,
        *,
        unknown: Callable[[], int] | None = None,
        looks: bool = True,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._state_dir = state_dir
        self._published = published
        self._hits = hits
        self._unknown = unknown
        self._unknown_open: int | None = None
        self._looks = looks
        self._environ = environ
        self._state = State(state_dir, environ)
        self._secrets = Secrets(self._state)
        self._adopted: object = None
        self._said = ""

    async def run(self) -> None:
        """Until cancelled. What fails is said once and tried again: the console must outlive it."""
        wire = Client()
        means = Means(
            wire, self.place, self._page_place, self._secrets.signed, self._publish, self._hits.told
        )
        rounds = Rounds(means, clock=time.monotonic, wall=time.time)
        try:
            while True:
                try:
                    await asyncio.to_thread(self._look, rounds)
                    await rounds.step()
                except Exception as problem:
                    self._say(
                        f"watching integrations failed ({type(problem).__name__}: {problem}); it goes on"
                    )
                await asyncio.sleep(REGISTRY_EVERY_S)
        finally:
            await wire.close()

    def _look(self, rounds: Rounds) -> None:
        """Follows the registry, the kill switch and the secrets; takes over refresh tokens."""
        snapshot = self._published.snapshot()
        self._secrets.look()
        if snapshot is not None:
            off = kills.disabled(self._state)
            if (mark := (snapshot.version, tuple(off))) != self._adopted:
                rounds.adopt(snapshot.services if self._looks else (), off)
                self._adopted = mark
        rotated.take_over(self._state)
        self._unknown_open = self._count_unknown()

    def _count_unknown(self) -> int | None:
        """None while the ledger cannot be read: that must not end the looks at integrations."""
        from sqlalchemy.exc import SQLAlchemyError

        try:
            return self._unknown() if self._unknown is not None else None
        except SQLAlchemyError:
            return None

    def place(self, service: Service, url: str) -> Place:
        """Where a request to an integration goes. Raises ValueError for an address that may not be used."""
        found = addresses.address(service, url, self._environ)
        return Place(found.origin, found.host)

    def _page_place(self, url: str) -> Place:
        """A page of somebody else: in the open, encrypted; on this machine only if the registry itself says so."""
        host = urlsplit(url).hostname or ""
        stand_in = Service(name="status page", base_url=url, private=addresses.literal(host))
        return self.place(stand_in, url)

    def _publish(self, told: outside.Outside) -> None:
        told = msgspec.structs.replace(told, unknown_open=self._unknown_open)
        outside.write(self._state_dir / outside.FILE, told)

    def _say(self, text: str) -> None:
        if text != self._said:
            sys.stderr.write(f"trunkline console: {text}\n")
        self._said = text


class Secrets:
    """The credentials that probes may send: those of the sealed file, opened when it changes, each opening audited."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._seen: object = None
        self._sealed: Sealed | None = None

    def look(self) -> None:
        """Opens the file again if it was replaced."""
        path = self._state.sealed
        try:
            stat = path.stat()
        except OSError:
            return
        mark = (stat.st_ino, stat.st_mtime_ns)
        if mark == self._seen:
            return
        sealed = published.read_sealed(self._state, self._state.master_key())
        if sealed is not None:
            detail = {"version": sealed.version, "refs": sorted(sealed.values)}
            audit.append(self._state, "console", "secret.open", path.name, detail)
            self._sealed, self._seen = sealed, mark

    @property
    def version(self) -> str:
        """Of what is open; empty before the first look."""
        return self._sealed.version if self._sealed is not None else ""

    def value(self, ref: str) -> str:
        """One credential. Raises ValueError saying why it is not there."""
        sealed = self._sealed
        if sealed is None or ref not in sealed.values:
            raise ValueError(
                sealed.missing.get(ref, "it does not resolve") if sealed else "no secrets are published"
            )
        return sealed.values[ref]

    def signed(self, service: Service) -> tuple[bytes, bytes] | None:
        """Header lines and query of the first credential that is there."""
        values = self._sealed.values if self._sealed is not None else {}
        for credential in service.credentials:
            secret = values.get(credential.ref)
            if secret is not None and credential.base_url in ("", service.credentials[0].base_url):
                try:
                    signer = auth.prepare(service.auth, secret)
                except ValueError:
                    return None
                return signer.fields, signer.query
        return None


def ended_lately(ledger: Ledger, now: float) -> list[dict[str, Any]]:
    """The calls of the last minutes that a console before this one has drained."""
    since = int((now - MINUTES * 60) * 1e6)
    calls = ledger.calls(CallFilter(since_us=since), limit=SEEDED_MAX).calls
    return [call for call in calls if call["state"] != "running"]
