"""The audit chain."""

import sqlite3

import pytest

from trunkline.control import anchor, audit
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
    assert audit.verify(written) == audit.Verdict(True, 4, anchored=4)


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


COPY = "INSERT INTO audit SELECT {}, at, actor, action, subject, detail, hash, seal FROM audit WHERE seq = 2"
MOVED = "UPDATE audit SET seq = CASE seq WHEN 2 THEN 30 WHEN 3 THEN 20 ELSE seq END"


@pytest.mark.row("G1")
@pytest.mark.parametrize(
    ("statements", "rows", "said"),
    [
        (["DELETE FROM audit WHERE seq = 4"], 3, "row 4 and those after it are missing: there were 4"),
        (["DELETE FROM audit WHERE seq > 1"], 1, "row 2 and those after it are missing: there were 4"),
        (["DELETE FROM audit"], 0, "row 1 and those after it are missing: there were 4"),
        ([MOVED, "UPDATE audit SET seq = seq / 10 WHERE seq > 9"], 1, "row 2 was changed after it was written"),
        (["UPDATE audit SET seq = 5 WHERE seq = 4", COPY.format(4)], 3, "row 4 was changed after it was written"),
        ([COPY.format(0)], 0, "row 1 is missing"),
        (["UPDATE audit SET detail = '{}' WHERE seq = 3"], 2, "row 3 was changed after it was written"),
        (["UPDATE audit SET seal = zeroblob(32) WHERE seq = 2"], 1, "row 2 was not written by this installation"),
    ],
)  # fmt: skip
def test_whatever_is_done_to_the_rows_the_first_bad_one_is_told(written, statements, rows, said):
    """Inserted, changed, deleted, moved, cut off at the end (G1)."""
    tamper(written, *statements)
    assert audit.verify(State(written.path, {}))[:3] == (False, rows, said)


def test_a_tail_that_was_replaced_is_found_by_its_anchor(written):
    """Somebody who has the installation's keys, but not what was kept elsewhere."""
    kept = audit.tip(written)
    tamper(written, "DELETE FROM audit WHERE seq = 4")
    (written.path / anchor.FILE_NAME).unlink()
    other = State(written.path, {})
    audit.append(other, "cli", "nothing", "to see")
    assert audit.verify(other).ok
    assert audit.verify(other, kept).problem == "row 4 is not the one that was anchored"
    assert (
        audit.verify(other, anchor.parse(other, str(kept))).problem
        == "row 4 is not the one that was anchored"
    )


def test_a_missing_or_foreign_anchor_is_said(written):
    path = written.path / anchor.FILE_NAME
    for content in (b"", b"{}", path.read_bytes().replace(b'"seq":4', b'"seq":3')):
        path.write_bytes(content)
        assert audit.verify(written).problem.startswith("audit.anchor does not belong to this database")
    path.unlink()
    assert audit.verify(written).problem == "the anchor audit.anchor is missing"
    audit.append(written, "cli", "x", "y")
    assert audit.verify(written) == audit.Verdict(True, 5, anchored=5)


@pytest.mark.row("G1")
def test_a_database_that_was_taken_away_whole_is_missed(written):
    for path in written.path.glob("control.db*"):
        path.unlink()
    anew = State(written.path)
    assert audit.verify(anew).problem.startswith("audit.anchor does not belong to this database")
    audit.append(anew, "cli", "x", "y")
    kept = written.path / anchor.BEFORE
    found = audit.verify(anew)
    assert (found.ok, found.rows) == (False, 1)
    assert found.problem.startswith("audit.anchor.before does not belong to this database")
    kept.unlink()
    assert audit.verify(anew) == audit.Verdict(True, 1, anchored=1)


@pytest.mark.parametrize("text", ["", "4", "4:ab:cd", "x:y:z", "4:" + "0" * 64 + ":" + "0" * 64])
def test_what_is_no_anchor_is_refused(written, text):
    with pytest.raises(anchor.AnchorProblem, match="no anchor of this installation"):
        anchor.parse(written, text)


def test_an_anchor_never_goes_back(written):
    old = anchor.latest(written)
    audit.append(written, "cli", "x", "y")
    anchor.drop(written, old)
    assert anchor.latest(written).seq == 5


def test_an_installation_from_before_there_were_anchors_gets_one_when_it_is_upgraded(written):
    (written.path / anchor.FILE_NAME).unlink()
    anchor.drop_first(written)
    assert audit.verify(written) == audit.Verdict(True, 4, anchored=4)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, [2, 3, 4]),
        ({"action": "secret"}, [2, 3, 4]),
        ({"action": "secret.set"}, [2, 3, 4]),
        ({"action": "sec"}, []),
        ({"action": "secret.%"}, []),
        ({"subject": "S0"}, [1]),
        ({"actor": "nobody"}, []),
        ({"until": 1.0}, []),
        ({"since": 1.0}, [2, 3, 4]),
    ],
)
def test_rows_are_searched(written, wanted, found):
    assert [row["seq"] for row in audit.search(written, audit.Search(**wanted), limit=3)] == found


def test_a_long_chain_is_verified_some_rows_at_a_time(written, monkeypatch):
    monkeypatch.setattr("trunkline.ledger.control_tables.AUDIT_BATCH", 3)
    for n in range(10):
        audit.append(written, "cli", "x", str(n))
    assert audit.verify(written) == audit.Verdict(True, 14, anchored=14)
    tamper(written, "DELETE FROM audit WHERE seq = 7")
    assert audit.verify(State(written.path, {})).problem == "row 7 is missing"


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
    assert audit.verify(other) == audit.Verdict(True, 6, anchored=6)


def test_a_change_that_fails_leaves_no_row(written):
    def failing() -> None:
        with written.change() as connection:
            audit.add(connection, written, [audit.Entry("cli", "x", "y")])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        failing()
    assert audit.verify(written) == audit.Verdict(True, 4, anchored=4)
