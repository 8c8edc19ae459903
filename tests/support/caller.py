"""An HTTP caller that sends exactly what a test says, and shows exactly what came back.

Not for: what a comfortable client would do for the user (retries, redirects, decoding): there is none of it.
"""

from __future__ import annotations

import http.client
import io
import json
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, NamedTuple, Self

TIMEOUT_S = 60.0
"""Keeps a run from standing still; how long an answer may take is judged by what it says, or by the battery."""

Fields = Mapping[str, str] | Iterable[tuple[str, str]]


class Cut(Exception):
    """The answer broke off before its proper end."""


@contextmanager
def _cuts() -> Iterator[None]:
    try:
        yield
    except TimeoutError:
        raise
    except (http.client.HTTPException, OSError, ValueError) as problem:
        raise Cut(repr(problem)) from None


class Answer(NamedTuple):
    """A whole answer. `headers` keep their order and may repeat; names are lower-case."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def field(self, name: str) -> str | None:
        """The first value of a header, or None."""
        return next((value for n, value in self.headers if n == name), None)

    @property
    def names(self) -> set[str]:
        return {name for name, _ in self.headers}

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Stream:
    """An answer that is read as it comes."""

    def __init__(self, sock: socket.socket, response: http.client.HTTPResponse) -> None:
        self._sock = sock
        self._response = response
        self.status = response.status
        self.headers = [(name.lower(), value) for name, value in response.getheaders()]

    def field(self, name: str) -> str | None:
        return next((value for n, value in self.headers if n == name), None)

    def piece(self) -> bytes:
        """Whatever is there next; empty at the proper end. Raises Cut."""
        with _cuts():
            piece = self._response.read1(65536)
        if not piece and self._response.length:
            raise Cut(f"{self._response.length} bytes are missing")
        return piece

    def until(self, mark: bytes) -> bytes:
        """Everything up to the piece in which `mark` is complete."""
        seen = b""
        while mark not in seen:
            piece = self.piece()
            assert piece, f"the answer ended before {mark!r}: {seen!r}"
            seen += piece
        return seen

    def rest(self) -> bytes:
        """Everything to the proper end."""
        return b"".join(iter(self.piece, b""))

    def whole(self) -> bytes:
        """Everything, as long as the headers say. Raises Cut."""
        with _cuts():
            return self._response.read()

    def hang_up(self) -> None:
        """As a caller that goes away in the middle."""
        self._sock.close()
        self._response.close()


class Line:
    """One connection to the gateway."""

    def __init__(self, port: int, timeout_s: float = TIMEOUT_S, receive_buffer: int = 0) -> None:
        self.sock = socket.socket()
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(timeout_s)
        self.sock.connect(("127.0.0.1", port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def answer(self, method: str = "GET") -> Answer:
        """One whole answer. Raises Cut."""
        response = http.client.HTTPResponse(self.sock, method=method)
        with _cuts():
            response.begin()
            body = response.read()
        return Answer(response.status, [(n.lower(), v) for n, v in response.getheaders()], body)

    def stream(self, method: str = "GET") -> Stream:
        response = http.client.HTTPResponse(self.sock, method=method)
        response.begin()
        return Stream(self.sock, response)

    def all(self) -> bytes:
        """Raw bytes until the other side closes."""
        out = io.BytesIO()
        while piece := self.sock.recv(65536):
            out.write(piece)
        return out.getvalue()

    def close(self) -> None:
        self.sock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def request(
    method: str,
    target: str | bytes,
    headers: Fields = (),
    body: bytes | None = None,
    *,
    host: str = "127.0.0.1",
) -> bytes:
    """A request as bytes; `content-length` is added when there is a body and the headers say nothing of it."""
    lines = list(headers.items() if isinstance(headers, Mapping) else headers)
    names = {name.lower() for name, _ in lines}
    if "host" not in names:
        lines.insert(0, ("host", host))
    if body is not None and not names & {"content-length", "transfer-encoding"}:
        lines.append(("content-length", str(len(body))))
    path = target.encode("latin-1") if isinstance(target, str) else target
    head = b"%b %b HTTP/1.1\r\n" % (method.encode(), path)
    return head + b"".join(f"{n}: {v}\r\n".encode("latin-1") for n, v in lines) + b"\r\n" + (body or b"")


def call(
    port: int,
    method: str,
    target: str | bytes,
    headers: Fields = (),
    body: bytes | None = None,
    *,
    timeout_s: float = TIMEOUT_S,
) -> Answer:
    """One request on a connection of its own."""
    with Line(port, timeout_s) as line:
        line.send(request(method, target, headers, body))
        return line.answer(method)


@contextmanager
def streaming(
    port: int,
    method: str,
    target: str,
    headers: Fields = (),
    body: bytes | None = None,
    *,
    receive_buffer: int = 0,
) -> Iterator[Stream]:
    """One request whose answer is read as it comes."""
    with Line(port, receive_buffer=receive_buffer) as line:
        line.send(request(method, target, headers, body))
        yield line.stream(method)


def chunked(*pieces: bytes) -> bytes:
    """A body in the chunked coding."""
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def events(body: bytes) -> list[Any]:
    """The JSON of each `data:` line of an event stream; other data as text."""
    out: list[Any] = []
    for line in body.splitlines():
        if line.startswith(b"data:"):
            data = line[5:].strip()
            try:
                out.append(json.loads(data))
            except ValueError:
                out.append(data.decode())
    return out
