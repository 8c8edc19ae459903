"""The kill switch."""

import pytest

from trunkline.control import audit, kills


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
