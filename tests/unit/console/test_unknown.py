"""Calls of unknown outcome in the admin API."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.records import JournalInMemory, begin, end, tried
from trunkline.console.unknown import OpenUnknown
from trunkline.control import audit
from trunkline.control.state import State
from trunkline.ledger.drain import Drain
from trunkline.ledger.usage import Rollups

pytestmark = pytest.mark.row("F2")
Ask = Callable[..., Any]

LOST: dict[str, Any] = {"state": "outcome_unknown", "code": "outcome_unknown", "tried": [tried(status=0)]}


@pytest.fixture
def lost(state: Path) -> None:
    """One call of unknown outcome in the ledger."""
    journal = JournalInMemory(begin("u"), end("u", **LOST, notes="idempotency=minted"))
    with closing(Drain(state / "journal", state / "ledger", read_from=journal.read_from)) as drain:
        # It goes on where the drain of the three calls ended.
        journal.payloads = [b""] * drain.open()._place + journal.payloads  # type: ignore[attr-defined]
        while drain.step():
            continue


@pytest.mark.usefixtures("lost")
async def test_it_is_listed_counted_resolved_and_then_no_longer_open(ask: Ask, state: Path) -> None:
    listed = (await ask("/api/unknown")).json()
    assert ([call["call_id"] for call in listed["calls"]], listed["open"]) == (["u"], 1)
    assert (await ask("/api/health?detail=1")).json()["unknown_outcomes"] == {"open": 1}
    assert b"\ntrunkline_outcome_unknown_open 1\n" in (await ask("/metrics")).body

    told = (await ask("/api/unknown/corr-u/resolve?as=did-not-happen&note=no%20charge", method="POST")).json()
    assert (told["resolution"], told["resolved_by"], told["resolution_note"]) == (
        "did-not-happen", "admin.token", "no charge",
    )  # fmt: skip
    assert (await ask("/api/unknown")).json() == {"open": 0, "calls": [], "next": ""}
    assert b"\ntrunkline_outcome_unknown_open 0\n" in (await ask("/metrics")).body
    everything = (await ask("/api/unknown?all=true")).json()["calls"]
    assert [call["resolution"] for call in everything] == ["did-not-happen"]
    row = audit.entries(State(state))[-1]
    assert (row["actor"], row["action"], row["subject"], row["detail"]["as"]) == (
        "admin.token", "unknown.resolve", "u", "did-not-happen",
    )  # fmt: skip


@pytest.mark.usefixtures("lost")
async def test_it_is_shown_with_what_to_look_for(ask: Ask) -> None:
    found = (await ask("/api/unknown/u")).json()["look_for"]
    assert (found["integration"], found["request"], found["sent_at"]) == (
        "stripe", "POST /v1/charges", ["2026-11-21T12:00:00.000Z"],
    )  # fmt: skip
    assert len(found["idempotency"]["key"]) == 36


@pytest.mark.parametrize(
    ("target", "status", "said"),
    [
        ("/api/unknown/nope/resolve?as=happened", 404, "there is no call"),
        ("/api/unknown/a/resolve?as=happened", 400, "was answered"),
        ("/api/unknown/c/resolve?as=happened", 400, "still runs"),
        ("/api/unknown/b/resolve?as=maybe", 400, "Invalid enum value 'maybe'"),
        ("/api/unknown/b/resolve", 400, "missing required field `as`"),
    ],
)
async def test_what_cannot_be_resolved_says_why(ask: Ask, target: str, status: int, said: str) -> None:
    answer = await ask(target, method="POST")
    assert (answer.status, said in answer.json()["message"]) == (status, True), answer.body


async def test_reading_alone_resolves_nothing(ask: Ask) -> None:
    assert (await ask("/api/unknown/b/resolve?as=happened")).status == 405


def test_the_number_is_looked_up_at_most_every_ten_seconds(tmp_path: Path) -> None:
    now = [100.0]
    looks = []

    class Counted(Rollups):
        def unknown_days(self) -> set[str]:
            looks.append(now[0])
            return set()

    known = OpenUnknown(tmp_path, Counted(tmp_path), lambda: now[0])
    for at in (100.0, 105.0, 109.9, 110.0, 90.0):
        now[0] = at
        assert known.count() == 0
    known.forget()
    known.count()
    assert looks == [100.0, 110.0, 90.0, 90.0]
