"""A state folder with deferred calls in it: one that waits, one that has failed, one that is done, one that no worker has seen.

Not for: running them (`worker.py`), nor for other tasks (`durable.py`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.durable import AtOnce
from trunkline.control.state import State
from trunkline.core.codec import to_pack
from trunkline.core.deferral import Bearer, Deferred
from trunkline.journal.deferrals import Inbox
from trunkline.tasks import deferral, parts
from trunkline.tasks.holds import Holds
from trunkline.tasks.lease import LeaseEngine
from trunkline.tasks.own_call import Reply
from trunkline.tasks.presence import Presence

REFUSED = Reply(400, [], b'{"code":"invalid_request","message":"no"}', False)
GOOD = Reply(200, [("content-type", "text/plain")], b"swordfish of the answer", False)
ANSWERED = {"tsk_done": GOOD, "tsk_failed": REFUSED}


def accepted_id(now: float) -> str:
    """Of the one that lies in the inbox."""
    return f"tsk_{int((now - 60) * 1e3):012x}{'a' * 20}"


def seed(state: Path, now: float) -> None:
    """Puts them there, all accepted a minute ago by the key `k3` of the team `shop`."""
    key = State(state).keys["token_key"]
    folder = parts.folder(state)
    store = parts.made_store(state, key, lambda: now)
    run = deferral.DeferredCalls(_Answering(), Holds(), lambda: b"k", wall=lambda: now).run
    for name in ("tsk_done", "tsk_failed", "tsk_queued"):
        presence = Presence(folder)
        engine = LeaseEngine(store, {deferral.NAME: run}, presence, AtOnce(), concurrency=1)
        engine.start(deferral.start(call(name, now)))
        if name in ANSWERED:
            engine.turn()
        presence.leave()
    store.close()
    waiting = call(accepted_id(now), now)
    Inbox(folder, key).put(waiting.id, to_pack(waiting))


def call(name: str, now: float) -> Deferred:
    """One of them. Its body and its answer hold `swordfish`, which nobody but its owner may see."""
    return Deferred(
        id=name, at=now - 60, run_at=now, deadline=now + 600, owner="team:shop", bearer=Bearer(key="k3"), method="POST",
        target="/x", headers=[], body=b"swordfish", correlation_id="order-7", integration="stripe",
    )  # fmt: skip


class _Answering:
    def call(
        self, method: str, target: str, headers: list[tuple[str, str]], body: bytes, **more: Any
    ) -> Reply:
        return ANSWERED[dict(headers)["idempotency-key"]]
