"""The console moves rotations on: proves with free calls, promotes, watches the ledger, and sees the old version refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.records import NOON_US, SECOND_US, JournalInMemory, boot, call, tried
from trunkline.console.published import Published
from trunkline.console.rotating import NOTE_EVERY_S, Rotating
from trunkline.control import publish, rotations, secrets
from trunkline.control.rotation import Rotation
from trunkline.control.state import State
from trunkline.core.flow import Probe
from trunkline.core.service import Credential, Service, Snapshot
from trunkline.ledger.drain import Drain
from trunkline.ops.probes.rounds import Place
from trunkline.testing import FakeClock, ScriptedWire, answers
from trunkline.testing.script import Play

pytestmark = pytest.mark.row("S3")
OLD, NEW = "old-value-not-real-0001", "new-value-not-real-0002"
NOON = NOON_US / 1e6


class Stage:
    """One integration, a scripted vendor, a ledger, and the clock."""

    def __init__(self, folder: Path, *plays: Play, **changes: Any) -> None:
        self.now = NOON
        self.state = State(folder / "state", {}).create()
        secrets.set_secret(self.state, "ACME", OLD, now=NOON)
        spec = Service(
            **{
                "name": "acme",
                "base_url": "https://acme.test",
                "credentials": [Credential(ref="store:ACME")],
                "probe": Probe(path="/me"),
                **changes,
            }
        )
        publish.snapshot(self.state, Snapshot(version="", created="", environment="prod", services=[spec]))
        self.wire = ScriptedWire(*plays, clock=FakeClock())
        self.rotating = Rotating(
            self.state.path,
            Published(self.state.path),
            lambda spec, url: Place(url, b"acme.test"),
            environ={},
            wall=lambda: self.now,
            wire=self.wire,
        )
        self.journal = JournalInMemory(boot())
        self.drain = Drain(
            self.state.path / "journal",
            self.state.ledger,
            read_from=self.journal.read_from,
            now_us=lambda: NOON_US,
        )

    def begin(self, **options: Any) -> None:
        rotations.begin(self.state, "ACME", NEW, **{"quiet_s": 60.0, "now": self.now, **options})

    def calls(self, version: int, code: str = "", at_s: float = 0.0, count: int = 1) -> None:
        """Calls that the ledger has."""
        ref = f"store:ACME@{version}"
        failed = {"state": "error", "status": 401, "code": code} if code else {}
        for n in range(count):
            name = f"c{len(self.journal.payloads)}-{n}"
            ended = {"tried": [tried(credential=ref, code=code)], **failed}
            self.journal.append(*call(name, NOON_US + int(at_s * SECOND_US), ended=ended, credential=ref))
        while self.drain.step(2000):
            pass

    async def passes(self, seconds: float) -> Rotation:
        self.now += seconds
        await self.rotating.step()
        return self.one

    @property
    def one(self) -> Rotation:
        return rotations.listed(self.state)[0]

    @property
    def sent(self) -> list[bytes | None]:
        return [one.field(b"authorization") for one in self.wire.sent]

    @property
    def serves(self) -> int:
        return next(one.version for one in secrets.versions(self.state, "ACME") if one.current)


def bearer(value: str) -> bytes:
    return f"Bearer {value}".encode()


async def test_the_whole_way(tmp_path: Path) -> None:
    stage = Stage(tmp_path, answers(200), answers(200), answers(401))
    stage.begin()
    assert (await stage.passes(0.5)).state == "verified"
    assert (stage.sent, stage.serves) == ([bearer(NEW)], 1)
    assert ((await stage.passes(0.5)).state, stage.serves) == ("promoted", 2)
    stage.calls(1, at_s=30)
    stage.calls(2, at_s=31, count=4)
    seen = await stage.passes(40)
    assert (seen.state, seen.old_attempts, seen.new_attempts) == ("promoted", 1, 4)
    assert (await stage.passes(40)).state == "promoted"
    assert (await stage.passes(20)).state == "idle"
    assert (await stage.passes(1)).state == "idle"  # the old one is taken still
    done = await stage.passes(6)
    assert (done.state, done.verified_by) == (
        "done",
        ["acme: GET /me answered 200", "the vendor refuses the old version"],
    )
    assert stage.sent == [bearer(NEW), bearer(OLD), bearer(OLD)]
    with pytest.raises(secrets.SecretProblem):
        secrets.value_of(stage.state, "ACME", 1, actor="t")


async def test_a_key_that_may_not_make_the_free_call_is_held_against_the_one_that_serves(
    tmp_path: Path,
) -> None:
    stage = Stage(tmp_path, answers(403), answers(403), answers(403))
    stage.begin()
    assert (await stage.passes(0.5)).state == "verified"
    assert stage.sent == [bearer(NEW), bearer(OLD), bearer(NEW)]


async def test_a_refused_version_stops_and_says_so(tmp_path: Path) -> None:
    stage = Stage(tmp_path, answers(401), answers(200), answers(401))
    stage.begin()
    one = await stage.passes(0.5)
    assert (one.state, one.stuck, stage.serves) == ("added", True, 1)
    await stage.passes(60)
    assert len(stage.sent) == 3


async def test_a_promotion_is_undone_when_the_vendor_refuses_the_new_version_after_all(
    tmp_path: Path,
) -> None:
    stage = Stage(tmp_path, answers(200))
    stage.begin()
    await stage.passes(0.5)
    await stage.passes(0.5)
    stage.calls(2, code="auth_invalid", at_s=5, count=3)
    one = await stage.passes(5)
    assert (one.state, one.problem, stage.serves) == ("rolled_back", "the vendor refuses the new version", 1)


async def test_without_a_free_call_it_waits_for_a_person(tmp_path: Path) -> None:
    stage = Stage(tmp_path, probe=None)
    stage.begin()
    one = await stage.passes(0.5)
    assert (one.state, "--unverified" in one.problem, stage.sent) == ("added", True, [])
    rotations.undo(stage.state, one, "asked", now=stage.now)
    stage.begin(unverified=True)
    assert (await stage.passes(1)).state == "promoted"


async def test_held_it_waits_after_it_was_proved(tmp_path: Path) -> None:
    stage = Stage(tmp_path, answers(200))
    stage.begin(hold=True)
    for _ in range(3):
        one = await stage.passes(10)
    assert (one.state, stage.serves) == ("verified", 1)


async def test_a_key_of_the_wrong_kind_is_refused_without_a_call(tmp_path: Path) -> None:
    stage = Stage(tmp_path, vendor="stripe", name="acme")
    rotations.begin(stage.state, "ACME", "sk_test_notarealkey0000", now=stage.now)
    one = await stage.passes(0.5)
    assert (one.stuck, "A sandbox key of Stripe is set in prod" in one.problem, stage.sent) == (
        True,
        True,
        [],
    )


async def test_a_secret_that_nobody_uses_needs_no_proof_and_no_revocation(tmp_path: Path) -> None:
    stage = Stage(tmp_path, credentials=[Credential(ref="store:OTHER")])
    stage.begin(quiet_s=0.0)
    states = [(await stage.passes(3)).state for _ in range(4)]
    assert states == ["verified", "promoted", "idle", "idle"]


async def test_looking_writes_the_database_only_now_and_then(tmp_path: Path) -> None:
    stage = Stage(tmp_path, answers(200))
    stage.begin(quiet_s=600.0)
    await stage.passes(0.5)
    await stage.passes(0.5)
    await stage.passes(3)
    stage.calls(2, at_s=4)
    assert (await stage.passes(3)).new_attempts == 0
    assert (await stage.passes(NOTE_EVERY_S)).new_attempts == 1


async def test_what_a_person_does_meanwhile_counts(tmp_path: Path) -> None:
    stage = Stage(tmp_path, answers(200))
    stage.begin()
    await stage.passes(0.5)
    await stage.passes(0.5)
    rotations.undo(stage.state, stage.one, "asked", now=stage.now)
    assert ((await stage.passes(100)).state, stage.serves) == ("rolled_back", 1)
