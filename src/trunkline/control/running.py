"""Whether a Trunkline runs on a state folder, and where it listens.

Not for: starting or stopping it (`supervise.py`), nor for calling it. Imports late: commands that find nothing must be quick.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trunkline.control.state import State


class NotRunning(Exception):
    """No Trunkline answers here; says where it was looked for and the cure."""


def supervisor_pid(state: State) -> int:
    """The pid of the supervisor of this state folder. Raises NotRunning."""
    from trunkline.control.child import is_alive
    from trunkline.control.claim import is_claimed, read_pid

    pid = read_pid(state.serve_pid)
    if not is_alive(pid) or not is_claimed(state):
        raise NotRunning(
            f"Trunkline is not running on {state.path}. Start it with `trunkline serve`, or give --state-dir."
        )
    return pid


def running_facts(state: State) -> dict[str, Any]:
    """Where the running instance listens (`serve.json`) and what its gateway says of itself (`gateway.json`). Raises NotRunning."""
    from trunkline.control.child import is_alive
    from trunkline.control.reload import gateway_facts
    from trunkline.core import codec

    supervisor_pid(state)
    facts = gateway_facts(state)
    if not is_alive(int(facts.get("pid", 0))):
        raise NotRunning(f"The gateway of {state.path} is not up just now; `trunkline doctor` says more.")
    with contextlib.suppress(OSError, codec.DecodeError):
        facts = {**codec.from_json(state.serve.read_bytes()), **facts}
    return facts


def address(facts: dict[str, Any]) -> tuple[str, int]:
    """Where on this machine it is reached."""
    host = str(facts.get("host") or "127.0.0.1")
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), int(facts["port"])  # noqa: S104 (a comparison)
