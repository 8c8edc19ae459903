"""The machine of a rotation, step by step; and its steps on a real database, each once however often it is made."""

from __future__ import annotations

import msgspec
import pytest

from trunkline.control import audit, rotation, rotations, secrets
from trunkline.control.rotation import Order, Rotation, Traffic, Tried
from trunkline.control.rotations import RotationProblem
from trunkline.control.state import State
from trunkline.ledger import control_tables, rotation_tables

pytestmark = pytest.mark.row("S3")
NOW = 1_000_000.0
OLD, NEW = "old-value-not-real-0001", "new-value-not-real-0002"


def made(**changes: object) -> Rotation:
    return msgspec.structs.replace(
        Rotation(
            id="rot_1",
            name="STRIPE",
            from_version="1",
            to_version="2",
            state="added",
            actor="t",
            created_at=NOW,
        ),
        **changes,
    )


@pytest.mark.parametrize(
    ("changes", "act"),
    [
        ({}, "verify"),
        ({"next_at": NOW + 1}, "wait"),
        ({"stuck": True}, "wait"),
        ({"unverified": True}, "promote"),
        ({"unverified": True, "hold": True}, "wait"),
        ({"state": "verified"}, "promote"),
        ({"state": "verified", "hold": True}, "wait"),
        ({"state": "promoted"}, "watch"),
        ({"state": "idle"}, "check_old"),
        ({"state": "done"}, "wait"),
        ({"state": "rolled_back"}, "wait"),
        ({"state": "abandoned"}, "wait"),
    ],
)
def test_what_comes_next(changes: dict[str, object], act: str) -> None:
    assert rotation.next_act(made(**changes), NOW) == act


def test_every_integration_must_take_the_new_version() -> None:
    good, bad = Tried("a", True, "GET / answered 200"), Tried("b", False, "GET / answered 401")
    after = rotation.after_verify(made(), [good, bad], NOW)
    assert (after.state, after.stuck) == ("added", True)
    assert after.problem == "the new version is refused (b: GET / answered 401)"
    after = rotation.after_verify(made(), [good, good], NOW)
    assert (after.state, after.verified_at, len(after.verified_by)) == ("verified", NOW, 2)


def test_silence_is_asked_again_with_growing_patience() -> None:
    one, silent = made(), Tried("a", None, "no answer within 10 s")
    pauses = []
    for _ in range(12):
        one = rotation.after_verify(one, [silent], NOW)
        pauses.append(one.next_at - NOW)
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
    assert (one.state, one.stuck) == ("added", False)


def promoted(**changes: object) -> Rotation:
    return rotation.promoted(made(state="verified", quiet_s=60.0, **changes), 7, NOW)


def test_the_old_version_is_idle_after_a_quiet_time() -> None:
    one = rotation.after_watch(promoted(), Traffic(8, 3, NOW + 30, 40, 0, NOW + 31), NOW + 32)
    assert one is not None
    assert (one.state, one.place, one.old_attempts, one.new_attempts) == ("promoted", 8, 3, 40)
    still = rotation.after_watch(one, Traffic(9), NOW + 89)
    assert still is not None
    assert still.state == "promoted"
    idle = rotation.after_watch(still, Traffic(9), NOW + 90)
    assert idle is not None
    assert (idle.state, idle.idle_at) == ("idle", NOW + 90)


@pytest.mark.parametrize(
    ("attempts", "refused", "undone"),
    [(3, 3, True), (100, 3, False), (2, 2, False), (10, 6, True), (10, 5, False)],
)
def test_a_new_version_that_the_vendor_refuses_after_all_is_undone(
    attempts: int, refused: int, undone: bool
) -> None:
    after = rotation.after_watch(promoted(), Traffic(8, 0, 0.0, attempts, refused, NOW), NOW + 1)
    assert (after is None) is undone


def test_it_ends_when_the_vendor_refuses_the_old_version_everywhere() -> None:
    idle = msgspec.structs.replace(promoted(), state="idle", idle_at=NOW)
    no, yes = Tried("a", False, "401"), Tried("b", True, "200")
    assert rotation.after_check(idle, [no, yes], NOW).state == "idle"
    assert rotation.after_check(idle, [], NOW).state == "idle"
    assert rotation.after_check(idle, [no, no], NOW).state == "done"
    pauses = [rotation.after_check(idle, [yes], NOW + age).next_at - NOW - age for age in (0, 900, 9000)]
    assert pauses == [5.0, 60.0, 900.0]


def test_every_state_has_words_with_what_to_do() -> None:
    for state in (*("added", "verified", "promoted", "idle"), *rotation.ENDED):
        said = rotation.words(made(state=state, problem="asked"), NOW)
        assert said.endswith((".", "--finish", "--promote"))
    assert "--abort" in rotation.words(made(stuck=True, problem="refused"), NOW)


# On a database.


@pytest.fixture
def stored(state: State) -> State:
    secrets.set_secret(state, "STRIPE", OLD)
    return state


def current(state: State) -> int:
    return next(one.version for one in secrets.versions(state, "STRIPE") if one.current)


def has_value(state: State) -> list[bool]:
    with state.view() as connection:
        return [bool(row["ciphertext"]) for row in control_tables.secret_history(connection, "STRIPE")]


def test_the_new_version_does_not_serve_before_it_is_promoted(stored: State) -> None:
    one = rotations.begin(stored, "STRIPE", NEW)
    assert (one.from_version, one.to_version, current(stored)) == ("1", "2", 1)
    after = rotations.promote(stored, one, 5)
    assert (after.state, after.place, current(stored)) == ("promoted", 5, 2)
    done = rotations.finish(stored, after, "revoked")
    assert (done.state, has_value(stored), current(stored)) == ("done", [False, True], 2)
    assert rotations.last_done(stored) == {"store:STRIPE": after.promoted_at}
    with pytest.raises(RotationProblem, match="nothing to undo"):
        rotations.undo(stored, done, "too late")


@pytest.mark.parametrize("step", ["added", "verified", "promoted", "idle"])
def test_every_step_can_be_undone(stored: State, step: str) -> None:
    one = rotations.begin(stored, "STRIPE", NEW)
    if step != "added":
        verified = rotation.after_verify(one, [], NOW)
        assert rotations.moved(stored, one, verified)
        one = verified
    if step in ("promoted", "idle"):
        one = rotations.promote(stored, one, 0)
    if step == "idle":
        idle = msgspec.structs.replace(one, state="idle", idle_at=NOW)
        rotations.moved(stored, one, idle)
        one = idle
    back = rotations.undo(stored, one, "asked")
    assert (back.state, current(stored)) == (
        "rolled_back" if step in ("promoted", "idle") else "abandoned",
        1,
    )
    assert secrets.value_of(stored, "STRIPE", 1, actor="t") == OLD
    assert rotations.running(stored, "STRIPE") is None


def test_a_step_that_was_made_already_changes_nothing(stored: State) -> None:
    one = rotations.begin(stored, "STRIPE", NEW)
    rotations.promote(stored, one, 0)
    with pytest.raises(RotationProblem, match="has moved on meanwhile"):
        rotations.promote(stored, one, 0)
    assert not rotations.moved(stored, one, rotation.after_verify(one, [], NOW))
    assert rotations.listed(stored)[0].state == "promoted"


def test_a_value_that_a_person_sets_meanwhile_is_not_overwritten(stored: State) -> None:
    one = rotations.promote(stored, rotations.begin(stored, "STRIPE", NEW), 0)
    secrets.set_secret(stored, "STRIPE", "set-by-a-person-not-real")
    rotations.undo(stored, one, "asked")
    assert current(stored) == 3


def test_what_cannot_be_begun_is_said(stored: State) -> None:
    with pytest.raises(secrets.SecretProblem, match="no secret 'NOBODY'"):
        rotations.begin(stored, "NOBODY", NEW)
    with pytest.raises(RotationProblem, match="the value that STRIPE has already"):
        rotations.begin(stored, "STRIPE", OLD + "\n")
    rotations.begin(stored, "STRIPE", NEW)
    with pytest.raises(RotationProblem, match="is under way"):
        rotations.begin(stored, "STRIPE", "third-value-not-real-0003")


def test_another_value_takes_the_place_of_a_refused_one(stored: State) -> None:
    one = rotations.begin(stored, "STRIPE", NEW)
    stuck = rotation.after_verify(one, [Tried("a", False, "401")], NOW)
    rotations.moved(stored, one, stuck)
    again = rotations.begin(stored, "STRIPE", "third-value-not-real-0003")
    assert (again.to_version, has_value(stored)) == ("3", [True, False, True])
    assert [one.state for one in rotations.listed(stored)].count("abandoned") == 1


def test_every_step_and_every_reading_is_audited_and_shows_no_value(stored: State) -> None:
    one = rotations.promote(stored, rotations.begin(stored, "STRIPE", NEW), 0)
    secrets.value_of(stored, "STRIPE", 2, actor="rotation")
    rotations.undo(stored, one, "asked")
    rows = audit.entries(stored)
    actions = [row["action"] for row in rows]
    assert actions == [
        "secret.set",
        "secret.set",
        "rotation.begin",
        "rotation.promoted",
        "secret.fetch",
        "rotation.rolled_back",
    ]
    assert "not-real" not in repr(rows)
    assert audit.verify(stored).ok


def test_a_rotation_that_runs_holds_however_many_of_other_names_came_after_it(stored: State) -> None:
    ended = {"name": "OTHER", "state": "done", "ended_at": 2.0}
    waits = {"id": "rot_a", "name": "vault:x#y", "state": "awaiting", "created_at": 1.0, "ended_at": 0.0}
    facts = {"from_version": "1", "to_version": "", "actor": "t"}
    with stored.change() as connection:
        rotation_tables.insert(connection, {**waits, "facts": facts})
        for n in range(101):
            rotation_tables.insert(connection, {**ended, "id": f"rot_{n}", "created_at": 2.0, "facts": facts})
    assert rotations.orders(stored) == {"vault:x#y": [Order("rot_a", "awaiting")]}
