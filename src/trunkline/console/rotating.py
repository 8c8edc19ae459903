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
from trunkline.control import rotation, rotations
from trunkline.control.rotation import Rotation, Traffic, Tried
from trunkline.control.secrets import SecretProblem
from trunkline.control.state import State
from trunkline.core.service import Credential, Service
from trunkline.ledger.credentials import Answered, Credentials
from trunkline.ops import stores
from trunkline.ops.probes.fetch import Fetcher
from trunkline.ops.probes.rounds import Place
from trunkline.ops.probes.trying import can_try, members_of, try_value
from trunkline.registry import catalog
from trunkline.wire.client import Client

EVERY_S = 0.5
NOTE_EVERY_S = 10.0


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
        self._seen: dict[str, Rotation] = {}
        """As far as they have come since they were noted last."""
        self._noted_at: dict[str, float] = {}
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
        running = await asyncio.to_thread(rotations.listed, self._state, running=True)
        self._seen = {one.id: self._seen[one.id] for one in running if one.id in self._seen}
        for one in running:
            seen = self._seen.get(one.id)
            await self._move(seen if seen is not None and seen.state == one.state else one)

    async def _move(self, one: Rotation) -> None:
        if one.outside and one.state in rotation.HELD:
            after = await asyncio.to_thread(self._followed, one)
            if after is not one:
                await self._keep(one, after)
                return
        act, now = rotation.next_act(one, self._wall()), self._wall()
        if act == "verify":
            tried = await self._tried(one, new=True)
            await self._keep(one, rotation.after_verify(one, tried, now))
        elif act == "promote":
            await asyncio.to_thread(self._promote, one)
        elif act == "watch":
            await asyncio.to_thread(self._watch, one)
        elif act == "check_old":
            tried = await self._tried(one, new=False)
            after = rotation.after_check(one, tried, now)
            if after.state == "done":
                await asyncio.to_thread(
                    rotations.finish, self._state, one, after.verified_by[-1], actor="rotation"
                )
            else:
                await self._keep(one, after)

    async def _keep(self, old: Rotation, new: Rotation) -> None:
        await asyncio.to_thread(self._note, old, new)

    def _note(self, old: Rotation, new: Rotation) -> None:
        """Each step at once; what is merely counted, and when to look again, every few seconds: each writing has all published anew."""
        now = self._wall()
        step = _step(old) != _step(new)
        if step or now - self._noted_at.get(new.id, float("-inf")) >= NOTE_EVERY_S:
            rotations.moved(self._state, old, new, now=now)
            self._noted_at[new.id] = now
        self._seen[new.id] = new

    def _promote(self, one: Rotation) -> None:
        rotations.promote(self._state, one, self._traffic.place(), now=self._wall())

    def _watch(self, one: Rotation) -> None:
        place, answered = self._traffic.answered(one.ref, one.place)
        after = rotation.after_watch(one, _traffic(one, place, answered), self._wall())
        if after is None:
            why = "the vendor refuses the new version"
            rotations.undo(self._state, one, why, actor="rotation", now=self._wall())
        else:
            self._note(one, after)

    def _followed(self, one: Rotation) -> Rotation:
        """With what the outside store holds by now."""
        there = next((seen for seen in stores.read(self._state.path) if seen.ref == one.ref), None)
        if there is None or (there.next_at and there.next_of != one.id):
            return one  # held back for the rotation before; its keeper has not looked yet
        return rotation.followed(one, there.next_version, there.next_at)

    async def _tried(self, one: Rotation, *, new: bool) -> list[Tried]:
        """The new or the old version at every integration that uses the secret, and that has a free call."""
        uses = self._uses(one)
        if not uses:
            return [Tried("nobody", True, "no integration uses it")] if new else []
        try:
            values = await asyncio.to_thread(rotations.values, self._state, one, actor="rotation")
        except SecretProblem as problem:
            return [Tried("the store", False, str(problem))]
        value, before = (values.new, values.old) if new else (values.old, "")
        found = []
        for service, credential in uses:
            wrong = self._wrong_kind(service, value) if new else ""
            tried = Tried(service.name, False, wrong) if wrong else None
            found.append(tried or await self._try(service, credential, value, before))
        return found

    def _wrong_kind(self, service: Service, value: str) -> str:
        """Why this key must not be used in this environment (R9)."""
        snapshot = self._published.snapshot()
        if snapshot is None or not service.vendor:
            return ""
        return catalog.key_problem(catalog.entry(service.vendor), snapshot.environment, value)

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

    def _say(self, text: str) -> None:
        if text != self._said:
            sys.stderr.write(f"trunkline console: {text}\n")
        self._said = text


def _step(one: Rotation) -> tuple[object, ...]:
    return one.state, one.stuck, one.problem, one.arrived_at


def _traffic(one: Rotation, place: int, answered: list[Answered]) -> Traffic:
    """The ledger's figures by version."""
    by = {a.credential: a for a in answered}
    nothing = Answered("", 0, 0, 0)
    old, new = (by.get(label, nothing) for label in _labels(one))
    # A call that began before the promotion, with the old version as it should, says nothing of its use since.
    late = old.last_us / 1e6 if old.last_us / 1e6 > one.promoted_at else 0.0
    return Traffic(place, old.attempts if late else 0, late, new.attempts, new.refused, new.last_us / 1e6)


def _labels(one: Rotation) -> tuple[str, str]:
    """How records name both versions. A store that counts none has one name for both: what comes after the promotion is the new one's."""
    old = f"{one.ref}@{one.from_version}" if one.from_version else ""
    return old, f"{one.ref}@{one.to_version}" if one.to_version else one.ref
