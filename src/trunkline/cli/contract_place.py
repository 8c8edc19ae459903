"""The registry and the lock that the commands about contracts work on.

Not for: which installation that is (`place.py`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from trunkline.cli.place import settings_here

if TYPE_CHECKING:
    from trunkline.core.service import Snapshot
    from trunkline.ops.contracts.lock import Lock


def snapshot_here() -> Snapshot:
    """What is live, or what the registry says."""
    from trunkline.cli.integrations import known

    return known()[0]


def lock_path() -> Path:
    """Where the lock of this installation lies."""
    from trunkline.control.contracts import lock_path as beside

    return beside(settings_here().config_path)


def lock_here() -> Lock:
    """The lock. Raises LockInvalid."""
    from trunkline.ops.contracts import lock

    return lock.read(lock_path())
