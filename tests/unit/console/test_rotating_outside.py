"""Rotations of secrets in outside stores: whatever is put there is proved before it serves, also the second and the third try."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.console.test_rotating import NOON, bearer
from trunkline.console.published import Published
from trunkline.console.rotating import Rotating
from trunkline.control import publish, rotations
from trunkline.control.rotation import Rotation
from trunkline.control.state import State
from trunkline.control.stores import Stores
from trunkline.core.flow import Probe
from trunkline.core.outside import StoreSettings
from trunkline.core.service import Credential, Service, Snapshot
from trunkline.ops.probes.rounds import Place
from trunkline.plugins.secrets import Given
from trunkline.testing import FakeClock, ScriptedWire, answers
from trunkline.testing.script import Play

pytestmark = pytest.mark.row("S1", "S3")
REF = "vault:secret/acme#key"
REFUSED = (answers(401), answers(200), answers(401))
"""The new value, the one that serves, and the new one again."""


class Store:
    """An outside store with one secret."""

    def __init__(self) -> None:
        self.version = 1

    @property
    def value(self) -> str:
        return f"value-{self.version}-not-real"

    def fetch(self, rest: str) -> Given:
        return Given(self.value, str(self.version))


class Stage:
    """The keeper of outside stores and the console's rotations over one state, with a scripted vendor."""

    def __init__(self, folder: Path, *plays: Play) -> None:
        self.now = NOON
        self.store = Store()
        self.state = State(folder / "state", {}).create()
        spec = Service(
            name="acme",
            base_url="https://acme.test",
            credentials=[Credential(ref=REF)],
            probe=Probe(path="/me"),
        )
        publish.snapshot(self.state, Snapshot(version="", created="", environment="prod", services=[spec]))
        self.keeper = Stores(
            self.state,
            {},
            wall=lambda: self.now,
            opened=lambda *_: self.store,
            orders=lambda: rotations.orders(self.state),
            chance=lambda: 0.0,
        )
        self.keeper.adopt({"vault": StoreSettings(cache_s=3600.0)}, [REF])
        self.wire = ScriptedWire(*plays, clock=FakeClock())
        self.rotating = Rotating(
            self.state.path,
            Published(self.state.path),
            lambda spec, url: Place(url, b"acme.test"),
            environ={},
            wall=lambda: self.now,
            wire=self.wire,
        )

    def begin(self, **options: bool) -> None:
        rotations.begin_outside(self.state, REF, quiet_s=60.0, now=self.now, **options)

    def abort(self) -> None:
        rotations.undo(self.state, self.one, "a person gave up", now=self.now)

    def keeper_looks(self) -> None:
        """At once, and again when it asks a store that waits for a new value."""
        self.keeper.step()
        self.now += 5.0
        self.keeper.step()

    async def console_looks(self) -> tuple[str, bool]:
        self.now += 0.5
        await self.rotating.step()
        return self.one.state, self.one.stuck

    @property
    def one(self) -> Rotation:
        return rotations.listed(self.state)[0]

    @property
    def serves(self) -> str:
        return self.keeper.sources()["vault"].fetch("secret/acme#key")


async def test_another_value_put_into_the_store_goes_on_with_a_rotation_that_is_stuck(tmp_path: Path) -> None:
    stage = Stage(tmp_path, *REFUSED, answers(200))
    stage.begin()
    stage.store.version = 2
    stage.keeper_looks()
    assert await stage.console_looks() == ("added", False)
    assert await stage.console_looks() == ("added", True)
    stage.store.version = 3
    stage.keeper_looks()
    assert await stage.console_looks() == ("added", False)
    assert await stage.console_looks() == ("verified", False)
    assert stage.wire.sent[-1].field(b"authorization") == bearer("value-3-not-real")
    assert await stage.console_looks() == ("promoted", False)
    assert stage.serves == "value-1-not-real"
    stage.keeper_looks()
    assert (stage.serves, stage.one.to_version) == ("value-3-not-real", "3")


async def test_begun_anew_at_once_it_proves_what_is_put_after_the_refused_value(tmp_path: Path) -> None:
    """The keeper looks every second; a person, or a script, ends one rotation and begins the next in less."""
    stage = Stage(tmp_path, *REFUSED, answers(200))
    stage.begin()
    stage.store.version = 2
    stage.keeper_looks()
    await stage.console_looks()
    assert await stage.console_looks() == ("added", True)
    stage.now += 0.1
    stage.abort()
    stage.begin()
    assert await stage.console_looks() == ("awaiting", False)  # what lies there is of the rotation before
    stage.store.version = 3
    stage.keeper_looks()
    assert await stage.console_looks() == ("added", False)
    assert await stage.console_looks() == ("verified", False)
    assert await stage.console_looks() == ("promoted", False)
    stage.keeper_looks()
    assert stage.serves == "value-3-not-real"


async def test_a_value_replaced_after_its_proof_is_proved_anew_and_one_taken_away_is_waited_for(
    tmp_path: Path,
) -> None:
    stage = Stage(tmp_path, answers(200), answers(200))
    stage.begin(hold=True)
    stage.store.version = 2
    stage.keeper_looks()
    await stage.console_looks()
    assert await stage.console_looks() == ("verified", False)
    stage.store.version = 3
    stage.keeper_looks()
    assert await stage.console_looks() == ("added", False)
    assert stage.one.verified_by == []
    assert await stage.console_looks() == ("verified", False)
    stage.store.version = 1
    stage.keeper_looks()
    assert await stage.console_looks() == ("awaiting", False)
    assert stage.serves == "value-1-not-real"
