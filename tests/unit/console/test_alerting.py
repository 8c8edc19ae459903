"""Alerts in the admin API."""

from __future__ import annotations

import pytest

from tests.support.records import NOON_US
from trunkline.ops.notify import Delivery, Sent
from trunkline.ops.outbox import GIVEN_UP_S, Outbox

pytestmark = pytest.mark.row("O3")
NOW = NOON_US / 1e6


async def test_the_rules_are_listed_and_tried_out(ask):
    (rule,) = (await ask("/api/alerts")).json()["rules"]
    assert (rule["name"], rule["firing"]) == ("on-call", [])
    told = (await ask("/api/alerts/on-call/test", method="POST")).json()
    assert (told["event"], told["sent"]) == ("alert.test", [])
    assert (await ask("/api/alerts/pager/test", method="POST")).status == 404


async def test_what_was_given_up_is_sent_again(ask, state):
    box = Outbox(state)
    notice = box.put("alert.firing", {"text": "x"}, rule="on-call", now=NOW)
    assert (await ask(f"/api/notices/{notice.id}/retry", method="POST")).status == 400
    sent = [Sent("slack", "hooks.slack.com", ok=False, detail="no")]
    box.note(notice, Delivery(id=notice.id, event="x", at=NOW, sent=sent), NOW + GIVEN_UP_S)
    assert (await ask(f"/api/notices/{notice.id}/retry", method="POST")).json()["state"] == "waiting"
    assert (await ask("/api/notices/none/retry", method="POST")).status == 400


async def test_before_anything_is_published_there_is_none(ask, state):
    (state / "snapshot.msgpack").unlink()
    assert (await ask("/api/alerts")).json() == {"rules": []}
