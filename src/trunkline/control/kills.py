"""The kill switch: refuse a caller key or a credential everywhere within 2 s, with or without console and database (ruling 25).

A kill is a line appended to `kills` in the state folder: the gateway watches the file, and publishing leaves out what stands
there. Lines get their audit rows when the database is at hand (`absorb`). Not for: ordinary ends (`keys.revoke`).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any, Literal

from trunkline.control import audit
from trunkline.control.state import State
from trunkline.core import codec

What = Literal["key", "credential"]


def append(
    state: State, what: What, subject: str, *, dead: bool = True, actor: str = "cli", now: float | None = None
) -> None:
    """Kills (or with `dead=False` brings back) a key by id or a credential by reference. One write, safe beside others."""
    state.create()
    line = {
        "at": time.time() if now is None else now,
        "what": what,
        "subject": subject,
        "dead": dead,
        "actor": actor,
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
    return len(fresh)


def _entry(line: dict[str, Any]) -> audit.Entry:
    verb = "revive" if line.get("dead") is False else "kill"
    return audit.Entry(
        str(line.get("actor", "")),
        f"{line.get('what')}.{verb}",
        str(line.get("subject")),
        {"at": line.get("at")},
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
