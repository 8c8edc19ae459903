"""A vendor in this process that records every byte it gets and answers with exactly the bytes that a test gives it.

Not for: playing a real vendor (`simulator.py`), nor for async tests of the wire (`vendor.py`).
"""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

OK = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n{"ok":true}'

RESET = b"\0reset"
"""An answer that is none: the connection is reset."""
CLOSE = b"\0close"
"""An answer that is none: the connection is closed."""
SILENCE = b"\0silence"
"""No answer; the connection stays until the other side goes."""
HELD = b"\0held"
"""A pause in an answer that lasts until the test says `go_on`."""


class Seen(NamedTuple):
    """A request as it arrived. `fields` are the header lines in their order, names as sent."""

    line: str
    fields: list[tuple[str, str]]
    body: bytes

    def field(self, name: str) -> str | None:
        return next((value for n, value in self.fields if n.lower() == name), None)

    @property
    def names(self) -> set[str]:
        return {name.lower() for name, _ in self.fields}

    @property
    def target(self) -> str:
        return self.line.split(" ")[1]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Site:
    """Answers come from `script`, one a request, then `OK` for ever. Several pieces of one answer are separate writes."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self.seen: list[Seen] = []
        self.connections = 0
        self.gone = 0
        """Connections that the other side has closed."""
        self.script: deque[bytes | tuple[bytes, ...]] = deque()
        self.pace_s = 0.0
        """Pause between the pieces of an answer."""
        self._goes_on = threading.Event()
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def reset(self) -> None:
        """As if just started, with no connection left."""
        self.seen.clear()
        self.script.clear()
        self.pace_s = 0.0
        self._goes_on.set()
        self._goes_on = threading.Event()
        for sock in list(self._open):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def paced(self, seconds: float, *pieces: bytes) -> None:
        """One answer whose pieces come so far apart."""
        self.pace_s = seconds
        self.script.append(pieces)

    def go_on(self) -> None:
        """Whatever is held goes on."""
        self._goes_on.set()

    def close(self) -> None:
        self._listener.close()
        self.reset()

    @property
    def last(self) -> Seen:
        return self.seen[-1]

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self.connections += 1
                self._open.add(sock)
                threading.Thread(target=self._talk, args=(sock,), daemon=True).start()

    def _talk(self, sock: socket.socket) -> None:
        reader = sock.makefile("rb")
        try:
            while (seen := _read(reader)) is not None:
                self.seen.append(seen)
                answer = self.script.popleft() if self.script else OK
                if not self._send(sock, reader, answer):
                    return
        except (OSError, ValueError):
            return
        finally:
            self.gone += 1
            self._open.discard(sock)
            reader.close()
            sock.close()

    def _send(self, sock: socket.socket, reader: Any, answer: bytes | tuple[bytes, ...]) -> bool:
        for piece in answer if isinstance(answer, tuple) else (answer,):
            if piece == RESET:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return False
            if piece == CLOSE:
                return False
            if piece == HELD:
                self._goes_on.wait()
                continue
            if piece == SILENCE:
                while reader.read1(65536):
                    continue
                return False
            sock.sendall(piece)
            time.sleep(self.pace_s)
        return True


def _read(reader: Any) -> Seen | None:
    line = reader.readline()
    if not line:
        return None
    fields = []
    while (row := reader.readline()) not in (b"\r\n", b""):
        name, _, value = row.decode("latin-1").partition(":")
        fields.append((name, value.strip()))
    lower = {name.lower(): value for name, value in fields}
    body = b""
    if lower.get("transfer-encoding") == "chunked":
        while size := int(reader.readline(), 16):
            body += reader.read(size)
            reader.readline()
        reader.readline()
    elif "content-length" in lower:
        body = reader.read(int(lower["content-length"]))
    return Seen(line.decode("latin-1").rstrip(), fields, body)


@contextmanager
def running_site() -> Iterator[Site]:
    """A site on a free port."""
    site = Site()
    try:
        yield site
    finally:
        site.close()


def reply(body: bytes = b"", *lines: str, status: str = "200 OK", kind: str = "application/json") -> bytes:
    """An answer with a content-length; `lines` are further header lines."""
    head = [f"HTTP/1.1 {status}", *([f"content-type: {kind}"] if kind else []), *lines]
    return "\r\n".join([*head, f"content-length: {len(body)}", "", ""]).encode("latin-1") + body
