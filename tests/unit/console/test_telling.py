"""What the budgets say is told once per share and window, again until it is heard, and not again after a restart."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from trunkline.console.published import Published
from trunkline.console.telling import Telling
from trunkline.core.codec import to_pack
from trunkline.core.flow import Notify
from trunkline.core.service import Snapshot
from trunkline.ops.notify import Delivery, Sent
from trunkline.ops.outbox import Outbox
from trunkline.plugins.policies.account import Standing

NOW = 1_795_262_400.0
NOTIFY = Notify(webhook="https://hooks.example.com/in", webhook_secret="env:HOOK")


class Receiver:
    """Stands for whom is told; `deaf` does not hear."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []
        self.ids: list[str] = []
        self.deaf = False

    def send(self, notify: Notify, event: str, payload: dict[str, Any], **options: Any) -> Delivery:
        assert notify == NOTIFY
        self.ids.append(options["message_id"])
        if not self.deaf:
            self.heard.append((event, payload["text"]))
        sent = Sent("webhook", "hooks.example.com", ok=not self.deaf)
        return Delivery(id=options["message_id"], event=event, at=NOW, sent=[sent])


class Place:
    """A state folder with a registry, the gateway's numbers, and a clock."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.now = folder, NOW
        self.receiver = Receiver()
        snapshot = Snapshot(version="v", created="", environment="dev", services=[], notify=NOTIFY)
        (folder / "snapshot.msgpack").write_bytes(to_pack(snapshot))

    def telling(self) -> Telling:
        return Telling(
            self.folder, Published(self.folder), clock=lambda: self.now, environ={}, send=self.receiver.send
        )

    def spent(self, usd: float, window: str = "2026-11") -> None:
        self.now += 1
        one = Standing(
            budget="all", of="", per="month", window=window, ends_us=0, limit_usd=10.0, spent_usd=usd, reserved_usd=0.0,
            unpriced=0, hard=True, alerts=(0.5, 1.0),
        )  # fmt: skip
        (self.folder / "gateway.stats").write_bytes(to_pack({"budgets": [one]}))
        os.utime(self.folder / "gateway.stats", (self.now, self.now))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def shares(place: Place) -> list[str]:
    return [text.split(":")[0] for _, text in place.receiver.heard]


@pytest.mark.row("O2")
def test_a_share_is_told_once_per_window(place: Place) -> None:
    telling = place.telling()
    for usd in (4.0, 5.0, 6.0, 10.0, 11.0):
        place.spent(usd)
        telling.turn()
    assert shares(place) == ["The budget 'all' has reached 50%", "The budget 'all' is used up"]
    place.telling().turn()
    assert len(place.receiver.heard) == 2, "a console that starts again tells nothing twice"
    place.spent(5.0, "2026-12")
    telling.turn()
    assert len(place.receiver.heard) == 3


@pytest.mark.row("O2")
def test_who_did_not_hear_is_told_again_by_the_same_id(place: Place) -> None:
    telling = place.telling()
    place.receiver.deaf = True
    place.spent(5.0)
    telling.turn()
    telling.turn()
    assert (len(place.receiver.ids), place.receiver.heard) == (1, [])
    place.now += 10
    place.receiver.deaf = False
    telling.turn()
    assert len(place.receiver.heard) == 1
    assert len(set(place.receiver.ids)) == 1
    (logged,) = Outbox(place.folder).log()
    assert (logged.state, logged.tries) == ("sent", 2)


def test_numbers_of_a_gateway_that_is_gone_say_nothing(place: Place) -> None:
    place.spent(5.0)
    place.now += 60
    place.telling().turn()
    assert place.receiver.ids == []


def test_what_fails_is_said_once_and_the_thread_lives_on(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    telling = place.telling()
    turns = iter([OSError("full"), OSError("full"), None])

    def turn() -> None:
        problem = next(turns, None)
        if problem is not None:
            raise problem
        telling._stop.set()

    monkeypatch.setattr(telling, "turn", turn)
    monkeypatch.setattr("trunkline.console.telling.EVERY_S", 0.0)
    telling._run()
    assert (
        capsys.readouterr().err
        == "trunkline console: telling of budgets failed (OSError: full); it goes on\n"
    )
    telling.stop()
