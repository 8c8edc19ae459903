"""The kill switch."""

import pytest

from trunkline.control import audit, keys, kills


@pytest.mark.row("S4")
def test_the_last_word_about_each_subject_counts(state):
    kills.append(state, "key", "key_1")
    kills.append(state, "key", "key_2")
    kills.append(state, "credential", "env:A")
    kills.append(state, "key", "key_1", dead=False)
    assert kills.killed(state, "key") == {"key_2"}
    assert kills.killed(state, "credential") == {"env:A"}


def test_without_the_file_nothing_is_dead(state):
    assert kills.killed(state, "key") == set()
    assert kills.absorb(state) == 0


def test_a_torn_line_is_passed_over(state):
    kills.append(state, "key", "key_1", now=5.0)
    with state.kills.open("ab") as file:
        file.write(b'{"at": 1, "wha')
    assert kills.killed(state, "key") == {"key_1"}


def test_each_kill_gets_its_audit_row_once(state):
    kills.append(state, "key", "key_1", actor="ops")
    kills.append(state, "credential", "env:A")
    assert kills.absorb(state) == 2
    kills.append(state, "credential", "env:A", dead=False)
    assert kills.absorb(state) == 1
    assert kills.absorb(state) == 0
    assert [(r["actor"], r["action"], r["subject"]) for r in audit.entries(state)] == [
        ("ops", "key.kill", "key_1"),
        ("cli", "credential.kill", "env:A"),
        ("cli", "credential.revive", "env:A"),
    ]


def test_the_file_is_private(state):
    kills.append(state, "key", "key_1")
    assert state.kills.stat().st_mode & 0o777 == 0o600


@pytest.mark.row("S4")
def test_an_integration_is_switched_off_with_a_reason_and_on_again(state):
    kills.append(state, "integration", "stripe", why="wrong amounts")
    kills.append(state, "integration", "crm")
    kills.append(state, "integration", "crm", dead=False)
    assert kills.disabled(state) == {"stripe": "wrong amounts"}
    assert kills.absorb(state) == 3
    assert [(r["action"], r["subject"], r["detail"].get("why")) for r in audit.entries(state)] == [
        ("integration.kill", "stripe", "wrong amounts"),
        ("integration.kill", "crm", None),
        ("integration.revive", "crm", None),
    ]


@pytest.mark.row("S4")
def test_a_key_that_was_killed_without_the_database_is_revoked_in_it_later(state):
    made = keys.create(state, keys.Wish(name="web", scopes=["*"]))
    assert kills.key_id(state, "web") == kills.key_id(state, made.id) == made.id
    assert kills.key_id(state, "nobody") == ""
    kills.append(state, "key", made.id)
    kills.absorb(state)
    assert keys.find(state, made.id).state == "revoked"


def test_two_keys_of_one_name_are_not_told_apart_by_it(state):
    for _ in range(2):
        keys.create(state, keys.Wish(name="web", scopes=["*"]))
    assert kills.key_id(state, "web") == ""
