"""The audit chain."""

import sqlite3

import pytest

from trunkline.control import audit
from trunkline.control.state import State


@pytest.fixture
def written(state):
    for n in range(4):
        audit.append(state, "cli", "secret.set", f"S{n}", {"version": n})
    return state


def tamper(state, *statements):
    """Changes the database as somebody with a shell would, past the triggers."""
    with sqlite3.connect(state.control_db) as connection:
        connection.execute("DROP TRIGGER audit_keeps_rows")
        connection.execute("DROP TRIGGER audit_keeps_text")
        for statement in statements:
            connection.execute(statement)


@pytest.mark.row("G1")
def test_an_untouched_chain_verifies(written):
    assert audit.verify(written) == audit.Verdict(True, 4)


def test_rows_come_out_in_order_with_their_details(written):
    assert [
        (r["seq"], r["actor"], r["action"], r["subject"], r["detail"]) for r in audit.entries(written)
    ] == [(n + 1, "cli", "secret.set", f"S{n}", {"version": n}) for n in range(4)]
    assert [r["seq"] for r in audit.entries(written, limit=2)] == [3, 4]


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE audit SET subject = 'other' WHERE seq = 2", "row 2 was changed after it was written"),
        ("UPDATE audit SET at = at + 1 WHERE seq = 3", "row 3 was changed after it was written"),
        ("DELETE FROM audit WHERE seq = 2", "row 2 is missing"),
        ("DELETE FROM audit WHERE seq = 1", "row 1 is missing"),
    ],
)
def test_a_changed_or_missing_row_is_found(written, statement, said):
    tamper(written, statement)
    verdict = audit.verify(State(written.path, {}))
    assert (verdict.ok, verdict.problem) == (False, said)


def test_a_forged_tail_is_found_although_its_hashes_fit(written):
    last = audit.entries(written)[-1]
    row = {"seq": 5, "at": 1.0, "actor": "cli", "action": "nothing", "subject": "x", "detail": "{}"}
    forged = audit.row_hash(bytes.fromhex(last["hash"]), row).hex()
    tamper(
        written,
        f"INSERT INTO audit VALUES (5, 1.0, 'cli', 'nothing', 'x', '{{}}', x'{forged}', x'{'00' * 32}')",
    )
    assert audit.verify(written).problem == "row 5 was not written by this installation"


@pytest.mark.parametrize("statement", ["DELETE FROM audit", "UPDATE audit SET actor = 'x'"])
def test_the_database_itself_refuses_to_change_rows(written, statement):
    with (
        sqlite3.connect(written.control_db) as connection,
        pytest.raises(sqlite3.IntegrityError, match="audit rows are never"),
    ):
        connection.execute(statement)
    assert audit.verify(written).ok


def test_two_processes_write_one_chain(written):
    other = State(written.path, {})
    audit.append(other, "console", "key.create", "k", {})
    audit.append(written, "cli", "key.revoke", "k", {})
    assert audit.verify(other) == audit.Verdict(True, 6)


def test_a_change_that_fails_leaves_no_row(written):
    def failing() -> None:
        with written.change() as connection:
            audit.add(connection, written, [audit.Entry("cli", "x", "y")])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        failing()
    assert audit.verify(written) == audit.Verdict(True, 4)
