"""Takes over refresh tokens that vendors replaced: from the gateway's sealed files into the built-in store, audited.

Called by the console again and again. A value that a person has set meanwhile wins. Not for: fetching tokens (`gateway/tokens.py`).
"""

from __future__ import annotations

import hmac

from trunkline.control import secrets
from trunkline.control.resolving import sources
from trunkline.control.state import State
from trunkline.plugins.secrets import SecretUnavailable, handover, resolve

ACTOR = "oauth2"


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
            secrets.set_secret(state, one.ref.removeprefix("store:"), one.value, actor=ACTOR)
            taken.append(one.ref)
        _remove(one, state)
    return taken


def _still_replaces(state: State, one: handover.Replaced) -> bool:
    """Whether the store still holds the value that this one replaces."""
    try:
        stored = resolve(one.ref, sources(state, state.environ, state.path))
    except SecretUnavailable:
        return False
    return hmac.compare_digest(one.mark, handover.mark_of(stored, state.keys["pepper"]))


def _remove(one: handover.Replaced, state: State) -> None:
    """Unless the gateway has put a still newer one in its place."""
    there = [other for other in handover.waiting(state.path, state.master_key()) if other.path == one.path]
    if there == [one]:
        one.path.unlink(missing_ok=True)
