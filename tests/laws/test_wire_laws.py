"""The laws of the wire toward vendors (design.md), each against a vendor that sends exact bytes.

Every law holds on asyncio's loop and on uvloop.
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.calls import GET, HEAD, POST, failure, get, pool_of, saying
from tests.support.vendor import OK, Line, forever, until, vendor
from trunkline.wire.client import Client
from trunkline.wire.connect import Connector
from trunkline.wire.errors import (
    BadReply,
    ReplyCut,
    ResetBeforeReply,
)

pytestmark = pytest.mark.row("P1")


# --- a reply to HEAD, 204 and 304 has no body whatever its headers say ---


@pytest.mark.parametrize("framing", [b"content-length: 9\r\n", b"transfer-encoding: chunked\r\n", b""])
async def test_a_reply_to_head_has_no_body_and_the_connection_serves_the_next_call(
    client: Client, framing: bytes
) -> None:
    if not framing:
        framing = b"x: y\r\n"
    async with vendor(saying(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n", OK)) as site:
        assert await get(client, site.origin, HEAD, b"HEAD") == (200, b"")
        assert await get(client, site.origin) == (200, b"ok")
        assert len(site.lines) == 1


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
@pytest.mark.parametrize("framing", [b"content-length: 9\r\n", b"transfer-encoding: chunked\r\n", b""])
async def test_204_and_304_have_no_body(client: Client, status: bytes, framing: bytes) -> None:
    async with vendor(saying(b"HTTP/1.1 " + status + b"\r\n" + framing + b"\r\n", OK)) as site:
        assert await get(client, site.origin) == (int(status[:3]), b"")
        assert await get(client, site.origin) == (200, b"ok")
        assert len(site.lines) == 1


# --- a body that ends with the connection completes; any other end of the connection is a cut ---


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
async def test_a_body_that_ends_with_the_connection_completes(client: Client, version: bytes) -> None:
    reply = b"HTTP/" + version + b" 200 OK\r\ncontent-type: text/plain\r\n\r\nto the end"
    async with vendor(saying(reply, then=Line.close)) as site:
        assert await get(client, site.origin) == (200, b"to the end")


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-le",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"H",
    ],
)
@pytest.mark.parametrize("end", [Line.close, Line.reset])
async def test_a_reply_that_is_cut_never_looks_whole(
    client: Client, reply: bytes, end: Callable[[Line], None]
) -> None:
    async with vendor(saying(reply, then=end)) as site:
        error = await failure(client.open(site.origin, b"GET", GET))
        if end is Line.reset:  # a reset may overtake bytes that the client has not read
            assert isinstance(error, ReplyCut | ResetBeforeReply)
        else:
            assert type(error) is ReplyCut
        assert error.sent


async def test_a_reset_is_no_proper_end_of_a_body_without_length(client: Client) -> None:
    async def script(line: Line) -> None:
        await line.request()
        line.send(b"HTTP/1.1 200 OK\r\n\r\nhalf")
        await proceed.wait()
        line.reset()

    proceed = asyncio.Event()
    async with vendor(script) as site:
        response = client.open(site.origin, b"GET", GET)
        await response.ready
        proceed.set()
        assert type(await failure(response)) is ReplyCut


@pytest.mark.parametrize("end", [Line.close, Line.reset])
async def test_no_reply_at_all_says_that_the_request_was_sent(
    client: Client, end: Callable[[Line], None]
) -> None:
    async def script(line: Line) -> None:
        await line.request()
        end(line)

    async with vendor(script) as site:
        response = client.open(site.origin, b"POST", POST, b"body")
        error = await failure(response)
        assert (type(error), error.sent, response.sent) == (ResetBeforeReply, True, True)
        assert len(site.lines) == 1


# --- 1xx replies are passed over ---


async def test_interim_replies_are_passed_over(client: Client) -> None:
    async def script(line: Line) -> None:
        await line.request()
        for piece in (
            b"HTTP/1.1 100 Continue\r\n\r",
            b"\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n",
            OK,
        ):
            line.send(piece)
            await line.writer.drain()
            await asyncio.sleep(0)
        await line.gone()

    async with vendor(script) as site:
        response = client.open(site.origin, b"GET", GET)
        await response.ready
        assert (response.status, response.headers) == (200, [(b"content-length", b"2")])
        assert await response.read(10) == b"ok"


async def test_a_flood_of_interim_replies_is_refused(client: Client) -> None:
    async with vendor(saying(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 17 + OK)) as site:
        error = await failure(client.open(site.origin, b"GET", GET))
        assert str(error) == "over 16 interim replies before the final one"


async def test_switching_protocols_unasked_is_refused(client: Client) -> None:
    reply = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"
    async with vendor(saying(reply)) as site:
        error = await failure(client.open(site.origin, b"GET", GET))
        assert (type(error), str(error)) == (BadReply, "the vendor switched protocols without being asked")


# --- trailers never become headers ---


async def test_trailers_never_become_headers(client: Client) -> None:
    chunked = (
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nset-cookie: stolen\r\n\r\n"
    )
    async with vendor(saying(chunked, OK)) as site:
        response = client.open(site.origin, b"GET", GET)
        assert await response.read(10) == b"ok"
        assert response.headers == [(b"transfer-encoding", b"chunked")]
        again = client.open(site.origin, b"GET", GET)
        await again.ready
        assert again.headers == [(b"content-length", b"2")]
        assert len(site.lines) == 1


# --- a pooled connection that the vendor closed, or on which it spoke out of turn, is never used ---


async def test_a_connection_closed_while_idle_is_not_used_again(client: Client) -> None:
    async with vendor(saying(OK, then=Line.close), forever) as site:
        assert await get(client, site.origin) == (200, b"ok")
        await until(lambda: pool_of(client) == "=0 busy=0 dialing=0 waiting=0")
        assert await get(client, site.origin) == (200, b"ok")
        assert len(site.lines) == 2


async def test_a_connection_closed_a_moment_ago_is_not_used_even_before_the_loop_tells(
    client: Client,
) -> None:
    async def script(line: Line) -> None:
        await line.request()
        line.send(OK)
        await line.gone()

    async with vendor(script, forever) as site:
        assert await get(client, site.origin) == (200, b"ok")
        site.lines[0].shut_now()
        response = client.open(site.origin, b"POST", POST, b"body")  # no turn of the loop in between
        assert not response.sent
        assert await response.read(10) == b"ok"
        assert len(site.lines) == 2


@pytest.mark.parametrize(
    "surplus", [OK, b"H", b"\r\n", b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\n\r\n"]
)
@pytest.mark.parametrize("when", ["while idle", "before the loop tells"])
async def test_bytes_on_an_idle_connection_never_answer_the_next_call(
    client: Client, surplus: bytes, when: str
) -> None:
    async with vendor(saying(OK), forever) as site:
        assert await get(client, site.origin) == (200, b"ok")
        site.lines[0].send_now(surplus)
        if when == "while idle":
            await until(lambda: pool_of(client) == "=0 busy=0 dialing=0 waiting=0")
        response = client.open(site.origin, b"GET", GET)
        assert await response.read(10) == b"ok"
        assert len(site.lines) == 2


@pytest.mark.parametrize(
    "surplus",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nstolen",
        b"stolen",
        b"H",
        b"HTTP/1.1 100 Continue\r\n\r\n",
    ],
)
@pytest.mark.parametrize("reply", [OK, b"HTTP/1.1 204 No Content\r\ncontent-length: 6\r\n\r\n"])
async def test_bytes_behind_a_reply_never_answer_the_next_call(
    client: Client, reply: bytes, surplus: bytes
) -> None:
    async with vendor(saying(reply + surplus), forever) as site:
        status, body = await get(client, site.origin)
        assert (status, body) in ((200, b"ok"), (204, b""))
        assert await get(client, site.origin) == (200, b"ok")
        assert len(site.lines) == 2


async def test_a_body_behind_a_reply_to_head_never_answers_the_next_call(client: Client) -> None:
    async with vendor(saying(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nstolen"), forever) as site:
        assert await get(client, site.origin, HEAD, b"HEAD") == (200, b"")
        assert await get(client, site.origin) == (200, b"ok")
        assert len(site.lines) == 2


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok",
    ],
)
async def test_a_connection_that_the_vendor_will_close_is_not_kept(client: Client, reply: bytes) -> None:
    async with vendor(saying(reply), forever) as site:
        assert await get(client, site.origin) == (200, b"ok")
        assert pool_of(client) == "=0 busy=0 dialing=0 waiting=0"
        assert await get(client, site.origin) == (200, b"ok")
        assert len(site.lines) == 2


@pytest.mark.parametrize("word", [OK, b""])
async def test_a_vendor_that_speaks_first_is_not_asked(word: bytes) -> None:
    spoke = asyncio.Event()

    async def eager(line: Line) -> None:
        line.send_now(word) if word else line.shut_now()
        spoke.set()
        await line.gone()

    class Leisurely(Connector):
        async def connect(self, *args: Any) -> Any:
            connection = await super().connect(*args)
            await spoke.wait()
            return connection

    client = Client(connector=Leisurely())
    async with vendor(eager) as site:
        response = client.open(site.origin, b"POST", POST, b"body")
        error = await failure(response)
        assert (type(error), error.sent, response.sent) == (ResetBeforeReply, False, False)
    await client.close()


async def test_every_caller_gets_its_own_reply(client: Client) -> None:
    async def echo(line: Line) -> None:
        while True:
            request = await line.request()
            name = request.split(b" ")[1]
            line.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(name), name))

    async def ask(number: int) -> bytes:
        name = b"/%d" % number
        return (await get(client, site.origin, b"GET " + name + b" HTTP/1.1\r\nhost: v\r\n\r\n"))[1]

    async with vendor(echo) as site:
        for _ in range(5):
            assert await asyncio.gather(*map(ask, range(40))) == [b"/%d" % number for number in range(40)]
        assert len(site.lines) <= 40


# --- framing that cannot be trusted ---


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok!",
        b"HTTP/1.1 200 OK\r\nx: a\0b\r\ncontent-length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 10_000 + b"content-length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 1_000_000 + b"\r\ncontent-length: 2\r\n\r\nok",
        b"<html>not found</html>",
    ],
    ids=["CL+TE", "two lengths", "NUL", "10,000 fields", "1 MB field", "no HTTP"],
)
async def test_a_reply_whose_framing_cannot_be_trusted_closes_the_connection(
    client: Client, reply: bytes
) -> None:
    async with vendor(saying(reply), forever) as site:
        error = await failure(client.open(site.origin, b"GET", GET))
        assert (type(error), error.sent) == (BadReply, True)
        assert pool_of(client) == "=0 busy=0 dialing=0 waiting=0"
        assert await get(client, site.origin) == (200, b"ok")


async def test_a_bad_chunk_after_a_good_beginning_is_an_error_of_the_body(client: Client) -> None:
    async def script(line: Line) -> None:
        await line.request()
        line.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n")
        await proceed.wait()
        line.send(b"nonsense\r\n")
        await line.gone()

    proceed = asyncio.Event()
    async with vendor(script) as site:
        response = client.open(site.origin, b"GET", GET)
        await response.ready
        pieces: list[bytes] = []
        end = response.relay(pieces.append)
        proceed.set()
        with pytest.raises(BadReply):
            await end
        assert pieces == [b"ok"]


async def test_compressed_bytes_pass_untouched(client: Client) -> None:
    packed = gzip.compress(b"hello " * 100)
    reply = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(packed)
    async with vendor(saying(reply + packed)) as site:
        assert await get(client, site.origin) == (200, packed)
