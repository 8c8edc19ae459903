"""Keys that end soon, whose old text is in use, or that nobody uses are findings, until it is so no more."""

from __future__ import annotations

import pytest

from trunkline.control import key_care, keys
from trunkline.control.key_care import DAY_S
from trunkline.control.key_watch import KeyWatch
from trunkline.control.state import State
from trunkline.core.codec import to_pack
from trunkline.core.uses import FILE_NAME, Uses
from trunkline.ops import findings

NOW = 1_800_000_000.0

pytestmark = pytest.mark.row("W1", "G3")


def make(state: State, *, expires_in: float = 0.0, now: float = NOW) -> str:
    expires = now + expires_in if expires_in else 0.0
    return keys.create(
        state, keys.Wish(name="web", scopes=["*"], team="shop", expires_at=expires), now=now
    ).id


def used(state: State, key: str, at: float, version: int = 1) -> None:
    state.write(state.path / FILE_NAME, to_pack(Uses(boot=str(at), keys={f"{key}:{version}": at})))
    KeyWatch(state).look()


def told(state: State, now: float) -> list[tuple[str, str, str, str]]:
    key_care.attend(state, now)
    return [(row.kind, row.subject, row.severity, row.due) for row in findings.listed(state, kind="key")]


@pytest.mark.parametrize(("days", "severity"), [(15, None), (13, "warning"), (2, "critical")])
def test_a_key_in_use_that_ends_soon_is_told_of(state: State, days: int, severity: str | None) -> None:
    key = make(state, expires_in=days * DAY_S)
    used(state, key, NOW + 60)
    due = "2027-01-28" if days == 13 else "2027-01-17"
    assert told(state, NOW + 120) == ([("key.expiring", key, severity, due)] if severity else [])


def test_a_key_that_ends_and_is_not_in_use_may_end_in_peace(state: State) -> None:
    key = make(state, expires_in=30 * DAY_S)
    used(state, key, NOW)
    assert told(state, NOW + 25 * DAY_S) == []


def test_a_finding_ends_when_the_key_is_prolonged_renewed_or_revoked(state: State) -> None:
    key = make(state, expires_in=2 * DAY_S)
    used(state, key, NOW)
    assert len(told(state, NOW)) == 1
    keys.update(state, key, {"expires_at": NOW + 90 * DAY_S}, now=NOW)
    assert told(state, NOW) == []


def test_an_old_text_in_use_after_the_rotation_is_told_of_a_day_before_it_ends(state: State) -> None:
    key = make(state)
    keys.rotate(state, key, overlap_s=3 * DAY_S, now=NOW)
    used(state, key, NOW + DAY_S, version=1)
    assert told(state, NOW + DAY_S) == []
    assert told(state, NOW + 2.5 * DAY_S) == [("key.overlap", f"{key} version 1", "warning", "2027-01-18")]
    assert told(state, NOW + 3.5 * DAY_S) == []


def test_an_old_text_that_nobody_uses_any_more_is_not(state: State) -> None:
    key = make(state)
    used(state, key, NOW - 60, version=1)
    keys.rotate(state, key, overlap_s=3 * DAY_S, now=NOW)
    used(state, key, NOW + DAY_S, version=2)
    assert told(state, NOW + 2.5 * DAY_S) == []


def test_a_key_that_was_not_used_for_90_days_is_told_of(state: State) -> None:
    key = make(state)
    assert told(state, NOW + 89 * DAY_S) == []
    assert told(state, NOW + 90 * DAY_S) == [("key.unused", key, "info", "")]
    used(state, key, NOW + 90 * DAY_S)
    assert told(state, NOW + 91 * DAY_S) == []


def test_the_same_finding_is_not_noted_every_hour(state: State) -> None:
    make(state)
    for hour in range(3):
        key_care.attend(state, NOW + 100 * DAY_S + hour * 3600)
    [row] = findings.listed(state, kind="key")
    assert row.times == 1
