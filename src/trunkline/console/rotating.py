"""Moves rotations on: makes the free calls that verify, promotes, watches both versions' traffic, and sees the old one refused.

Everything that matters stands in the database, so that a console that dies goes on where it was. Not for: what comes next
(`control/rotation.py`) or doing it (`control/rotations.py`).
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from trunkline.console.published import Published
from trunkline.control import rotation, rotations, secrets
from trunkline.control.rotation import Rotation, Traffic, Tried
from trunkline.control.secrets import SecretProblem
from trunkline.control.state import State
from trunkline.core.service import Credential, Service
from trunkline.ledger.credentials import Answered, Credentials
from trunkline.ops.probes.fetch import Fetcher
from trunkline.ops.probes.rounds import Place
from trunkline.ops.probes.trying import can_try, members_of, try_value
from trunkline.wire.client import Client

EVERY_S = 0.5


class Rotating:
    """One installation's rotations. `place` says where a request to an integration goes."""

    def __init__(
        self,
        state_dir: Path,
        published: Published,
        place: Callable[[Service, str], Place],
        *,
        environ: Mapping[str, str] = os.environ,
        wall: Callable[[], float] = time.time,
        wire: Fetcher | None = None,
    ) -> None:
        self._state = State(state_dir, environ)
        self._published = published
        self._place = place
        self._wall = wall
        self._wire = wire
        self._traffic = Credentials(state_dir / "ledger")
        self._said = ""

    async def run(self) -> None:
        """Until cancelled. What fails is said once and tried again: the console must outlive it."""
        client = Client()
        self._wire = self._wire or client
        try:
            while True:
                try:
                    await self.step()
                except Exception as problem:
                    self._say(
                        f"a rotation could not go on ({type(problem).__name__}: {problem}); it is tried again"
                    )
                await asyncio.sleep(EVERY_S)
        finally:
            await client.close()

    async def step(self) -> None:
        """One look at each rotation."""
        for one in await asyncio.to_thread(rotations.listed, self._state, running=True):
            await self._move(one)

    async def _move(self, one: Rotation) -> None:
        act, now = rotation.next_act(one, self._wall()), self._wall()
        if act == "verify":
            tried = await self._tried(one, one.to_version, against=one.from_version)
            await self._keep(one, rotation.after_verify(one, tried, now))
        elif act == "promote":
            await asyncio.to_thread(self._promote, one)
        elif act == "watch":
            await asyncio.to_thread(self._watch, one)
        elif act == "check_old":
            tried = await self._tried(one, one.from_version)
            after = rotation.after_check(one, tried, now)
            if after.state == "done":
                await asyncio.to_thread(
                    rotations.finish, self._state, one, after.verified_by[-1], actor="rotation"
                )
            else:
                await self._keep(one, after)

    async def _keep(self, old: Rotation, new: Rotation) -> None:
        await asyncio.to_thread(rotations.moved, self._state, old, new)

    def _promote(self, one: Rotation) -> None:
        rotations.promote(self._state, one, self._traffic.place(), now=self._wall())

    def _watch(self, one: Rotation) -> None:
        place, answered = self._traffic.answered(one.ref, one.place)
        after = rotation.after_watch(one, _traffic(one, place, answered), self._wall())
        if after is None:
            why = "the vendor refuses the new version"
            rotations.undo(self._state, one, why, actor="rotation", now=self._wall())
        else:
            rotations.moved(self._state, one, after, now=self._wall())

    async def _tried(self, one: Rotation, version: int, *, against: int = 0) -> list[Tried]:
        """One version at every integration that uses the secret, and that has a free call."""
        uses = self._uses(one)
        if not uses:
            return [Tried("nobody", True, "no integration uses it")] if against else []
        try:
            value = await asyncio.to_thread(self._value, one, version)
            before = await asyncio.to_thread(self._value, one, against) if against else ""
        except SecretProblem as problem:
            return [Tried("the store", False, str(problem))]
        found = []
        for service, credential in uses:
            found.append(await self._try(service, credential, value, before))
        return found

    async def _try(self, service: Service, credential: Credential, value: str, before: str) -> Tried:
        assert self._wire is not None
        wire = self._wire
        if not can_try(service):
            said = "it has no free call that proves a credential; promote it without one: --unverified"
            return Tried(service.name, None, said)
        got, _ = await try_value(wire, self._place, service, credential, value)
        if got.ok is False and before:
            # A restricted key may not make this call at all: then the one that serves may not, either.
            _, usual = await try_value(wire, self._place, service, credential, before)
            got, _ = await try_value(wire, self._place, service, credential, value, usual)
        return Tried(service.name, got.ok, got.said)

    def _uses(self, one: Rotation) -> list[tuple[Service, Credential]]:
        snapshot = self._published.snapshot()
        live = [s for s in snapshot.services if s.enabled and not s.simulated] if snapshot is not None else []
        return [(service, member) for service in live for member in members_of(service, one.ref)]

    def _value(self, one: Rotation, version: int) -> str:
        return secrets.value_of(self._state, one.name, version, actor="rotation")

    def _say(self, text: str) -> None:
        if text != self._said:
            sys.stderr.write(f"trunkline console: {text}\n")
        self._said = text


def _traffic(one: Rotation, place: int, answered: list[Answered]) -> Traffic:
    """The ledger's figures by version."""
    by = {a.credential: a for a in answered}
    nothing = Answered("", 0, 0, 0)
    old, new = (by.get(f"{one.ref}@{version}", nothing) for version in (one.from_version, one.to_version))
    # A call that began before the promotion, with the old version as it should, says nothing of its use since.
    late = old.last_us / 1e6 if old.last_us / 1e6 > one.promoted_at else 0.0
    return Traffic(place, old.attempts if late else 0, late, new.attempts, new.refused, new.last_us / 1e6)
