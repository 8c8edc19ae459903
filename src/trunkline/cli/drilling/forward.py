"""An address that can be taken away: passes bytes on to the simulator until it is closed, from then on connections are refused.

Not for: anything but drills; a thread per direction is fine for a handful of calls.
"""

from __future__ import annotations

import contextlib
import socket
import threading


class Forward:
    """Listens on loopback and hands every connection on to `port`."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=16)
        self.port: int = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._closed = False
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Nobody listens here any more; connections that are there end."""
        self._closed = True
        for sock in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                # Only this wakes a thread that waits in `accept` or `recv`.
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while not self._closed:
                sock, _ = self._listener.accept()
                to = socket.create_connection(("127.0.0.1", self._to))
                self._open |= {sock, to}
                for ends in ((sock, to), (to, sock)):
                    threading.Thread(target=self._pass, args=ends, daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                sink.sendall(piece)
        for sock in (source, sink):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
