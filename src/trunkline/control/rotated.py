"""Takes over refresh tokens that vendors replaced: from the gateway's sealed files into the built-in store, audited.

Called by the console again and again. A value that a person has set meanwhile wins. A token may be replaced every few minutes, and
its predecessors are dead: only the newest KEPT versions stay. Not for: fetching tokens (`gateway/tokens.py`).
"""

from __future__ import annotations

from trunkline.control import audit, secrets
from trunkline.control.resolving import sources
from trunkline.control.state import State
from trunkline.plugins.secrets import SecretUnavailable, handover, resolve

ACTOR = "oauth2"
KEPT = 3
"""Some vendors take the one before for a while, and a person may want to go back."""
AT_ONCE = 10
"""So many are pruned together, for each pruning is a line in the audit log."""


def take_over(state: State) -> list[str]:
    """Stores what waits; answers the references that have a new version now.

    Only the built-in store can be written. Of other references the sealed file itself stays, for the gateway to read at its next
    start, until the value that it replaces is replaced there.
    """
    if not any((state.path / handover.FOLDER).glob("*.sealed")):
        return []
    taken = []
    for one in handover.waiting(state.path, state.master_key()):
        if not one.ref.startswith("store:"):
            continue
        if _still_replaces(state, one):
            name = one.ref.removeprefix("store:")
            secrets.set_secret(state, name, one.value, actor=ACTOR)
            _prune(state, name)
            taken.append(one.ref)
        _remove(one, state)
    return taken


def _prune(state: State, name: str) -> None:
    """Deletes the versions that were replaced long since, once there are enough of them; none while the secret is being rotated."""
    from trunkline.ledger import control_tables as tables
    from trunkline.ledger import rotation_tables

    with state.change() as connection:
        head, rows = tables.find_secret(connection, name), tables.secret_history(connection, name)
        old = [
            row["version"] for row in rows[:-KEPT] if head is not None and row["version"] != head["current"]
        ]
        if len(old) < AT_ONCE or rotation_tables.listed(connection, name=name, running=True):
            return
        tables.drop_secret_versions(connection, name, old)
        detail = {"versions": old, "why": "replaced by the vendor"}
        audit.add(connection, state, [audit.Entry(ACTOR, "secret.prune", name, detail)])


def _still_replaces(state: State, one: handover.Replaced) -> bool:
    """Whether the store still holds a value that this one replaces."""
    try:
        stored = resolve(one.ref, sources(state, state.environ, state.path))
        audit.append(state, ACTOR, "secret.fetch", one.ref, {"why": "it was replaced by its vendor"})
    except SecretUnavailable:
        return False
    return one.replaces(stored, state.keys["pepper"])


def _remove(one: handover.Replaced, state: State) -> None:
    """Unless the gateway has put a still newer one in its place."""
    there = [other for other in handover.waiting(state.path, state.master_key()) if other.path == one.path]
    if there == [one]:
        one.path.unlink(missing_ok=True)
