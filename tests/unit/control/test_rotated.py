"""Refresh tokens that vendors replaced get from the gateway into the store, sealed on the way; what a person has set wins."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from trunkline.control import audit, rotated, secrets
from trunkline.control.resolving import Resolver
from trunkline.control.state import State
from trunkline.ledger import rotation_tables
from trunkline.plugins.secrets import handover

pytestmark = pytest.mark.row("K2", "S2")
OLD, NEW = "refresh-old-not-real", "refresh-new-not-real"


def hand_over(state, ref: str = "store:R", value: str = NEW, replaces: Sequence[str] = (OLD,)) -> None:
    pepper, master = state.keys["pepper"], state.master_key()
    handover.hand_over(state.path, ref, value, replaces=replaces, pepper=pepper, master_key=master)


def resolved(state) -> str:
    return Resolver(state, {}, state.path).resolve(["store:R"]).values["store:R"]


def test_it_becomes_the_next_version_and_is_audited(state):
    secrets.set_secret(state, "R", OLD)
    hand_over(state)
    assert rotated.take_over(state) == ["store:R"]
    assert resolved(state) == NEW
    assert [(e["actor"], e["action"]) for e in audit.entries(state)][:3] == [
        ("cli", "secret.set"),
        ("oauth2", "secret.fetch"),
        ("oauth2", "secret.set"),
    ]
    assert list((state.path / "rotated").iterdir()) == []
    assert rotated.take_over(state) == []


def test_nothing_of_it_is_readable_on_disk(state):
    secrets.set_secret(state, "R", OLD)
    hand_over(state)
    files = [path for path in (state.path / "rotated").rglob("*") if path.is_file()]
    assert [path.stat().st_mode & 0o777 for path in files] == [0o600]
    assert all(NEW.encode() not in path.read_bytes() for path in state.path.rglob("*") if path.is_file())


def test_what_a_person_has_set_meanwhile_wins(state):
    secrets.set_secret(state, "R", OLD)
    hand_over(state)
    secrets.set_secret(state, "R", "set-by-a-person")
    assert rotated.take_over(state) == []
    assert resolved(state) == "set-by-a-person"
    assert list((state.path / "rotated").iterdir()) == []


def test_only_the_newest_of_several_replacements_is_taken(state):
    secrets.set_secret(state, "R", OLD)
    hand_over(state, value="refresh-2-not-real")
    hand_over(state, value=NEW)
    rotated.take_over(state)
    assert (resolved(state), len(secrets.versions(state, "R"))) == (NEW, 2)


def test_one_that_came_while_its_predecessor_was_being_taken_over_is_taken_too(state):
    """The gateway has not heard yet that the store holds the one before."""
    secrets.set_secret(state, "R", OLD)
    hand_over(state, value="refresh-2-not-real")
    rotated.take_over(state)
    hand_over(state, replaces=(OLD, "refresh-2-not-real"))
    assert rotated.take_over(state) == ["store:R"]
    assert resolved(state) == NEW


def test_of_a_secret_that_the_store_has_no_more_nothing_stays(state):
    hand_over(state, ref="store:UNKNOWN")
    assert rotated.take_over(state) == []
    assert list((state.path / "rotated").iterdir()) == []


def test_what_lives_elsewhere_cannot_be_written_there_and_stays_for_the_next_start(state):
    hand_over(state, ref="env:R")
    assert rotated.take_over(state) == []
    assert [one.ref for one in handover.waiting(state.path, state.master_key())] == ["env:R"]


def test_a_file_of_another_master_key_is_left_alone(state):
    secrets.set_secret(state, "R", OLD)
    handover.hand_over(
        state.path, "store:R", NEW, replaces=[OLD], pepper=state.keys["pepper"], master_key=b"k" * 32
    )
    assert rotated.take_over(state) == []
    assert len(list((state.path / "rotated").iterdir())) == 1


def test_the_gateway_knows_after_a_restart_what_the_store_lacks_yet(state):
    from trunkline.core.service import Sealed

    hand_over(state)
    pepper, master = state.keys["pepper"], state.master_key()

    def newer(value: str) -> dict[str, str]:
        return handover.newer(
            state.path, Sealed(version="1", values={"store:R": value}, pepper=pepper), master
        )

    assert (newer(OLD), newer("set-by-a-person")) == ({"store:R": NEW}, {})
    assert NEW not in repr(handover.waiting(state.path, master))


def test_a_new_master_key_opens_what_waits_under_the_old_one(state):
    secrets.set_secret(state, "R", OLD)
    hand_over(state)
    secrets.rotate_master(state)
    assert rotated.take_over(State(state.path, {})) == ["store:R"]
    assert resolved(State(state.path, {})) == NEW


def replaced(state, times):
    """The vendor replaces the token so often."""
    for _ in range(times):
        hand_over(
            state,
            value=f"refresh-{len(secrets.versions(state, 'R'))}-{_}-not-real",
            replaces=[resolved(state)],
        )
        rotated.take_over(state)


def test_old_tokens_are_pruned_and_the_audit_log_says_which(state):
    secrets.set_secret(state, "R", OLD)
    replaced(state, rotated.KEPT + rotated.AT_ONCE - 2)
    assert len(secrets.versions(state, "R")) == rotated.KEPT + rotated.AT_ONCE - 1
    replaced(state, 1)
    there = [info.version for info in secrets.versions(state, "R")]
    assert (there, [info.current for info in secrets.versions(state, "R")]) == (
        [11, 12, 13],
        [False, False, True],
    )
    (pruned,) = [entry for entry in audit.entries(state) if entry["action"] == "secret.prune"]
    assert (pruned["actor"], pruned["subject"], pruned["detail"]) == (
        "oauth2", "R", {"versions": list(range(1, 11)), "why": "replaced by the vendor"},
    )  # fmt: skip
    assert audit.verify(state).ok
    replaced(state, 100)
    assert len(secrets.versions(state, "R")) < rotated.KEPT + rotated.AT_ONCE
    assert max(info.version for info in secrets.versions(state, "R")) == 113, "no number is used again"


def test_what_is_current_is_never_pruned_and_other_secrets_keep_their_versions(state):
    for n in range(20):
        secrets.set_secret(state, "OTHER", f"other-{n}-not-real-value")
        secrets.set_secret(state, "R", f"refresh-person-{n}")
    secrets.revert(state, "R", 2)
    replaced(state, 1)
    there = [info.version for info in secrets.versions(state, "R")]
    assert (there, resolved(state)) == ([19, 20, 21], "refresh-20-0-not-real")
    assert len(secrets.versions(state, "OTHER")) == 20


def test_nothing_is_pruned_while_the_secret_is_being_rotated(state):
    secrets.set_secret(state, "R", OLD)
    row = {"id": "rot_1", "name": "R", "state": "verifying", "created_at": 1.0, "ended_at": 0.0, "facts": {}}
    with state.change() as connection:
        rotation_tables.insert(connection, row)
    replaced(state, 20)
    assert len(secrets.versions(state, "R")) == 21
