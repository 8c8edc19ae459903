"""The audit chain: every change and every access to a secret is a row that holds the hash of all before it.

Rows chain by SHA-256 over the previous hash and their own text, so that anyone can verify an export; each row is also
sealed with a key of the installation, so that who can write the database but lacks the master key cannot forge a tail.
Not for: calls (the journal). No row ever holds a credential.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from trunkline.control import anchor
from trunkline.control.anchor import Anchor
from trunkline.control.state import State

if TYPE_CHECKING:
    import sqlalchemy as sa

START = b"\0" * 32
CURE = (
    "Somebody who can write the state folder did this, or a disk failed: keep a copy of the folder as evidence. An export or anchor that "
    "was kept elsewhere shows what was there (`trunkline audit verify --export FILE`, `--anchor TEXT`); `trunkline restore` brings back a "
    "backup whose chain is whole. Then end whatever they may have seen: caller keys, credentials, admin token."
)


class Entry(NamedTuple):
    """One act: who did what to which thing."""

    actor: str
    action: str
    subject: str
    detail: dict[str, Any] = {}


class Verdict(NamedTuple):
    """Outcome of a verification: `ok`, how many rows hold, and the first thing that is wrong."""

    ok: bool
    rows: int
    problem: str = ""
    anchored: int = 0
    """Rows up to the newest anchor that was looked at."""
    row: int = 0
    """The place in the chain at which it breaks; 0 where none does."""
    record: str = ""
    """What stands there now, which is not to be believed; empty where nothing does."""

    @property
    def cure(self) -> str:
        """What to do about the problem; empty without one."""
        return CURE if self.problem else ""


def append(state: State, actor: str, action: str, subject: str, detail: dict[str, Any] | None = None) -> None:
    """Adds one row in a transaction of its own; to share one with a change use `add`."""
    with state.change() as connection:
        add(connection, state, [Entry(actor, action, subject, detail or {})])


def add(connection: sa.Connection, state: State, entries: Iterable[Entry], now: float | None = None) -> None:
    """Adds rows within the caller's transaction, which must come from `State.change`: the chain has one writer at a time."""
    from trunkline.ledger import control_tables as tables

    last = tables.last_audit(connection)
    seq, previous = (last["seq"], last["hash"]) if last else (0, START)
    at = time.time() if now is None else now
    rows = []
    for entry in entries:
        seq += 1
        row = {"seq": seq, "at": at, **entry._asdict(), "detail": text_of(entry.detail)}
        previous = row_hash(previous, row)
        rows.append({**row, "hash": previous, "seal": hmac.digest(state.keys["audit"], previous, "sha256")})
    if rows:
        tables.insert_audit(connection, rows)
        state.tips[id(connection)] = (seq, previous, at)


def text_of(detail: dict[str, Any]) -> str:
    """How a row's detail is written."""
    return json.dumps(detail, sort_keys=True)


def row_hash(previous: bytes, row: Any) -> bytes:
    """The hash of a row: SHA-256 of the one before and the row's fields as a JSON list."""
    fields = [row["seq"], repr(row["at"]), row["actor"], row["action"], row["subject"], row["detail"]]
    return hashlib.sha256(previous + json.dumps(fields, separators=(",", ":")).encode()).digest()


def verify(state: State, *anchors: Anchor) -> Verdict:
    """Whether the chain is whole: nothing changed, nothing missing, nothing added without the installation's key.

    The tail is judged by the anchor beside the database, and by those that are given because they were kept elsewhere.
    """
    from trunkline.ledger import control_tables as tables

    own = anchor.latest(state)
    judged = [*anchors, *([own] if own is not None else [])]
    wanted = {one.seq for one in judged}
    hashes: dict[int, str] = {}
    previous, n = START, 0
    with state.view() as connection:
        for row in tables.audit_chain(connection):
            n += 1
            problem = _fault(state, row, n, previous)
            if problem:
                return Verdict(False, n - 1, problem, row=n, record=_record(row))
            previous = row["hash"]
            if n in wanted:
                hashes[n] = previous.hex()
    for one in judged:
        problem = anchor.fault(one, hashes, n)
        if problem:
            return Verdict(False, min(n, one.seq - 1), problem, row=min(n + 1, one.seq))
    alien = anchor.left_over(state)
    if alien:
        said = f"{alien} does not belong to this database: the one before was taken away or replaced, or {alien} was damaged"
        return Verdict(False, n, f"{said} (delete the file once you know why)")
    if own is None and n:
        return Verdict(False, n, f"the anchor {anchor.FILE_NAME} is missing")
    return Verdict(True, n, anchored=max((one.seq for one in judged), default=0))


def _fault(state: State, row: Any, n: int, previous: bytes) -> str:
    if row["seq"] != n:
        return f"row {n} is missing"
    if row_hash(previous, row) != row["hash"]:
        return f"row {n} was changed after it was written"
    if not hmac.compare_digest(hmac.digest(state.keys["audit"], row["hash"], "sha256"), row["seal"]):
        return f"row {n} was not written by this installation"
    return ""


def _record(row: Any) -> str:
    when = datetime.fromtimestamp(row["at"], UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return f"{when} {row['actor']} {row['action']} {row['subject']} (row {row['seq']})"


def tip(state: State) -> Anchor | None:
    """The anchor of the newest row, to be kept elsewhere; None for an empty chain."""
    from trunkline.ledger import control_tables as tables

    with state.view() as connection:
        last = tables.last_audit(connection)
    return anchor.made(state, last["seq"], last["hash"], last["at"]) if last is not None else None


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows; every condition that is given must hold."""

    since: float = 0.0
    until: float = 0.0
    actor: str = ""
    action: str = ""
    """Also the beginning of one: `key` for `key.create`."""
    subject: str = ""


def search(state: State, wanted: Search, *, limit: int = 100) -> list[dict[str, Any]]:
    """The newest rows that fit, oldest first."""
    from trunkline.ledger import control_tables as tables

    with state.view() as connection:
        return [_plain(row) for row in tables.audit_search(connection, wanted, limit)]


def entries(state: State, *, since: float = 0.0, limit: int = 0) -> list[dict[str, Any]]:
    """Rows as plain values for export: oldest first, hashes in hexadecimal."""
    from trunkline.ledger import control_tables as tables

    with state.view() as connection:
        rows = tables.audit_rows(connection, since, limit)
    return [_plain(row) for row in rows]


def _plain(row: Any) -> dict[str, Any]:
    return {
        **{k: row[k] for k in ("seq", "at", "actor", "action", "subject")},
        "detail": json.loads(row["detail"]),
        "hash": row["hash"].hex(),
    }
