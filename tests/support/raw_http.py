"""A client that shows exactly what came over the wire, for servers that misbehave. It knows no TLS and no redirects."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import httptools


@dataclass
class Answer:
    """A parsed reply; `raw` is everything that came. `reset`: it ended with an RST; `whole`: the reply came to its end."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    raw: bytes = b""
    reset: bool = False
    whole: bool = False
    broken: bool = False
    interim: int = 0

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    def events(self) -> list[Any]:
        """The JSON of each `data:` line; `[DONE]` as text."""
        lines = (line[6:] for line in self.body.split(b"\n") if line.startswith(b"data: "))
        return ["[DONE]" if line == b"[DONE]" else json.loads(line) for line in lines]


class _Sink:
    """Takes the first final reply; interim ones are counted, later ones left out."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.parser: httptools.HttpResponseParser | None = None

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.answer.body and not self.answer.whole:
            self.answer.headers[name.decode().lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        assert self.parser is not None
        if not self.answer.whole:
            self.answer.status = self.parser.get_status_code()

    def on_body(self, data: bytes) -> None:
        if not self.answer.whole:
            self.answer.body += data

    def on_message_complete(self) -> None:
        if self.answer.status < 200:
            self.answer.interim += 1
            self.answer.headers.clear()
        else:
            self.answer.whole = True


def parsed(raw: bytes) -> Answer:
    """Reads the first final reply out of raw bytes, as far as it goes; `broken` when they are no HTTP."""
    answer = Answer(raw=raw)
    sink = _Sink(answer)
    sink.parser = httptools.HttpResponseParser(sink)
    try:
        sink.parser.feed_data(raw)
    except httptools.HttpParserError:
        answer.broken = True
    return answer


def request_bytes(method: str, path: str, body: Any = None, *, close: bool = True, **fields: str) -> bytes:
    """A request head and body; underscores in field names become dashes, a dict becomes JSON."""
    sent = json.dumps(body).encode() if isinstance(body, dict | list) else body or b""
    lines = [f"{method} {path} HTTP/1.1", "host: sim", f"content-length: {len(sent)}"]
    lines += ["connection: close"] if close else []
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    return "\r\n".join([*lines, "", ""]).encode() + sent


async def send(port: int, raw: bytes, timeout_s: float = 10.0) -> Answer:
    """Sends bytes on a fresh connection and reads to its end."""
    async with asyncio.timeout(timeout_s):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(raw)
        data, reset = b"", False
        try:
            while piece := await reader.read(1 << 16):
                data += piece
        except ConnectionResetError:
            reset = True
        writer.close()
    answer = parsed(data)
    answer.reset = reset
    return answer


async def ask(port: int, method: str, path: str, body: Any = None, **fields: str) -> Answer:
    """One request on its own connection."""
    return await send(port, request_bytes(method, path, body, close=True, **fields))
