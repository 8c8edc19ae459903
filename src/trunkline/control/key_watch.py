"""Keeps what the gateway tells of keys: their first and last uses, by version, and whom wrong keys have locked out.

A first use is an audit row (an authentication event); later ones only move a time. Not for: telling of keys that are due
(`key_care.py`).
"""

from __future__ import annotations

from typing import Any

import msgspec

from trunkline.control import audit, lockout
from trunkline.control.periods import rfc3339
from trunkline.control.state import State
from trunkline.core import codec
from trunkline.core.lockout import Lock
from trunkline.core.uses import FILE_NAME, Uses

_decoder: msgspec.msgpack.Decoder[Uses] = codec.pack_decoder(Uses)


class KeyWatch:
    """Follows the gateway's file over one state folder."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._mark: object = None
        self._taken = Uses(boot="")
        self.wanted: frozenset[str] = frozenset()
        """Issuers whose keys should be fetched again."""

    def look(self) -> bool:
        """Takes over what is new; False if nothing was."""
        path = self._state.path / FILE_NAME
        try:
            stat = path.stat()
            mark = (stat.st_ino, stat.st_mtime_ns)
            if mark == self._mark:
                return False
            told = _decoder.decode(path.read_bytes())
        except (OSError, codec.DecodeError):
            return False
        self._take(told)
        self._mark, self._taken = mark, told
        self.wanted = frozenset(told.issuers)
        return True

    def _take(self, told: Uses) -> None:
        before = self._taken if self._taken.boot == told.boot else Uses(boot="")
        keys = {name: at for name, at in told.keys.items() if before.keys.get(name) != at}
        tokens = {name: use for name, use in told.tokens.items() if before.tokens.get(name) != use}
        if keys or tokens:
            with self._state.change() as connection:
                entries = [*_keys_used(connection, keys), *_tokens_used(connection, tokens)]
                audit.add(connection, self._state, entries)
        known = {one.subject: one.locked_at for one in lockout.listed(self._state)} if told.locks else {}
        for lock in told.locks:
            if lock not in before.locks and known.get(lock.subject) != rfc3339(lock.at):
                lockout.noted(self._state, Lock(*lock), "calls")


def _keys_used(connection: Any, keys: dict[str, float]) -> list[audit.Entry]:
    from trunkline.ledger import control_tables as tables
    from trunkline.ledger import people_tables as people

    found = []
    table = tables.caller_key_versions
    for name, at in keys.items():
        key, _, version = name.rpartition(":")
        if people.used(connection, table, (table.c.key_id == key, table.c.version == int(version)), at):
            found.append(audit.Entry("gateway", "key.first_use", key, {"version": int(version)}))
    return found


def _tokens_used(connection: Any, tokens: dict[str, Any]) -> list[audit.Entry]:
    from trunkline.ledger import people_tables as people

    found = []
    table = people.token_callers
    known = {row["id"] for row in people.rows(connection, table)} if tokens else set()
    for name, use in tokens.items():
        if name not in known:
            people.add(
                connection,
                table,
                {
                    "id": name,
                    "name": use.name,
                    "team": use.team,
                    "first_used_at": use.at,
                    "last_used_at": use.at,
                },
            )
            found.append(
                audit.Entry("gateway", "token.first_use", name, {"name": use.name, "team": use.team})
            )
        else:
            people.change(connection, table, name, {"last_used_at": use.at, "team": use.team})
    return found
