"""The kill switch: refuse a caller key, a credential or an integration everywhere within 2 s, running calls included (ruling 25).

A kill is a line appended to `kills` in the state folder: the gateway watches the file, and publishing leaves out what stands
there, with or without console and database. Lines get their audit rows when the database is at hand (`absorb`). Not for: ends
that let running calls finish (`keys.revoke`).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any, Literal

from trunkline.control import audit
from trunkline.control.published import read_callers
from trunkline.control.state import State
from trunkline.core import codec

What = Literal["key", "credential", "integration"]
LONGEST_WHY = 200


def append(
    state: State,
    what: What,
    subject: str,
    *,
    dead: bool = True,
    why: str = "",
    actor: str = "cli",
    now: float | None = None,
) -> None:
    """Kills (or with `dead=False` brings back) a key by id, a credential by reference, an integration by name.

    `why` is shown to whose calls are refused. One write, safe beside others.
    """
    state.create()
    line = {
        "at": time.time() if now is None else now,
        "what": what,
        "subject": subject,
        "dead": dead,
        "actor": actor,
        **({"why": why[:LONGEST_WHY]} if why else {}),
    }
    handle = os.open(state.kills, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(handle, codec.to_json(line) + b"\n")
        os.fsync(handle)
    finally:
        os.close(handle)


def killed(state: State, what: What) -> set[str]:
    """What is dead now: the last line about each subject counts."""
    last: dict[str, bool] = {}
    for line in _lines(state):
        if line.get("what") == what:
            last[str(line.get("subject"))] = line.get("dead") is not False
    return {subject for subject, dead in last.items() if dead}


def disabled(state: State) -> dict[str, str]:
    """Integrations that are switched off, with the reason given."""
    last = {str(line["subject"]): line for line in _lines(state) if line.get("what") == "integration"}
    return {name: str(line.get("why", "")) for name, line in last.items() if line.get("dead") is not False}


def key_id(state: State, selector: str) -> str:
    """The id of the one published key with this id or name, without the database; empty if there is no such one."""
    there = read_callers(state)
    known = {key.id: key.name for key in there.keys} if there is not None else {}
    found = [selector] if selector in known else [one for one, name in known.items() if name == selector]
    return found[0] if len(found) == 1 else ""


def absorb(state: State) -> int:
    """Writes the audit row of each kill that has none yet; answers how many."""
    lines = list(_lines(state))
    if not lines:
        return 0
    from trunkline.ledger import control_tables as tables

    with state.change() as connection:
        seen = {
            (row["action"], row["subject"], row["detail"])
            for row in tables.audit_rows(connection, lines[0]["at"] - 1)
        }
        fresh = [
            entry
            for entry in map(_entry, lines)
            if (entry.action, entry.subject, audit.text_of(entry.detail)) not in seen
        ]
        audit.add(connection, state, fresh)
        known = {row["id"]: row["revoked_at"] for row in tables.all_keys(connection)}
        for key in sorted(killed(state, "key")):
            if known.get(key) == 0.0:
                tables.set_key_revoked(connection, key, time.time())
    return len(fresh)


def told(state: State) -> str:
    """`absorb` for who has thrown the switch: empty when its row is written, else why that has to wait."""
    from sqlalchemy.exc import DBAPIError

    try:
        absorb(state)
    except DBAPIError as problem:
        return f"The audit row follows: the database cannot be written yet ({problem.orig})."
    return ""


def _entry(line: dict[str, Any]) -> audit.Entry:
    verb = "revive" if line.get("dead") is False else "kill"
    detail = {"at": line.get("at"), **({"why": line["why"]} if line.get("why") else {})}
    return audit.Entry(
        str(line.get("actor", "")), f"{line.get('what')}.{verb}", str(line.get("subject")), detail
    )


def _lines(state: State) -> Iterator[dict[str, Any]]:
    """Each readable line; one torn by a crash is passed over."""
    try:
        data = state.kills.read_bytes()
    except FileNotFoundError:
        return
    for raw in data.splitlines():
        try:
            line = codec.from_json(raw)
        except codec.DecodeError:
            continue
        if isinstance(line, dict) and isinstance(line.get("at"), (int, float)):
            yield line
