"""h1spec's own cases, read out of its script in a clone of its repository, and judged by its rules. Nothing of it is kept here.

`TRUNKLINE_H1SPEC` names a git directory of uNetworking/h1spec that holds the commit below; no package index carries it. Its subject
echoes what any method sends, to anybody: here the server that the gateway reads requests with. Not for: our own table
(`tests/wire_table`).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

from trunkline.wire.server import Reply, Request, Server

VARIABLE = "TRUNKLINE_H1SPEC"
COMMIT, SCRIPT = "f0a5650a20c575fbea0f7179a3a9cfa50f20ba6e", "http_test.ts"
WAITS_S = 0.5
"""As the script waits."""
_CASES = re.compile(r"testCases: TestCase\[\] = (\[.*?\n\]);", re.DOTALL)
_NAME = re.compile(r"^(\s+)(\w+):", re.MULTILINE)


class Case(NamedTuple):
    """One request. `statuses`: ranges that will do; `silent`: the server has to wait for more."""

    what: str
    request: bytes
    statuses: list[tuple[int, int]]
    silent: bool
    body: str | None


def folder() -> Path | None:
    """Where the clone lies; None if nobody said."""
    named = os.environ.get(VARIABLE, "")
    return Path(named) if named else None


def cases(where: Path) -> list[Case]:
    """The cases of the script."""
    command = ["git", "-C", str(where), "show", f"{COMMIT}:{SCRIPT}"]
    return parsed(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def parsed(script: str) -> list[Case]:
    """The list in the script, which is JSON but for names without quotes, hexadecimal escapes, and commas at ends."""
    found = _CASES.search(script)
    assert found is not None, "the script has no list of cases"
    text = _NAME.sub(r'\1"\2":', found[1]).replace("\\x", "\\u00")
    listed: list[dict[str, Any]] = json.loads(re.sub(r",(\s*[\]}])", r"\1", text))
    return [
        Case(
            one["description"],
            one["request"].encode("latin-1"),
            [(low, high) for low, high in one["expectedStatus"]],
            one.get("expectedTimeout", False),
            one.get("expectedBody"),
        )
        for one in listed
    ]


async def missed(listed: list[Case]) -> list[str]:
    """Those that went otherwise, with what came."""
    server = Server(_echo)
    await server.start("127.0.0.1", 0)
    try:
        answers = await asyncio.gather(*(_answer(server.port, one.request) for one in listed))
    finally:
        await server.drain(0)
    return [
        f"{one.what}: {answer[:60]!r}"
        for one, answer in zip(listed, answers, strict=True)
        if not fits(one, answer)
    ]


def fits(one: Case, answer: bytes | None) -> bool:
    """Whether an answer will do; None: none came in time."""
    if answer is None or one.silent:
        return answer is None and one.silent
    head, _, body = answer.decode("latin-1").partition("\r\n\r\n")
    told = re.match(r"HTTP/1\.\d (\d{3})", head)
    status = int(told[1]) if told else 0
    right = one.body is None or status != 200 or body == one.body
    return right and any(low <= status <= high for low, high in one.statuses)


async def _answer(port: int, request: bytes) -> bytes | None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        with contextlib.suppress(TimeoutError):
            return await asyncio.wait_for(reader.read(1024), WAITS_S)
        return None
    finally:
        writer.close()


def _echo(request: Request, reply: Reply) -> None:
    reply.send(200, b"", request.body)
