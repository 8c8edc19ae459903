"""Credentials in the admin API: told without a value, rotations decided by admins, secrets of a process for who has its scope."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from trunkline.console.context import Console
from trunkline.control import audit, processes, rotations, secrets
from trunkline.control.processes import ProcessSpec
from trunkline.core.codec import to_json
from trunkline.core.service import CallerKey
from trunkline.ops import rotation_due, stores
from trunkline.ops.stores import Seen

Ask = Callable[..., Any]
VALUE, NEXT = "value-not-real-0001", "value-not-real-0002"


@pytest.fixture
def stored(console: Console) -> Console:
    secrets.set_secret(console.state, "STRIPE", VALUE)
    spec = ProcessSpec(name="web", env={"TOKEN": "store:STRIPE"}, on_rotate="SIGHUP")
    processes.publish(console.state, [spec], {"store:STRIPE": VALUE}, {})
    return console


def by(key: str) -> tuple[str, str]:
    return ("authorization", f"Bearer {key}")


@pytest.mark.row("S1")
async def test_what_is_known_is_told_with_its_age_and_without_a_value(ask: Ask, stored: Console) -> None:
    now = stored.clock()
    one = Seen(
        ref="vault:secret/a#b",
        version="3",
        fetched_at=now - 7200,
        checked_at=now - 3600,
        problem="away",
        failing_since=now,
    )
    (stored.state_dir / stores.FILE).write_bytes(to_json([one]))
    answer = await ask("/api/secrets")
    told = answer.json()
    assert [(s["name"], s["version"], s["last4"]) for s in told["stored"]] == [("STRIPE", 1, "0001")]
    (outside,) = told["outside"]
    assert (outside["state"], outside["age_s"], outside["version"]) == ("last_known", 3600.0, "3")
    detail = (await ask("/api/health?detail=1")).json()
    assert detail["stores"][0]["state"] == "last_known"
    assert "store-trouble" in [f["code"] for f in detail["findings"]]
    assert VALUE.encode() not in answer.body


@pytest.mark.row("S6")
async def test_a_process_reads_its_secrets_with_a_key_of_its_scope_alone(
    ask: Ask, stored: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = {
        "tl_web": CallerKey(id="p1", name="web", hash=b"w" * 32, scopes=["secrets:web"]),
        "tl_jobs": CallerKey(id="p2", name="jobs", hash=b"j" * 32, scopes=["secrets:jobs"]),
        "tl_all": CallerKey(id="p3", name="all", hash=b"a" * 32, scopes=["*"]),
    }
    find = stored.access._find_key
    monkeypatch.setattr(stored.access, "_find_key", lambda text: keys.get(text) or find(text))
    path = "/api/processes/web/secrets"
    given = await ask(path, by("tl_web"), signed=False)
    assert (given.status, given.json()["env"], given.json()["on_rotate"]) == (200, {"TOKEN": VALUE}, "SIGHUP")
    for other in ("tl_jobs", "tl_all", "tl_viewer", "tl_operator"):
        assert (await ask(path, by(other), signed=False)).status in (401, 403)
    told = (await ask("/api/processes/web", by("tl_web"), signed=False)).json()
    assert (told["env"], told["version"]) == ({"TOKEN": "store:STRIPE"}, given.json()["version"])
    (row,) = [row for row in audit.entries(stored.state) if row["action"] == "secret.fetch"]
    assert (row["subject"], row["detail"]["variable"]) == ("store:STRIPE", "TOKEN")
    assert (await ask("/api/processes/nobody")).status == 404


@pytest.mark.row("S3")
async def test_rotations_are_told_and_decided(ask: Ask, stored: Console) -> None:
    rotations.begin(stored.state, "STRIPE", NEXT, hold=True, now=stored.clock())
    rotation_due.write(
        stored.state_dir,
        [
            rotation_due.Schedule(
                integration="stripe",
                ref="store:STRIPE",
                every_s=1.0,
                last_at=1.0,
                due_at=2.0,
                state="overdue",
            )
        ],
    )
    told = (await ask("/api/rotations")).json()
    assert [(one["name"], one["state"]) for one in told["rotations"]] == [("STRIPE", "added")]
    assert told["schedules"][0]["state"] == "overdue"
    for role in ("viewer", "developer", "operator"):
        assert (
            await ask("/api/rotations/STRIPE/promote", by(f"tl_{role}"), method="POST", signed=False)
        ).status == 403
    assert (await ask("/api/rotations/STRIPE/promote", method="POST")).json()["state"] == "promoted"
    assert (await ask("/api/rotations/STRIPE/undo", method="POST")).json()["state"] == "rolled_back"
    again = await ask("/api/rotations/STRIPE/finish", method="POST")
    assert (again.status, again.json()["code"]) == (404, "not_found")


@pytest.mark.row("S5")
async def test_impact_names_integrations_keys_and_counts(ask: Ask, stored: Console) -> None:
    told = (await ask("/api/secrets/impact?ref=env:STRIPE_SECRET_KEY&days=400")).json()
    assert [(one["integration"], one["owner"], one["alone"]) for one in told["integrations"]] == [
        ("stripe", "ops@example.com", True)
    ]
    assert told["ref"] == "env:STRIPE_SECRET_KEY"
    missing = await ask("/api/secrets/impact?ref=NOBODY")
    assert (missing.status, missing.json()["code"]) == (404, "not_found")
