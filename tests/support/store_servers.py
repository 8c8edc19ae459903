"""A small server that answers as a test says, and keeps what it was asked: ours, and says so in every answer (`x-made-for: tests`).

Stands in for the parts of clouds that no server can be installed for, by the words of their public API references. Not for: what they do
besides.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Seen(NamedTuple):
    """One request."""

    method: str
    target: str
    headers: dict[str, str]
    body: str


Reply = tuple[int, Any]


class Answering:
    """`on` says what is answered at a method and path (without its query); a function gets the request."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self._replies: dict[tuple[str, str], Callable[[Seen], Reply]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def on(
        self,
        method: str,
        path: str,
        status: int = 200,
        body: Any = None,
        *,
        by: Callable[[Seen], Reply] | None = None,
    ) -> None:
        self._replies[method, path] = by or (lambda _: (status, body))

    def reply(self, seen: Seen) -> Reply:
        self.seen.append(seen)
        found = self._replies.get((seen.method, seen.target.partition("?")[0]))
        return found(seen) if found is not None else (404, {"message": f"Route {seen.target} not found"})

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def answering() -> Iterator[Answering]:
    """A running one."""
    server = Answering()
    try:
        yield server
    finally:
        server.close()


def _handler(server: Answering) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
            fields = {name.lower(): value for name, value in self.headers.items()}
            status, told = server.reply(Seen(self.command, self.path, fields, body))
            text = told if isinstance(told, str) else json.dumps(told)
            self.send_response(status)
            for name, value in (("x-made-for", "tests"), ("content-type", "application/json")):
                self.send_header(name, value)
            if 300 <= status < 400:
                self.send_header("location", "https://elsewhere.example.com/")
            self.send_header("content-length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def do_POST(self) -> None:
            self.do_GET()

        def do_PUT(self) -> None:
            self.do_GET()

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    return Handler
