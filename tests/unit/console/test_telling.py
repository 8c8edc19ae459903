"""Notices are sent to whom they are for, again until they are heard; alerts of incidents stand in their timelines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.support.alerts import OUTAGE, told
from tests.support.attended import NOW, ON_CALL, Desk
from trunkline.console.telling import Telling
from trunkline.core.alerting import IncidentTimes, Target
from trunkline.core.flow import Notify
from trunkline.ops.incidents.book import Incidents, find
from trunkline.ops.incidents.signs import Sign
from trunkline.ops.notify import Delivery, Sent
from trunkline.ops.outbox import Notice, Outbox

NOTIFY = Notify(webhook="https://hooks.example.com/in", webhook_secret="env:HOOK")
BROKEN = Sign("stripe", "down", "the breaker is open", at_once=True, breaker="open")


class Receiver:
    """Stands for whom is told; `deaf` does not hear."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []
        self.ids: list[str] = []
        self.deaf = False

    def tell(
        self, targets: Sequence[Target], event: str, payload: dict[str, Any], **options: Any
    ) -> Delivery:
        self.ids.append(options["message_id"])
        sent = [Sent(one.name, "", ok=not self.deaf) for one in targets if one.name not in options["skip"]]
        self.heard += [(one.channel, payload["text"]) for one in sent if one.ok]
        return Delivery(id=options["message_id"], event=event, at=NOW, sent=sent)


class Place:
    """A desk, a receiver, and who tells."""

    def __init__(self, folder: Path) -> None:
        self.desk, self.receiver = Desk(folder), Receiver()
        self.desk.registry(notify=NOTIFY)
        self.telling = Telling(
            folder, self.desk.published, clock=self.desk.clock, environ={}, tell=self.receiver.tell
        )
        self.box = Outbox(folder)

    def put(self, payload: dict[str, Any], **more: Any) -> None:
        assert self.box.put("x", payload, now=self.desk.now, **more) is not None

    @property
    def logged(self) -> Notice:
        (one,) = self.box.log()
        return one


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "state")


@pytest.mark.row("O2")
def test_who_did_not_hear_is_told_again_by_the_same_id(place: Place) -> None:
    place.receiver.deaf = True
    place.put({"text": "half"})
    place.telling.turn()
    place.telling.turn()
    assert (len(place.receiver.ids), place.receiver.heard) == (1, [])
    place.desk.now += 10
    place.receiver.deaf = False
    place.telling.turn()
    assert place.receiver.heard == [("webhook", "half")]
    assert len(set(place.receiver.ids)) == 1
    assert (place.logged.state, place.logged.tries) == ("sent", 2)


@pytest.mark.row("O3")
def test_a_notice_of_a_rule_goes_to_its_targets_alone(place: Place) -> None:
    place.put({"text": "half"}, rule="on-call")
    place.telling.turn()
    assert place.receiver.heard == [("slack", "half")]


@pytest.mark.row("O3")
def test_a_notice_of_a_rule_that_is_gone_reaches_nobody_and_says_so(place: Place) -> None:
    place.put({"text": "half"}, rule="gone")
    place.telling.turn()
    assert (place.receiver.heard, place.logged.state) == ([], "nowhere")


@pytest.mark.row("H3", "O7")
def test_whom_an_alert_has_reached_stands_in_the_timeline(place: Place) -> None:
    incidents = Incidents(place.desk.state, place.desk.state_dir)
    incidents.turn([BROKEN], IncidentTimes(), NOW)
    (incident,) = incidents.open
    item = msgspec.structs.replace(OUTAGE, key=f"incident:{incident.id}")
    place.receiver.deaf = True
    place.put(msgspec.to_builtins(told("firing", item)), rule=ON_CALL.name)
    place.telling.turn()
    place.receiver.deaf = False
    place.desk.now += 10
    place.telling.turn()
    place.telling.turn()
    found = find(place.desk.state, incident.id)
    assert found is not None
    assert [(entry.at, entry.text) for entry in found[1] if entry.kind == "alert"] == [
        (NOW + 10, "Alert told to slack (rule on-call).")
    ]
