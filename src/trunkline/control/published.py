"""What is published for the gateway (`publish.py`), read back: without the database, and by whoever can read the state folder.

Not for: the gateway's own reading (`gateway/published.py`).
"""

from __future__ import annotations

import msgspec

from trunkline.control.state import State
from trunkline.core import codec
from trunkline.core.service import Callers, Sealed, Snapshot
from trunkline.plugins.secrets.masterkey import MasterKeyProblem
from trunkline.plugins.secrets.sealed import open_sealed

_callers_decoder: msgspec.msgpack.Decoder[Callers] = codec.pack_decoder(Callers)
_snapshot_decoder: msgspec.msgpack.Decoder[Snapshot] = codec.pack_decoder(Snapshot)


def read_snapshot(state: State) -> Snapshot | None:
    """What is published; None if nothing readable is."""
    try:
        return _snapshot_decoder.decode(state.snapshot.read_bytes())
    except (OSError, codec.DecodeError):
        return None


def read_callers(state: State) -> Callers | None:
    """The published keys; None if nothing readable is."""
    try:
        return _callers_decoder.decode(state.callers.read_bytes())
    except (OSError, codec.DecodeError):
        return None


def read_sealed(state: State, master_key: bytes) -> Sealed | None:
    """The published credentials; None if there is no file or it opens no more (then it is written anew)."""
    try:
        return open_sealed(state.sealed, master_key)
    except (OSError, MasterKeyProblem, codec.DecodeError):
        return None
