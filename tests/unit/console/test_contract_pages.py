"""Contracts in the admin API, and what the console makes dated tasks of."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest

from tests.support.contracts import CHARGE, NAME, RETYPED, keep
from tests.support.sampled import sample
from trunkline.console.contracts import Contracts
from trunkline.control import audit
from trunkline.core.codec import to_json, to_pack
from trunkline.core.service import ApiVersion, Model
from trunkline.ops import findings
from trunkline.ops.contracts import lock as locks
from trunkline.ops.contracts import notices, store
from trunkline.ops.contracts.lock import Lock, LockedIntegration, LockedOperation
from trunkline.ops.contracts.notices import Notice


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("TRUNKLINE_CONFIG", str(tmp_path / "trunkline.yaml"))


def republish(console, **services):
    """The published registry with changes of some services."""
    snapshot = console.published.snapshot()
    changed = [msgspec.structs.replace(one, **services.get(one.name, {})) for one in snapshot.services]
    path = console.state_dir / "snapshot.msgpack"
    path.write_bytes(to_pack(msgspec.structs.replace(snapshot, services=changed)))


@pytest.mark.row("C2")
async def test_known_operations_and_their_changes_are_listed(console, ask) -> None:
    assert (await ask("/api/contracts")).json() == {"operations": [], "problem": ""}
    keep(console.state_dir, "stripe", (CHARGE, 60), (RETYPED, 12))
    (row,) = (await ask("/api/contracts")).json()["operations"]
    assert (row["integration"], row["operation"], row["state"], row["harm"]) == (
        "stripe", NAME, "changed", "breaking",
    )  # fmt: skip
    changes = (await ask("/api/contracts/stripe")).json()["changes"]
    assert [(one["place"], one["kind"]) for one in changes[NAME]] == [("/amount", "retyped")]
    assert (await ask("/api/contracts/openai")).json() == {"changes": {}}
    assert (await ask("/api/contracts/nobody")).status == 404


async def test_a_lock_that_cannot_be_read_is_told(console, ask, tmp_path) -> None:
    del console
    (tmp_path / "trunkline.lock").write_text("version: [")
    answer = (await ask("/api/contracts")).json()
    assert "trunkline.lock:2 is no valid YAML" in answer["problem"]


@pytest.mark.row("C4")
async def test_a_changelog_is_read_by_somebody(console, ask) -> None:
    republish(console, stripe={"changelog": "https://docs.example/changes", "review_every": 30 * 86400.0})
    assert [one["state"] for one in (await ask("/api/contracts/reviews")).json()["reviews"]] == ["never"]
    made = (await ask("/api/contracts/stripe/reviews?note=fine", method="POST")).json()
    assert (made["who"], made["note"]) == ("admin.token", "fine")
    (one,) = (await ask("/api/contracts/reviews")).json()["reviews"]
    day = datetime.fromtimestamp(console.clock(), UTC).date()
    assert (one["state"], one["last"], one["due"]) == (
        "fresh", day.isoformat(), (day + timedelta(days=30)).isoformat(),
    )  # fmt: skip
    assert audit.entries(console.state)[-1]["action"] == "contract.review"
    assert (await ask("/api/contracts/nobody/reviews", method="POST")).status == 404
    assert (await ask(f"/api/contracts/stripe/reviews?note={'x' * 2001}", method="POST")).status == 400


@pytest.mark.row("C6")
async def test_two_integrations_are_compared(console, ask) -> None:
    keep(console.state_dir, "stripe", (CHARGE, 60))
    keep(console.state_dir, "openai", (RETYPED, 60))
    answer = (await ask("/api/contracts/compare?one=stripe&other=openai&since=365d")).json()
    assert answer["calls"][0]["verdict"] == "too few calls"
    assert answer["calls"][0]["one"]["calls"] > 0
    (shape,) = answer["shapes"]
    assert [(one["place"], one["kind"]) for one in shape["changes"]] == [("/amount", "retyped")]
    assert (await ask("/api/contracts/compare?one=stripe&other=nobody")).status == 404
    assert (await ask("/api/contracts/compare?one=stripe&other=openai&since=soon")).status == 400


def tasks(console):
    """Open findings about the end of things: (kind, integration, subject, due, severity)."""
    kinds = ("contract.deprecation", "contract.version", "model.shutdown", "review.due")
    return sorted(
        (one.kind, one.integration, one.subject, one.due, one.severity)
        for one in findings.listed(console.state)
        if one.kind in kinds
    )


def say(console, **fields):
    """What the gateway noticed of stripe."""
    now = console.clock()
    one = Notice(
        integration="stripe", operation=NAME, method="POST", path="/v1/charges", pinned="2026-09-30",
        fields={name.replace("_", "-"): value for name, value in fields.items()}, first_at=now, last_at=now,
        correlation_id="corr-1",
    )  # fmt: skip
    (console.state_dir / notices.FILE).write_bytes(to_json([one]))


@pytest.mark.row("C3")
def test_header_fields_become_dated_tasks_and_end_with_them(console, tmp_path) -> None:
    contracts = Contracts(console, lock=tmp_path / "trunkline.lock")
    say(console, sunset="Thu, 31 Dec 2026 23:59:59 GMT", deprecation="@1767225600")
    contracts.look()
    assert tasks(console) == [("contract.deprecation", "stripe", NAME, "2026-12-31", "warning")]
    say(console, stripe_version="2024-06-20")
    contracts.look()
    assert tasks(console) == [("contract.version", "stripe", "api_version", "", "warning")]
    (console.state_dir / notices.FILE).unlink()
    contracts.look()
    assert tasks(console) == []


@pytest.mark.row("C3")
def test_a_description_that_was_learned_dates_the_end_of_operations(console, tmp_path) -> None:
    path = tmp_path / "trunkline.lock"
    ends = {"refund": LockedOperation(deprecated="2027-03-01"), "pay": LockedOperation(deprecated="yes")}
    gone = {"x": LockedOperation(deprecated="2027-03-01")}
    lock = Lock(integrations={"stripe": LockedIntegration("", ends), "gone": LockedIntegration("", gone)})
    path.write_text(locks.text(lock))
    assert locks.read(path) == lock
    contracts = Contracts(console, lock=path)
    contracts.flush()
    assert tasks(console) == [
        ("contract.deprecation", "stripe", "pay", "", "warning"),
        ("contract.deprecation", "stripe", "refund", "2027-03-01", "warning"),
    ]


@pytest.mark.row("C3")
def test_a_model_in_use_that_ends_is_a_dated_task(console, tmp_path, monkeypatch) -> None:
    today = datetime.fromtimestamp(console.clock(), UTC).date()
    soon, later = (today + timedelta(days=10)).isoformat(), (today + timedelta(days=90)).isoformat()
    models = [Model(id="old", shutdown=later, replacement="new"), Model(id="unused", shutdown=soon)]
    republish(console, openai={"models": models})
    monkeypatch.setattr(
        console.rollups, "usage", lambda by, since: [{"integration": "openai", "model": "openai/old"}]
    )
    contracts = Contracts(console, lock=tmp_path / "trunkline.lock")
    contracts.look()
    assert tasks(console) == [("model.shutdown", "openai", "old", later, "info")]
    listed = {"data": [{"id": "old", "shutdown_date": soon}, {"id": 5}, "x"]}
    contracts(sample(listed, integration="openai", method="GET", path="/v1/models", operation="list_models"))
    contracts.look()
    assert tasks(console) == [("model.shutdown", "openai", "old", soon, "critical")]


@pytest.mark.row("C4")
def test_a_reading_that_is_due_is_a_dated_task(console, tmp_path) -> None:
    republish(console, stripe={"changelog": "https://docs.example/changes", "review_every": 86400.0})
    Contracts(console, lock=tmp_path / "trunkline.lock").look()
    today = datetime.fromtimestamp(console.clock(), UTC).date().isoformat()
    assert tasks(console) == [("review.due", "stripe", "changelog", today, "info")]
    (task,) = findings.listed(console.state, kind="review.due")
    assert task.detail["command"] == "trunkline contracts review stripe --note ..."
    assert date.fromisoformat(task.due)


@pytest.mark.row("C1")
def test_calls_with_another_version_than_the_pinned_one_have_contracts_of_their_own(
    console, tmp_path
) -> None:
    republish(console, stripe={"api_version": ApiVersion(value="2026", header="Stripe-Version")})
    contracts = Contracts(console, lock=tmp_path / "trunkline.lock")
    for version in ("2026", "2024"):
        contracts(sample(CHARGE, version=version))
    contracts.drift.save()
    assert sorted(store.read(console.state_dir, "stripe").operations) == [NAME, f"{NAME}@2024"]
