"""A load of mixed calls, open loop: arrivals follow a seeded clock, whatever the answers do; each call's fate is kept.

Not for: comfortable calls (`tests/support/caller.py`), nor for saturating the gateway (`trunkline bench`).
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import NamedTuple, Self

CALL_LIMIT_S = 30.0


class Sort(NamedTuple):
    """A kind of call. `acts`: a repeat could do something twice, and no key protects it. `end`: the last bytes of a good answer."""

    name: str
    share: float
    target: str
    fields: dict[str, str]
    body: bytes
    acts: bool
    end: bytes


def chat(stream: bool) -> bytes:
    text = "Tell me of trunk lines."
    return json.dumps(
        {"model": "gpt-4o-mini", "stream": stream, "messages": [{"role": "user", "content": text}]}
    ).encode()


JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
PACED = JSON | {"x-sim-latency": "first_ms=20;per_chunk_ms=25;chunks=16"}
MIX = (
    Sort("stream", 0.6, "/v1/chat/completions", PACED, chat(True), False, b"data: [DONE]\n\n"),
    Sort("json", 0.2, "/v1/chat/completions", JSON | {"x-sim-latency": "first_ms=60"}, chat(False), False, b"}"),
    Sort("charge", 0.1, "/api/proxy/stripe/v1/charges", FORM | {"x-sim-latency": "first_ms=60"},
         b"amount=1999&currency=eur&source=tok_visa", True, b"}"),
    Sort("item", 0.1, "/api/proxy/crm/items", JSON | {"x-sim-latency": "first_ms=60"}, b'{"name":"x"}', True, b"}"),
)  # fmt: skip
QUICK = (Sort("json", 1.0, "/v1/chat/completions", JSON, chat(False), False, b"}"),)


@dataclass
class Asked:
    """One call and what came of it. `status` 0: no answer began. `whole`: the answer came to its proper end."""

    id: str
    sort: Sort
    begun: float
    status: int = 0
    whole: bool = False
    body: bytes = b""
    failed: str = ""
    ended: float = 0.0

    @property
    def good(self) -> bool:
        return self.whole and self.status in (200, 201) and self.body.endswith(self.sort.end)

    @property
    def took_s(self) -> float:
        return self.ended - self.begun


@dataclass
class Line:
    """A kept connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    uses: int = field(default=0)


class Load:
    """Runs in a thread of its own. `asked` grows while it runs; `done()` stops arrivals and waits for the last answer."""

    def __init__(
        self, port: Callable[[], int], key: str, *, rate: float, seed: int, sorts: tuple[Sort, ...] = MIX,
        extra: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self.asked: list[Asked] = []
        self._port = port
        self._key = key
        self._rate = rate
        self._random = random.Random(seed)
        self._sorts = sorts
        self._extra = dict(extra or {})
        self._name = f"load-{seed}-{time.time_ns():x}"
        self._numbers = itertools.count()
        self._idle: list[Line] = []
        self._stop = threading.Event()
        self._problem: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.done()

    def done(self) -> list[Asked]:
        self._stop.set()
        self._thread.join(CALL_LIMIT_S + 10)
        assert not self._thread.is_alive(), "a call of the load hangs"
        if self._problem is not None:
            raise self._problem
        return self.asked

    def _run(self) -> None:
        try:
            asyncio.run(self._arrivals())
        except BaseException as problem:
            self._problem = problem

    async def _arrivals(self) -> None:
        due = time.monotonic()
        running: set[asyncio.Task[None]] = set()
        while not self._stop.is_set():
            due += self._random.expovariate(self._rate)
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            task = asyncio.create_task(self._call())
            running.add(task)
            task.add_done_callback(running.discard)
        if running:
            await asyncio.wait(set(running))
        for line in self._idle:
            line.writer.close()

    async def _call(self) -> None:
        sort = self._random.choices(self._sorts, [s.share for s in self._sorts])[0]
        asked = Asked(f"{self._name}-{next(self._numbers)}", sort, time.monotonic())
        self.asked.append(asked)
        try:
            async with asyncio.timeout(CALL_LIMIT_S):
                await self._exchange(asked)
        except (OSError, EOFError, ValueError, TimeoutError) as problem:
            asked.failed = f"{type(problem).__name__}: {problem}"
        asked.ended = time.monotonic()

    async def _exchange(self, asked: Asked) -> None:
        line = self._idle.pop() if self._idle else None
        if line is None or line.reader.at_eof():
            line = Line(*await asyncio.open_connection("127.0.0.1", self._port()))
        keep = False
        try:
            line.writer.write(self._request(asked))
            keep = await _answer(line.reader, asked)
        finally:
            if keep:
                self._idle.append(line)
            else:
                with suppress(OSError):
                    line.writer.close()

    def _request(self, asked: Asked) -> bytes:
        sort = asked.sort
        fields = {
            "host": "127.0.0.1", "authorization": f"Bearer {self._key}", "x-correlation-id": asked.id,
            "content-length": str(len(sort.body)), **sort.fields, **self._extra,
        }  # fmt: skip
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return f"POST {sort.target} HTTP/1.1\r\n{lines}\r\n".encode() + sort.body


async def _answer(reader: asyncio.StreamReader, asked: Asked) -> bool:
    """Reads one answer; whether the connection may serve another call."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    asked.status = int(head[9:12])
    if b"\r\ntransfer-encoding: chunked" in head:
        while size := int(await reader.readline(), 16):
            asked.body += (await reader.readexactly(size + 2))[:-2]
        await reader.readline()
    else:
        length = int(head.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0])
        asked.body = await reader.readexactly(length)
    asked.whole = True
    return b"\r\nconnection: close" not in head


def quantile(values: list[float], share: float) -> float:
    """The value that this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
