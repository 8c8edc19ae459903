"""Everything that decides who may call, read in one go: keys with their versions, users, teams, and what each key is worth now.

Not for: changing any of it (`keys.py`, `users.py`, `teams.py`), nor for judging (`bounds.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from trunkline.control import bounds, kills
from trunkline.control.bounds import Maker, Standing
from trunkline.control.state import State

if TYPE_CHECKING:
    import sqlalchemy as sa

INSTALLATION = ""
"""The maker of what is made on the command line or with the admin token: whoever can read the state folder has no bounds."""


class Roster(NamedTuple):
    """As it stands at one moment. `teams`: what each may call. `unlocked`: lifted locks of the gateway that would still hold, and when."""

    keys: Sequence[Any]
    versions: Sequence[Any]
    users: Sequence[Any]
    teams: Mapping[str, list[str]]
    standings: Mapping[str, Standing]
    unlocked: dict[str, float]

    def maker(self, maker_id: str) -> Maker | None:
        """Who makes something; None for the installation. A maker that is gone has no role."""
        if maker_id == INSTALLATION:
            return None
        for row in self.users:
            if row["id"] == maker_id:
                return bounds.of_user(row)
        standing = self.standings.get(maker_id)
        if standing is None or standing.dead:
            return Maker(id=maker_id, name=maker_id, role="")
        return bounds.of_key(maker_id, standing.wish)

    def name_of(self, maker_id: str) -> str:
        """The name of a maker, as people know it."""
        known = {row["id"]: row["name"] for row in (*self.users, *self.keys)}
        return "installation" if maker_id == INSTALLATION else known.get(maker_id, maker_id)


def read(connection: sa.Connection, state: State, now: float) -> Roster:
    """The roster within the caller's transaction."""
    from trunkline.ledger import control_tables as tables
    from trunkline.ledger import people_tables as people

    keys, users = tables.all_keys(connection), people.rows(connection, people.users)
    teams = {
        row["name"]: row["scopes"] for row in people.rows(connection, people.teams) if not row["removed_at"]
    }
    found = bounds.standings(keys, users, teams, killed=kills.killed(state, "key"), now=now)
    unlocked = {
        row["subject"]: row["unlocked_at"]
        for row in people.rows(connection, people.lockouts)
        if row["plane"] == "calls" and row["unlocked_at"] and row["until"] > now
    }
    return Roster(keys, tables.key_versions(connection), users, teams, found, unlocked)
