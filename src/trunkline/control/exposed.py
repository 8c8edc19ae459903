"""Refuses to start on files that others can read: whoever has the admin token or the master key has everything.

Not for: the state folder's other troubles (`diagnosis.py`).
"""

from __future__ import annotations

from pathlib import Path

from trunkline.control.state import State, StateProblem


def check_private(state: State, tls_key: str = "") -> None:
    """Raises StateProblem naming the files, with the one line that mends it.

    The key of a certificate often belongs to a group of its own, so that there only the rest of the world counts.
    """
    loose = [path for path in _secret(state) if path.exists() and path.stat().st_mode & 0o077]
    if tls_key and Path(tls_key).stat().st_mode & 0o007:
        loose.append(Path(tls_key))
    if loose:
        names = " ".join(str(path) for path in loose)
        told = ", ".join(f"{path.name} (mode {path.stat().st_mode & 0o777:04o})" for path in loose)
        raise StateProblem(f"Others on this machine can read {told}. Run: chmod 600 {names}")


def _secret(state: State) -> list[Path]:
    own = [state.master_key_file] if state.owns_master_key else []
    return [*own, state.admin_token, state.sealed, state.control_db, state.callers]
