"""The log of notices: once by key, tried again with patience, whole after a crash, shared by processes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from trunkline.ops import outbox as module
from trunkline.ops.notify import Delivery, Sent
from trunkline.ops.outbox import FILE_NAME, FIRST_S, GIVEN_UP_S, KEPT_S, Outbox, patience

NOW = 1_795_262_400.0
GOOD, BAD = (
    Sent("webhook", "hooks.test", ok=True),
    Sent("webhook", "hooks.test", ok=False, detail="it answered 503"),
)
MAIL = Sent("email", "ops@example.com", ok=True)


def delivery(*sent: Sent) -> Delivery:
    return Delivery(id="msg", event="test", at=NOW, sent=list(sent))


def states(box: Outbox) -> list[tuple[Any, ...]]:
    return [(one.event, one.state, one.tries, one.told) for one in box.log()]


def test_a_notice_is_due_until_it_was_told(tmp_path: Path) -> None:
    box = Outbox(tmp_path)
    made = box.put("budget.share", {"text": "half"}, now=NOW)
    assert made is not None
    assert box.due(NOW) == [made]
    box.note(made, delivery(GOOD), NOW)
    assert (box.due(NOW + 9999), states(box)) == ([], [("budget.share", "sent", 1, ["webhook"])])
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600


def test_what_was_put_by_a_key_is_not_put_again_by_anybody(tmp_path: Path) -> None:
    first, second = Outbox(tmp_path), Outbox(tmp_path)
    assert first.put("a", {}, key="k", now=NOW) is not None
    assert second.put("a", {}, key="k", now=NOW) is None
    assert Outbox(tmp_path).put("a", {}, key="k", now=NOW) is None
    assert second.put("b", {}, key="other", now=NOW + 1) is not None
    assert [one.event for one in first.log()] == ["b", "a"]


def test_who_was_told_is_not_told_again_and_the_rest_is_tried_with_patience(tmp_path: Path) -> None:
    box = Outbox(tmp_path)
    one = box.put("a", {}, now=NOW)
    assert one is not None
    one = box.note(one, delivery(BAD, MAIL), NOW)
    assert (one.state, one.told, one.next_at) == ("waiting", ["email"], NOW + FIRST_S)
    assert (box.due(NOW + FIRST_S - 1), box.due(NOW + FIRST_S)) == ([], [one])
    one = box.note(one, delivery(GOOD), NOW + FIRST_S)
    assert (one.state, one.told, one.tries) == ("sent", ["email", "webhook"], 2)


def test_after_a_day_it_is_given_up(tmp_path: Path) -> None:
    box, now = Outbox(tmp_path), NOW
    one = box.put("a", {}, now=NOW)
    assert one is not None
    while one.state == "waiting":
        one = box.note(one, delivery(BAD), now)
        now = one.next_at
    assert (one.state, one.sent) == ("failed", [BAD])
    assert GOOD.ok
    assert 20 < one.tries < 40
    assert NOW + GIVEN_UP_S - 3600 < now <= NOW + GIVEN_UP_S + 3600
    assert [patience(tries) for tries in (1, 2, 3, 99)] == [10.0, 30.0, 90.0, 3600.0]


def test_where_nobody_is_named_the_notice_stands_in_the_log_alone(tmp_path: Path) -> None:
    box = Outbox(tmp_path)
    one = box.put("a", {}, now=NOW)
    assert one is not None
    assert box.note(one, delivery(), NOW).state == "nowhere"


def test_a_line_torn_by_a_crash_costs_that_line_alone(tmp_path: Path) -> None:
    box = Outbox(tmp_path)
    for event in ("a", "b"):
        box.put(event, {}, key=event, now=NOW)
    whole = (tmp_path / FILE_NAME).read_bytes()
    (tmp_path / FILE_NAME).write_bytes(whole[:-20])
    after = Outbox(tmp_path)
    assert [one.event for one in after.log()] == ["a"]
    assert after.put("b", {}, key="b", now=NOW) is not None
    assert {one.event for one in Outbox(tmp_path).log()} == {"a", "b"}


def test_a_long_log_is_written_anew_without_what_is_long_ago(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_TIDY_LINES", 6)
    box, other = Outbox(tmp_path), Outbox(tmp_path)
    old = box.put("old", {}, key="old", now=NOW - KEPT_S - 1)
    assert old is not None
    box.note(old, delivery(GOOD), NOW)
    waiting = box.put("waiting", {}, key="waiting", now=NOW - KEPT_S - 1)
    fresh = box.put("fresh", {}, key="fresh", now=NOW)
    box.tidy(NOW)
    assert len((tmp_path / FILE_NAME).read_bytes().splitlines()) == 4, "it is still short"
    assert waiting is not None
    assert fresh is not None
    for _ in range(2):
        waiting = box.note(waiting, delivery(BAD), NOW - KEPT_S)
    box.tidy(NOW)
    assert len((tmp_path / FILE_NAME).read_bytes().splitlines()) == 2
    assert {one.event for one in other.log()} == {"waiting", "fresh"}
    assert box.put("fresh", {}, key="fresh", now=NOW) is None


def test_the_only_try_of_a_test_is_closed_whatever_came_of_it(tmp_path: Path) -> None:
    box = Outbox(tmp_path)
    one = box.put("test", {}, now=NOW, later_s=60.0)
    assert one is not None
    assert box.due(NOW) == []
    box.close(one, delivery(BAD))
    assert (box.due(NOW + 9999), states(box)) == ([], [("test", "failed", 1, [])])
