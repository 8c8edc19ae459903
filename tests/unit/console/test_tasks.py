"""Deferred calls in the admin API: search, one, cancel, run anew; metrics and health tell how many and how old."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.deferred import accepted_id
from tests.support.records import NOON_US
from trunkline.control import audit
from trunkline.control.state import State
from trunkline.journal.deferrals import inbox_names
from trunkline.tasks import parts

Ask = Callable[..., Any]
NOW = NOON_US / 1e6
ACCEPTED = accepted_id(NOW)


def orders(state: Path) -> list[str]:
    return [name.rpartition("_")[2] for name in inbox_names(parts.folder(state)) if name.startswith("ord_")]


async def test_they_are_found_newest_first_those_in_the_inbox_too(ask: Ask) -> None:
    found = (await ask("/api/tasks")).json()
    assert [(task["id"], task["state"]) for task in found["tasks"]] == [
        ("tsk_queued", "queued"),
        ("tsk_failed", "failed"),
        ("tsk_done", "done"),
        (ACCEPTED, "queued"),
    ]
    assert found["next"] == ""
    first = (await ask("/api/tasks?limit=1")).json()
    assert ([task["id"] for task in first["tasks"]], first["next"]) == (["tsk_queued"], "tsk_queued")
    second = (await ask("/api/tasks?limit=1&before=tsk_queued")).json()
    assert [task["id"] for task in second["tasks"]] == ["tsk_failed"]
    assert [t["id"] for t in (await ask("/api/tasks?state=failed&owner=team:shop")).json()["tasks"]] == [
        "tsk_failed"
    ]
    assert (await ask("/api/tasks?owner=team:other")).json()["tasks"] == []


async def test_one_is_shown_without_its_words(ask: Ask) -> None:
    answer = await ask("/api/tasks/tsk_failed")
    told = answer.json()
    assert (told["error"], told["answer_status"], told["attempts"], told["key"]) == (
        {"code": "invalid_request", "message": "no"}, 400, 1, "k3",
    )  # fmt: skip
    assert b"swordfish" not in answer.body
    assert "answer" not in told
    assert (await ask("/api/tasks/tsk_none")).status == 404


@pytest.mark.parametrize(
    ("target", "status", "noted"),
    [
        ("/api/tasks/tsk_queued/cancel", 200, ["cancel"]),
        ("/api/tasks/tsk_failed/cancel", 409, []),
        ("/api/tasks/tsk_failed/retry", 200, ["retry"]),
        ("/api/tasks/tsk_queued/retry", 409, []),
        ("/api/tasks/tsk_none/cancel", 409, []),
    ],
)
async def test_a_wish_is_noted_with_an_audit_row_or_refused(
    ask: Ask, state: Path, target: str, status: int, noted: list[str]
) -> None:
    assert (await ask(target, method="POST")).status == status
    assert orders(state) == noted
    rows = [row for row in audit.entries(State(state)) if row["action"].startswith("task.")]
    assert [(row["action"], row["actor"]) for row in rows] == [
        (f"task.{what}", "admin.token") for what in noted
    ]


async def test_metrics_and_health_count_them(ask: Ask, state: Path) -> None:
    (parts.folder(state) / "summary.json").write_text(
        '{"tasks":{"waiting":3,"done":2},"oldest_at":%f}' % (NOW - 600)
    )
    metrics = (await ask("/metrics")).body.decode()
    assert 'trunkline_tasks{state="waiting"} 3' in metrics
    assert 'trunkline_tasks{state="queued"} 1' in metrics
    assert "trunkline_task_oldest_age_seconds 600" in metrics
    detail = (await ask("/api/health?detail=1")).json()["tasks"]
    assert (detail["waiting"], detail["queued"], detail["not_taken_over"], detail["oldest_age_s"]) == (
        3,
        1,
        1,
        600.0,
    )
