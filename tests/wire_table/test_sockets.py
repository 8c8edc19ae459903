"""The table once more, over real sockets, on asyncio's loop and on uvloop's: no transport may change a verdict."""

import asyncio
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import uvloop
from line import statuses

from trunkline.wire.server import Reply, Request, Server

CASES: list[dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("requests.toml").read_text(encoding="utf-8")
)["case"]
REPEAT = re.compile(r"\{(.+?)\*(\d+)\}", re.DOTALL)
PATIENCE_S = 60.0


async def answers(port: int, case: dict[str, Any], seen: list[str]) -> list[int]:
    """Send one case and our end of the connection; the statuses of what comes back."""
    raw = REPEAT.sub(lambda match: match[1] * int(match[2]), case["raw"]).encode("latin-1")
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(raw)
    writer.write_eof()
    data = await asyncio.wait_for(reader.read(), PATIENCE_S)
    writer.close()
    got = statuses(data, seen)
    return got[1:] if case.get("maybe100") and got[:1] == [100] else got


@pytest.mark.parametrize(
    "new_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"]
)
def test_every_verdict_holds_over_a_socket(new_loop) -> None:
    seen: list[str] = []

    def handler(request: Request, reply: Reply) -> None:
        seen.append(f"{request.method} {request.target.decode()} {request.body.decode('latin-1')}")
        reply.send(200, b"", b"ok")

    async def story() -> dict[str, list[int]]:
        server = Server(handler)
        await server.start("127.0.0.1", 0)
        wrong = {}
        for case in CASES:
            seen.clear()
            # The client's end comes right after its bytes here, so a body that is still awaited is incomplete.
            want = [*case["want"], 400] if case["want"] == [100] else case["want"]
            got = await answers(server.port, case, seen)
            if got != want or seen != case.get("seen", seen):
                wrong[case["name"]] = got
        await server.drain(0)
        return wrong

    with asyncio.Runner(loop_factory=new_loop) as runner:
        assert runner.run(story()) == {}
