from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from tests.support.records import (
    DAY_US,
    NOON_US,
    SECOND_US,
    JournalInMemory,
    again,
    begin,
    boot,
    call,
    end,
    tried,
)
from trunkline.core.codec import to_pack
from trunkline.journal.append import Journal
from trunkline.journal.reader import Cursor, Damage
from trunkline.ledger.drain import Drain, DrainBusy
from trunkline.ledger.query import CallFilter, Ledger
from trunkline.ledger.usage import Rollups

Drained = Callable[..., None]
MakeDrain = Callable[..., Drain]


def states(ledger: Ledger) -> dict[str, str]:
    return {one["call_id"]: one["state"] for one in ledger.calls(limit=1000).calls}


def tables(folder: Path) -> dict[str, list[tuple[Any, ...]]]:
    """All that the ledger holds, but for when it was written."""
    found = {}
    for path in sorted(folder.glob("*.db")):
        with closing(sqlite3.connect(path)) as connection:
            names = [
                row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            ]
            for name in names:
                columns = [row[1] for row in connection.execute(f"PRAGMA table_info({name})")]
                kept = [f'"{column}"' for column in columns if column not in ("changed_us", "revision")]
                found[f"{path.name}:{name}"] = sorted(
                    connection.execute(f"SELECT {', '.join(kept)} FROM {name}"), key=repr
                )
    return found


@pytest.mark.row("O1", "Q2")
def test_a_call_stands_in_the_ledger_with_all_that_the_journal_says(drained: Drained, ledger: Ledger) -> None:
    first = tried(1, status=503, code="overloaded", message="busy", vendor_code="over")
    second = tried(2, target="backup/gpt-4o", offset_us=31_000)
    ending = end(
        tried=[first, second],
        served_model="gpt-4o",
        input_tokens=10,
        output_tokens=20,
        cost_usd=0.25,
        wasted_usd=0.05,
        notes="fallback=target;repair=drop:seed",
        queued_us=1500,
        price_id="openai/gpt-4o@2026-11-01#c0ffee",
        parts=[("input", 10, 2_500_000_000), ("web_search", 1, -1)],
    )
    drained(JournalInMemory(begin(), again(previous=first), ending))
    found = ledger.call("call-1")
    assert found is not None
    assert found.pop("changed_us") > 0
    assert found == {
        "call_id": "call-1", "correlation_id": "corr-call-1", "state": "ok", "at": "2026-11-21T12:00:00.000Z",
        "boot": "boot-1", "begun_us": NOON_US, "key_id": "key-1", "team": "shop", "feature": "checkout",
        "subject_hash": "", "tags": "", "ingress": "proxy", "integration": "stripe", "operation": "create_charge",
        "method": "POST", "path": "/v1/charges", "model": "", "stream": False, "bytes_in": 400,
        "config_version": "c0ffee", "target": "stripe", "credential": "env:STRIPE_SECRET_KEY", "acts": True,
        "simulated": False, "ended_us": NOON_US + 30_000, "status": 200, "code": "", "message": "", "source": "",
        "duration_us": 30_000, "overhead_us": 300, "first_byte_us": 20_000, "bytes_out": 700,
        "served_model": "gpt-4o", "input_tokens": 10, "output_tokens": 20, "cached_tokens": 0,
        "cache_write_tokens": 0, "reasoning_tokens": 0, "cost_usd": 0.25, "wasted_usd": 0.05,
        "usage_estimated": False, "attempt_count": 2, "notes": ["fallback=target", "repair=drop:seed"], "queued_us": 1500,
        "resolution": "", "resolved_us": None, "resolved_by": "", "resolution_note": "",
        "price_id": "openai/gpt-4o@2026-11-01#c0ffee",
        "cost_parts": [
            {"what": "input", "units": 10, "unit_usd": 2.5e-06, "cost_usd": 2.5e-05},
            {"what": "web_search", "units": 1, "unit_usd": None, "cost_usd": None},
        ],
        "attempts": [
            {
                "n": 1, "target": "stripe", "credential": "env:STRIPE_SECRET_KEY", "offset_us": 100, "connect_us": 0,
                "first_byte_us": 20_000, "duration_us": 25_000, "status": 503, "code": "overloaded",
                "message": "busy", "vendor_code": "over", "vendor_request_id": "req-1", "sent": True, "state": "error",
            },
            {
                "n": 2, "target": "backup/gpt-4o", "credential": "env:STRIPE_SECRET_KEY", "offset_us": 31_000,
                "connect_us": 0, "first_byte_us": 20_000, "duration_us": 25_000, "status": 200, "code": "",
                "message": "", "vendor_code": "", "vendor_request_id": "req-2", "sent": True, "state": "ok",
            },
        ],
    }  # fmt: skip


def test_an_unknown_cost_is_none_and_not_zero(drained: Drained, ledger: Ledger) -> None:
    drained(JournalInMemory(*call(ended={"cost_usd": -1.0})))
    found = ledger.call("call-1")
    assert found is not None
    assert found["cost_usd"] is None


def test_unknown_tokens_are_none_and_not_negative(drained: Drained, ledger: Ledger) -> None:
    drained(JournalInMemory(*call(ended={"input_tokens": 7, "output_tokens": -1})))
    found = ledger.call("call-1")
    assert found is not None
    assert (found["input_tokens"], found["output_tokens"]) == (7, None)


def test_a_running_call_shows_its_attempt_and_then_its_end(make_drain: MakeDrain, ledger: Ledger) -> None:
    journal = JournalInMemory(begin())
    drain = make_drain(journal)
    drain.step()
    found = ledger.call("call-1")
    assert found is not None
    assert (found["state"], found["attempt_count"], drain.running()) == ("running", 1, 1)
    assert [(one["n"], one["target"], one["state"]) for one in found["attempts"]] == [
        (1, "stripe", "running")
    ]
    journal.append(end())
    drain.step()
    found = ledger.call("call-1")
    assert found is not None
    assert (found["state"], found["duration_us"], drain.running()) == ("ok", 30_000, 0)
    assert [(one["n"], one["state"]) for one in found["attempts"]] == [(1, "ok")]


def test_a_restarted_console_still_knows_what_was_running(make_drain: MakeDrain, ledger: Ledger) -> None:
    first = tried(1, status=503, code="overloaded")
    journal = JournalInMemory(begin(acts=True), again(previous=first, target="backup"))
    drain = make_drain(journal)
    drain.step()
    drain.close()
    journal.append(boot("boot-2", NOON_US + SECOND_US))
    drain = make_drain(journal)
    drain.step()
    found = ledger.call("call-1")
    assert found is not None
    assert (found["state"], found["integration"]) == ("outcome_unknown", "stripe")
    assert [(one["n"], one["target"], one["code"]) for one in found["attempts"]] == [
        (1, "stripe", "overloaded"),
        (2, "backup", "outcome_unknown"),
    ]
    assert journal.opened_at == [Cursor(0, 0), Cursor(1, 2)]


@pytest.mark.row("Q2")
@pytest.mark.parametrize("batch", [1, 2, 3, 7, 2000])
def test_replaying_the_journal_changes_nothing(
    drained: Drained, folder: Path, rollups: Rollups, batch: int
) -> None:
    journal = JournalInMemory(
        boot(), *call("a"), begin("b"), *call("c", NOON_US + DAY_US, ended={"state": "error", "code": "network"}),
        begin("d", acts=False), boot("boot-2", NOON_US + 2 * SECOND_US), begin("e", at_us=NOON_US + 3 * SECOND_US, boot="boot-2"),
            *call("f", NOON_US + 3 * SECOND_US, boot="boot-2"),
    )  # fmt: skip
    drained(journal, batch)
    before = tables(folder)
    counted = rollups.usage()
    with closing(sqlite3.connect(folder / "rollups.db")) as connection, connection:
        connection.execute("UPDATE progress SET segment = 0, offset = 0")
    drained(journal, batch)
    assert tables(folder) == before
    assert rollups.usage() == counted
    assert [row["calls"] for row in counted] == [5]


def test_lost_rollups_are_made_again_from_the_days(drained: Drained, folder: Path) -> None:
    journal = JournalInMemory(boot(), *call("a"), *call("b", NOON_US + DAY_US), begin("c"))
    drained(journal)
    before = tables(folder)
    for path in folder.glob("rollups.db*"):
        path.unlink()
    drained(journal)
    assert tables(folder) == before


class Crash(Exception):
    """Stands for `kill -9` at one place of the code."""


@pytest.mark.row("Q2")
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("place", ["_write_day", "_commit", "_settle"])
@pytest.mark.parametrize("batch", [1, 3, 2000])
def test_a_crash_anywhere_in_a_batch_neither_loses_nor_doubles(
    make_drain: MakeDrain,
    drained: Drained,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    when: str,
    batch: int,
) -> None:
    records = [boot(), *call("a"), begin("b"), *call("c", NOON_US + DAY_US), end("b"), *call("d")]
    drained(JournalInMemory(*records), batch)
    expected = tables(folder)
    for path in folder.iterdir():
        path.unlink()

    visits = 0
    original = getattr(Drain, place)

    def crashing(self: Drain, *given: Any) -> Any:
        nonlocal visits
        visits += 1
        crash = visits in (1, 2, 4)
        if crash and when == "before":
            raise Crash
        done = original(self, *given)
        if crash:
            raise Crash
        return done

    monkeypatch.setattr(Drain, place, crashing)
    journal, finished = JournalInMemory(*records), False
    while not finished:
        drain = make_drain(journal)
        try:
            while drain.step(batch):
                pass
            finished = True
        except Crash:
            pass
        finally:
            drain.close()
    assert tables(folder) == expected
    assert visits >= 1


@pytest.mark.row("Q2")
@pytest.mark.parametrize("held", ["calls-2026-11-21.db", "rollups.db"])
def test_a_locked_database_is_waited_for_and_nothing_is_lost(
    make_drain: MakeDrain, ledger: Ledger, rollups: Rollups, folder: Path, held: str
) -> None:
    heard: list[str] = []
    journal = JournalInMemory(boot(), *call("a"))
    drain = make_drain(journal, on_ended=lambda ended: heard.extend(begun.call_id for begun, _ in ended))
    drain.step()
    journal.append(*call("b"), begin("c"))
    with closing(sqlite3.connect(folder / held, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        for _ in range(3):
            with pytest.raises(OperationalError, match="locked"):
                drain.step()
        journal.append(end("c"))
        other.execute("COMMIT")
    while drain.step():
        pass
    assert states(ledger) == {"a": "ok", "b": "ok", "c": "ok"}
    assert heard == ["a", "b", "c"]
    assert [row["calls"] for row in rollups.usage()] == [3]


def test_a_call_belongs_to_the_day_of_its_begin(drained: Drained, folder: Path, ledger: Ledger) -> None:
    late = NOON_US + DAY_US // 2 - 1
    drained(
        JournalInMemory(*call("late", late, ended={"at_us": late + 2 * DAY_US}), *call("next", late + 1)), 1
    )
    assert sorted(path.name for path in folder.glob("calls-*.db")) == [
        "calls-2026-11-21.db",
        "calls-2026-11-22.db",
    ]
    assert states(ledger) == {"late": "ok", "next": "ok"}


def test_an_end_without_begin_makes_a_call_of_what_is_known(drained: Drained, ledger: Ledger) -> None:
    drained(JournalInMemory(end("orphan", state="error", code="network", message="reset")))
    found = ledger.call("orphan")
    assert found is not None
    assert (found["begun_us"], found["state"], found["integration"], found["message"]) == (
        NOON_US,
        "error",
        "",
        "reset",
    )


def test_damage_is_written_down_once(make_drain: MakeDrain, rollups: Rollups) -> None:
    journal = JournalInMemory(*call("a"), b"\xc1 no record")
    journal.damaged.append(Damage("000000000001-0000beef.seg", 64, 40, "corrupt", Path("quarantine/x.bin")))
    drain = make_drain(journal)
    while drain.step():
        pass
    assert [
        (one["segment"], one["offset"], one["reason"], one["quarantined"]) for one in rollups.damage()
    ] == [
        ("000000000001-0000beef.seg", 64, "corrupt", "quarantine/x.bin"),
        ("1", 3, "unreadable", ""),
    ]
    assert journal.damaged == []


def test_only_one_process_drains(make_drain: MakeDrain) -> None:
    journal = JournalInMemory()
    first = make_drain(journal)
    with pytest.raises(DrainBusy, match="another process drains"):
        make_drain(journal)
    first.close()
    make_drain(journal)


def test_a_real_journal_is_drained_and_its_done_segments_are_deleted(
    tmp_path: Path, ledger: Ledger, folder: Path
) -> None:
    journal = Journal(tmp_path / "journal", segment_bytes=1 << 16)
    journal.open()
    ids = [f"call-{i:04d}" for i in range(400)]
    for call_id in ids:
        for record in call(call_id):
            journal.append(to_pack(record))
    oldest = min((tmp_path / "journal").glob("*.seg"))
    drain = Drain(tmp_path / "journal", folder)
    while drain.step(100):
        pass
    assert {one["call_id"] for one in ledger.calls(limit=1000).calls} == set(ids)
    assert not oldest.exists()
    journal.append(to_pack(begin("late")))
    drain.step()
    drain.close()
    journal.close()
    assert ledger.calls(CallFilter(state="running")).calls[0]["call_id"] == "late"


def test_a_dropped_day_takes_no_more_calls(
    make_drain: MakeDrain, ledger: Ledger, rollups: Rollups, folder: Path
) -> None:
    journal = JournalInMemory(*call("a"), begin("b"))
    drain = make_drain(journal)
    drain.step()
    drain.prune("2026-11-21")
    journal.append(end("b"), *call("c"))
    while drain.step():
        pass
    assert (drain.days(), states(ledger), drain.running()) == ([], {}, 0)
    assert [row["calls"] for row in rollups.usage()] == [1]
