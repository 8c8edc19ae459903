"""Has the running gateway forget kept answers: a line in a file that it follows, as the kill switch does (`gateway/caching.py`).

Answers lie in the gateway's memory only, so that nothing is left of them anywhere else. Not for: what is kept and why.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from typing import Any

from trunkline.control import audit
from trunkline.control.state import State
from trunkline.core import codec

FILE = "cache.clear"
FILE_MAX_BYTES = 64 << 10
"""A longer file is begun anew: the gateway has long obeyed what stands in it."""
WAIT_S = 5.0
"""The gateway looks four times a second and tells what it did once a second."""
STATS_FRESH_S = 10.0


class NotForgotten(Exception):
    """The gateway did not say in time that it has forgotten; says what to do."""


def stats(state: State, now: float) -> dict[str, Any]:
    """What the gateway told of itself last; empty if that is not of just now."""
    try:
        told = codec.pack_decoder(dict[str, Any]).decode((state.path / "gateway.stats").read_bytes())
    except (OSError, codec.DecodeError):
        return {}
    return told if now - float(told.get("at", 0.0)) < STATS_FRESH_S else {}


def clear(
    state: State,
    integration: str = "",
    *,
    actor: str = "cli",
    wall: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Forgets the answers of one integration, or all; says how many there were. Raises NotForgotten."""
    at = wall()
    line = codec.to_json({"at": at, "integration": integration, "actor": actor}) + b"\n"
    path = state.path / FILE
    anew = os.O_TRUNC if path.exists() and path.stat().st_size > FILE_MAX_BYTES else 0
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | anew, 0o600)
    try:
        os.write(handle, line)
    finally:
        os.close(handle)
    _written_down(state, actor, integration, at)
    while wall() < at + WAIT_S:
        told = stats(state, wall()).get("cache_forgot") or {}
        if told.get("at", 0.0) >= at:
            return int(told.get("answers", 0))
        sleep(0.1)
    raise NotForgotten(
        f"The gateway of {state.path} has not said within {WAIT_S:g} s that it has forgotten. "
        "Look at it with `trunkline doctor`; a restart forgets everything too."
    )


def _written_down(state: State, actor: str, integration: str, at: float) -> None:
    """The audit row. A database that does not work must not keep answers from being forgotten."""
    from sqlalchemy.exc import DBAPIError

    with contextlib.suppress(DBAPIError):
        audit.append(state, actor, "cache.clear", integration or "*", {"at": at})
