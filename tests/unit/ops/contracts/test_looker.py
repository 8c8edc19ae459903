"""The contracts of an installation followed through time: learned, locked, changed, accepted."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.sampled import sample, sse
from tests.unit.ops.contracts.test_watch import BODY
from trunkline.control.state import State
from trunkline.core.service import ApiVersion, Service
from trunkline.ops import findings
from trunkline.ops.contracts import lock as locks
from trunkline.ops.contracts import merge_lock, overview, store
from trunkline.ops.contracts.looker import AGAIN_S, SAVE_S, Drift, shown
from trunkline.testing import service

MORNING_S = 1_795_000_000.0


class Followed:
    """An installation whose vendor answers a call every two minutes."""

    def __init__(self, folder: Path, *services: Service) -> None:
        self.folder = folder
        self.lock = folder / locks.NAME
        self.state = State(folder / "state", {}).create()
        self.minute = 0
        self.services = list(services) or [service("stripe")]
        self.drift = self.started()

    def started(self) -> Drift:
        return Drift(
            self.state.path,
            self.state,
            self.lock,
            lambda: self.services,
            clock=lambda: MORNING_S + 60 * self.minute,
        )

    def calls(self, count: int, body: Any = BODY, **more: Any) -> None:
        for _ in range(count):
            self.drift(sample(body, key="ab"[self.minute // 2 % 2], minute=self.minute, **more))
            self.minute += 2
        self.drift.flush()

    @property
    def open(self) -> list[Any]:
        return findings.listed(self.state)

    @property
    def row(self) -> overview.Row:
        self.drift.save()
        return overview.rows(self.state.path, locks.read(self.lock), [])[0]

    def accept(self) -> None:
        self.drift.save()
        found = merge_lock.from_traffic(
            locks.read(self.lock), "stripe", store.read(self.state.path, "stripe"), ()
        )
        self.lock.write_text(locks.text(merge_lock.applied(locks.read(self.lock), found, {})))


@pytest.fixture
def followed(tmp_path: Path) -> Followed:
    return Followed(tmp_path)


@pytest.mark.row("C2")
def test_a_contract_is_learned_before_anything_is_judged(followed: Followed) -> None:
    followed.calls(10)
    assert (followed.row.state, followed.row.since) == ("learning", 10)
    followed.calls(10, {**BODY, "amount": "5"})
    assert followed.open == []


@pytest.mark.row("C2")
def test_a_change_is_one_finding_with_what_it_needs(followed: Followed) -> None:
    followed.calls(80)
    assert followed.row.state == "learned"
    followed.calls(20, {**BODY, "amount": "5", "name": "Jane Doe"})
    [row] = followed.open
    assert (row.kind, row.integration, row.subject, row.severity) == (
        "contract.drift",
        "stripe",
        "create_charge",
        "critical",
    )
    assert "/amount" in row.title
    assert row.detail["changes"][0]["harm"] == "breaking"
    assert row.detail["accept"] == "trunkline contracts accept stripe"
    assert row.detail["sample"]["body"]["amount"] == "<integer-text>"
    assert "Jane" not in str(row.detail)
    assert row.correlation_ids
    assert followed.row.state == "changed"


@pytest.mark.row("C2")
def test_an_accepted_change_is_settled_and_the_lock_judges_from_then_on(followed: Followed) -> None:
    followed.calls(80)
    followed.calls(20, {**BODY, "amount": "5"})
    followed.accept()
    followed.calls(1, {**BODY, "amount": "5"})
    assert followed.open == []
    assert followed.row.state == "locked"
    followed.calls(20, {**BODY, "amount": "5"})
    assert followed.open == []
    followed.calls(20, {**BODY, "amount": 5})
    assert [row.subject for row in followed.open] == ["create_charge"]


def test_what_was_learned_outlasts_the_process(followed: Followed) -> None:
    followed.calls(80)
    followed.drift.save()
    followed.drift = followed.started()
    followed.calls(20, {**BODY, "amount": "5"})
    assert len(followed.open) == 1


def test_what_goes_on_is_told_again_only_each_hour(followed: Followed) -> None:
    followed.calls(80)
    followed.calls(40, {**BODY, "amount": "5"})
    [row] = followed.open
    assert row.times <= 2 + 80 * 60 / AGAIN_S


def test_a_lock_that_cannot_be_read_leaves_what_held(followed: Followed) -> None:
    followed.calls(80)
    followed.accept()
    followed.calls(1)
    followed.lock.write_text("integrations: [")
    followed.calls(20, {**BODY, "amount": "5"})
    assert "is no valid YAML" in followed.drift.problem
    assert len(followed.open) == 1


def test_a_caller_that_asks_for_another_version_has_a_contract_of_its_own(tmp_path: Path) -> None:
    followed = Followed(
        tmp_path, service("stripe", api_version=ApiVersion(value="2026", header="Stripe-Version"))
    )
    followed.calls(80)
    followed.calls(20, {**BODY, "amount": "5"}, version="2024")
    assert followed.open == []
    followed.drift.save()
    assert set(store.read(followed.state.path, "stripe").operations) == {
        "create_charge",
        "create_charge@2024",
    }


@pytest.mark.row("C2")
def test_errors_of_all_operations_are_one_contract(followed: Followed) -> None:
    for n in range(90):
        followed.calls(
            1, {"error": {"code": "declined", "message": "no"}}, status=404, operation=f"op{n % 3}"
        )
    followed.calls(40, {"detail": "no"}, status=404, operation="op0")
    assert [(row.subject, row.severity) for row in followed.open if row.subject == "errors"] == [
        ("errors", "warning")
    ]


def test_books_are_kept_now_and_then(followed: Followed) -> None:
    followed.calls(1)
    assert (followed.state.path / store.FOLDER).exists()
    before = (followed.state.path / store.FOLDER / "stripe.msgpack").stat().st_mtime_ns
    followed.drift(sample(BODY, minute=followed.minute))
    followed.drift.flush()
    assert SAVE_S > 0
    followed.minute += 1
    followed.drift.flush()
    assert (followed.state.path / store.FOLDER / "stripe.msgpack").stat().st_mtime_ns > before


def test_a_sample_is_shown_without_anybody_in_it() -> None:
    body = sse(("start", {"text": "Jane"}), ("", "plain words of Jane"))
    assert shown(sample(body, media="text/event-stream")) == [
        {"event": "start", "data": {"text": "<text>"}}, {"event": "message", "data": "<text>"},
    ]  # fmt: skip
    assert shown(sample(b"<html>")) == {"status": 200, "body": "<6 bytes>"}
