"""A refused secret is read once more, and the call is made again only with another value."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from trunkline.core import reread
from trunkline.core.codec import to_json
from trunkline.core.reread import Done
from trunkline.core.service import Credential, Sealed, Service, Snapshot
from trunkline.engine.world import Makers, World
from trunkline.gateway import addresses
from trunkline.gateway.rereads import NOTE, Rereads
from trunkline.plugins import auth
from trunkline.plugins.adapters import ADAPTERS, CODECS
from trunkline.testing import Heard, Trial, answers, service
from trunkline.testing.script import Play, Sent

pytestmark = pytest.mark.row("S3")
REF = "vault:secret/acme#key"
OLD, NEW = "old-value-not-real", "new-value-not-real"


class Stage:
    """A gateway with one secret of an outside store, and the supervisor as the test plays it."""

    def __init__(self, folder: Path, *plays: Play, refs: tuple[str, ...] = (REF,)) -> None:
        spec: Service = service(credentials=[Credential(ref=ref) for ref in refs])
        self.folder = folder
        self.trial = Trial(*plays, services=[spec])
        self.spec, self.stored = spec, (OLD, "1")
        clock = self.trial.clock
        self.rereads = Rereads(folder, clock=clock, wall=clock.wall, look=self.publish)
        self.publish()

    def publish(self) -> None:
        """What the store holds goes live."""
        refs = [credential.ref for credential in self.spec.credentials]
        value, version = self.stored
        sealed = Sealed(version="", values=dict.fromkeys(refs, value), versions=dict.fromkeys(refs, version))
        snapshot = Snapshot(version="v", created="", environment="prod", services=[self.spec])
        makers = Makers(auth.prepare, lambda spec, base: addresses.address(spec, base, {}), ADAPTERS, CODECS)
        world = World(snapshot, sealed, makers)
        self.trial.gateway.world = world
        self.rereads.adopt(world.services.values(), sealed)

    def answer(self, *, changed: bool) -> None:
        """The supervisor has looked."""
        told = [Done(ask.ref, ask.id, changed) for ask in reread.asked(self.folder)]
        (self.folder / reread.DONE).write_bytes(to_json(told))
        self.rereads.take()

    async def asked(self) -> None:
        await self.trial.until(lambda: bool(self.rereads._open))

    @property
    def sent(self) -> list[bytes | None]:
        return [one.field(b"authorization") for one in self.trial.wire.sent]

    async def ask(self) -> Heard:
        return await self.trial.ask("GET", "/api/proxy/acme/x")


async def test_a_refused_value_is_read_anew_and_the_call_made_again(tmp_path: Path) -> None:
    stage = Stage(tmp_path, answers(401, b"{}"), answers(200, b"{}"))
    call = asyncio.create_task(stage.ask())
    await stage.asked()
    assert [ask.ref for ask in reread.asked(tmp_path)] == [REF]
    stage.stored = (NEW, "2")
    stage.answer(changed=True)
    heard = await call
    assert heard.status == 200
    assert stage.sent == [f"Bearer {OLD}".encode(), f"Bearer {NEW}".encode()]
    (end,) = stage.trial.ends
    assert end.notes == NOTE
    assert [tried.credential for tried in end.tried] == [f"{REF}@1", f"{REF}@2"]


async def test_the_same_value_is_not_tried_again(tmp_path: Path) -> None:
    stage = Stage(tmp_path, answers(401, b"{}"))
    call = asyncio.create_task(stage.ask())
    await stage.asked()
    stage.answer(changed=False)
    heard = await call
    assert (heard.status, len(stage.sent), stage.trial.ends[0].code) == (401, 1, "auth_invalid")


async def test_many_refused_at_once_ask_once_and_all_go_on(tmp_path: Path) -> None:
    waiting: list[Sent] = []
    stage = Stage(tmp_path, *[waiting.append] * 5, *[answers(200, b"{}")] * 5)
    calls = [asyncio.create_task(stage.ask()) for _ in range(5)]
    await stage.trial.until(lambda: len(waiting) == 5)
    for one in waiting:
        answers(401, b"{}")(one)
    await stage.asked()
    stage.stored = (NEW, "2")
    stage.answer(changed=True)
    assert [heard.status for heard in await asyncio.gather(*calls)] == [200] * 5
    assert len(reread.asked(tmp_path)) == 1
    assert stage.sent.count(f"Bearer {NEW}".encode()) == 5


async def test_nothing_is_asked_twice_within_seconds(tmp_path: Path) -> None:
    stage = Stage(tmp_path, *[answers(401, b"{}")] * 3)
    call = asyncio.create_task(stage.ask())
    await stage.asked()
    stage.answer(changed=False)
    await call
    await stage.ask()
    assert len(reread.asked(tmp_path)) == 1
    stage.trial.passes(11.0)
    call = asyncio.create_task(stage.ask())
    await stage.asked()
    stage.answer(changed=False)
    await call
    assert len(reread.asked(tmp_path)) == 2


async def test_a_second_refusal_with_the_new_value_stands(tmp_path: Path) -> None:
    stage = Stage(tmp_path, answers(401, b"{}"), answers(401, b"{}"))
    call = asyncio.create_task(stage.ask())
    await stage.asked()
    stage.stored = (NEW, "2")
    stage.answer(changed=True)
    heard = await call
    assert (heard.status, len(stage.sent)) == (401, 2)


async def test_a_variable_of_the_environment_cannot_change_and_is_not_asked_for(tmp_path: Path) -> None:
    stage = Stage(tmp_path, answers(401, b"{}"), refs=("env:ACME_KEY",))
    heard = await stage.ask()
    assert (heard.status, reread.asked(tmp_path)) == (401, [])


async def test_a_pool_goes_on_with_its_next_member_without_waiting(tmp_path: Path) -> None:
    stage = Stage(tmp_path, answers(401, b"{}"), answers(200, b"{}"), refs=(REF, "store:SECOND"))
    heard = await stage.ask()
    assert (heard.status, len(stage.sent)) == (200, 2)
    assert len(reread.asked(tmp_path)) == 1


async def test_an_act_is_made_again_because_a_refused_one_was_not_done(tmp_path: Path) -> None:
    stage = Stage(tmp_path, answers(401, b"{}"), answers(200, b"{}"))
    call = asyncio.create_task(stage.trial.ask("POST", "/api/proxy/acme/x", b"{}"))
    await stage.asked()
    stage.stored = (NEW, "2")
    stage.answer(changed=True)
    assert (await call).status == 200


async def test_a_repr_shows_no_value(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    assert OLD not in repr(list(stage.rereads._sources.values()))
