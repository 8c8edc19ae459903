"""What the server's wire puts up with from one client. Not for: limits of keys and routes, which are
policies.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ServerLimits:
    """Sizes in bytes, times in seconds; times are kept by a sweep per second, so they may be exceeded by up
    to two.

    `buffer_limit`: longer bodies are handed on as a stream. `body_rate`: bytes a second that a body must make
    on average once `body_grace_s` has passed. `idle_timeout_s`: a connection without a request.
    `stall_timeout_s`: a client that reads nothing of a reply. `linger_s`: how long a closing connection still
    listens, so that a client that is still sending gets to read its reply. `held_bytes`: pipelined bytes held
    while a request runs.
    """

    head_bytes: int = 32 * 1024
    target_bytes: int = 8 * 1024
    fields: int = 100
    buffer_limit: int = 1024 * 1024
    body_bytes: int = 100 * 1024 * 1024
    header_timeout_s: float = 10.0
    body_grace_s: float = 10.0
    body_rate: int = 500
    idle_timeout_s: float = 75.0
    stall_timeout_s: float = 120.0
    linger_s: float = 2.0
    linger_bytes: int = 4 * 1024 * 1024
    held_bytes: int = 64 * 1024
    max_connections: int = 16384
