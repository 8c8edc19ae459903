"""A port for a process that must be told one before it listens.

Such a port is free when it is looked for and may be gone when the process comes to bind it. So it is taken from below the range out of
which the kernel gives ports to whoever asks for any (32768 and up on Linux): only another call of this function could pick it too.
Not for: servers that can say which port they got; they bind 0.
"""

from __future__ import annotations

import random
import socket
from contextlib import closing

FIRST, LAST = 12_000, 32_000


def spare_port() -> int:
    """A port on loopback where nobody listens."""
    chosen = random.SystemRandom()
    while True:
        port = chosen.randint(FIRST, LAST)
        with closing(socket.socket()) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
