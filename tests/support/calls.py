"""What tests of the wire's client say again and again: requests, one call, and what became of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.vendor import Line, Script
from trunkline.wire.client import Client, Origin, Response
from trunkline.wire.errors import WireError

GET = b"GET /x HTTP/1.1\r\nhost: v\r\n\r\n"
HEAD = b"HEAD /x HTTP/1.1\r\nhost: v\r\n\r\n"
POST = b"POST /x HTTP/1.1\r\nhost: v\r\ncontent-length: 4\r\n\r\n"
UPLOAD = b"POST /x HTTP/1.1\r\nhost: v\r\ntransfer-encoding: chunked\r\n\r\n"


def saying(*replies: bytes, then: Callable[[Line], None] | None = None) -> Script:
    """A script: one reply for each request, then an act."""

    async def script(line: Line) -> None:
        for reply in replies:
            await line.request()
            line.send(reply)
        if then is not None:
            await line.writer.drain()
            then(line)
        await line.gone()

    return script


async def get(client: Client, origin: Origin, head: bytes = GET, method: bytes = b"GET") -> tuple[int, bytes]:
    response = client.open(origin, method, head)
    await response.ready
    return response.status, await response.read(1 << 20)


async def failure(response: Response) -> WireError:
    with pytest.raises(WireError) as caught:
        await response.read(1 << 30)
    return caught.value


def pool_of(client: Client) -> str:
    return repr(client).partition(" idle")[2].partition(" limit")[0]
