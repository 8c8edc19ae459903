"""Reads what the supervisor publishes for the gateway: what can be called, who may call, the sealed credentials, how the last reload went.

Not for: when to look (`watch.py`), nor what is done with it (`app.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trunkline.core.codec import from_json, pack_decoder
from trunkline.core.service import Callers, Sealed, Snapshot
from trunkline.plugins.secrets import masterkey
from trunkline.plugins.secrets.sealed import open_sealed

_snapshot = pack_decoder(Snapshot)
_callers = pack_decoder(Callers)


def snapshot(state: Path) -> Snapshot:
    """What can be called."""
    return _snapshot.decode((state / "snapshot.msgpack").read_bytes())


def callers(state: Path) -> Callers:
    """Who may call."""
    return _callers.decode((state / "callers.msgpack").read_bytes())


def sealed(state: Path, environ: Mapping[str, str]) -> tuple[Sealed, bytes]:
    """The credentials, and the master key that opened them. Raises MasterKeyProblem."""
    master = masterkey.read(state, environ)
    if master is None:
        raise masterkey.MasterKeyProblem(
            f"There is no master key for {state}. Start with `trunkline serve`, which makes one."
        )
    return open_sealed(state / "secrets.sealed", master), master


def reload_state(state: Path) -> dict[str, Any]:
    """How the last reload went; empty where nothing tells."""
    try:
        told: dict[str, Any] = from_json((state / "reload.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return told
