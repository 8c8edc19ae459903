"""The laws of the wire on the way of bytes: request bodies, back-pressure, giving up, and the cheap path.

As `test_wire_laws.py`: against a vendor that sends exact bytes, on asyncio's loop and on uvloop.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.calls import GET, POST, UPLOAD, failure, get, pool_of
from tests.support.vendor import OK, Line, forever, until, vendor
from trunkline.wire.body import BodyStream
from trunkline.wire.client import Client, ClientLimits, Origin, Response
from trunkline.wire.connect import Connector
from trunkline.wire.errors import Aborted, BodyFailed, ReplyTooLarge, WriteFailed

pytestmark = pytest.mark.row("P1")


# --- request bodies ---


class Source:
    """A body that counts what was taken from it."""

    def __init__(self, pieces: list[bytes], length: int | None) -> None:
        self.pieces, self.length, self.taken = pieces, length, 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            self.taken += 1
            yield piece


async def test_a_body_of_known_length_is_sent_as_it_is(client: Client) -> None:
    seen: list[bytes] = []

    async def script(line: Line) -> None:
        seen.append(await line.request())
        line.send(OK)
        await line.gone()

    async with vendor(script) as site:
        response = client.open(site.origin, b"POST", POST, Source([b"bo", b"", b"dy"], 4))
        assert await response.read(10) == b"ok"
        assert seen == [POST + b"body"]
        assert pool_of(client) == "=1 busy=0 dialing=0 waiting=0"


async def test_a_body_of_unknown_length_is_sent_in_chunks(client: Client) -> None:
    seen: list[bytes] = []

    async def script(line: Line) -> None:
        seen.append(await line.request())
        line.send(OK)
        await line.gone()

    async with vendor(script) as site:
        stream = BodyStream(None)
        response = client.open(site.origin, b"POST", UPLOAD, stream)
        stream.push(b"first")
        stream.push(b"second, longer than fifteen")
        stream.finish()
        assert await response.read(10) == b"ok"
        assert seen == [UPLOAD + b"5\r\nfirst\r\n1b\r\nsecond, longer than fifteen\r\n0\r\n\r\n"]


async def test_an_empty_piece_is_not_the_end_of_a_chunked_body(client: Client) -> None:
    seen: list[bytes] = []

    async def script(line: Line) -> None:
        seen.append(await line.request())
        line.send(OK)
        await line.gone()

    async with vendor(script) as site:
        response = client.open(site.origin, b"POST", UPLOAD, Source([b"bo", b"", b"dy"], None))
        assert await response.read(10) == b"ok"
        assert seen == [UPLOAD + b"2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n"]


@pytest.mark.parametrize(
    ("pieces", "text"), [([b"bod"], "lacks 1 of the 4"), ([b"bodyguard"], "longer than the 4")]
)
async def test_a_body_that_breaks_its_promise_is_never_passed_off_as_whole(
    client: Client, pieces: list[bytes], text: str
) -> None:
    seen: list[bytes] = []

    async def script(line: Line) -> None:
        seen.append(await line.reader.read(-1))

    async with vendor(script) as site:
        error = await failure(client.open(site.origin, b"POST", POST, Source(pieces, 4)))
        assert type(error) is BodyFailed
        assert text in str(error)
        await until(lambda: seen)
        assert len(seen[0].partition(b"\r\n\r\n")[2]) < 4


async def test_a_body_whose_source_breaks_is_cut_toward_the_vendor(client: Client) -> None:
    seen: list[bytes] = []

    async def script(line: Line) -> None:
        seen.append(await line.reader.read(-1))

    async with vendor(script) as site:
        stream = BodyStream(None)
        response = client.open(site.origin, b"POST", UPLOAD, stream)
        stream.push(b"first")
        await until(lambda: response.sent)
        stream.fail(ConnectionError("the caller went away"))
        error = await failure(response)
        assert (type(error), str(error.__cause__)) == (BodyFailed, "the caller went away")
        await until(lambda: seen)
        assert not seen[0].endswith(b"0\r\n\r\n")


async def test_a_slow_vendor_slows_the_source(client: Client) -> None:
    async def script(line: Line) -> None:
        line.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await proceed.wait()
        line.writer.transport.resume_reading()  # type: ignore[attr-defined]
        await line.request()
        line.send(OK)
        await line.gone()

    proceed = asyncio.Event()
    source = Source([b"x" * 65_536] * 1_000, 65_536_000)
    head = b"POST /x HTTP/1.1\r\nhost: v\r\ncontent-length: 65536000\r\n\r\n"
    async with vendor(script) as site:
        response = client.open(site.origin, b"POST", head, source)
        taken = -1
        while taken != source.taken or not taken:
            taken = source.taken
            for _ in range(200):
                await asyncio.sleep(0)
        assert taken < 500
        proceed.set()
        assert await response.read(10) == b"ok"
        assert source.taken == 1_000


async def test_an_early_reply_is_heard_and_its_connection_not_kept(client: Client) -> None:
    async def script(line: Line) -> None:
        await line.head()
        line.send(b"HTTP/1.1 413 Content Too Large\r\ncontent-length: 3\r\n\r\nbig")
        await line.gone()

    async with vendor(script, forever) as site:
        stream = BodyStream(None)
        stream.push(b"first")
        response = client.open(site.origin, b"POST", UPLOAD, stream)
        assert await response.read(10) == b"big"
        assert response.status == 413
        assert pool_of(client) == "=0 busy=0 dialing=0 waiting=0"
        assert await get(client, site.origin) == (200, b"ok")
        assert len(site.lines) == 2


async def test_an_early_reply_to_a_big_request_leaves_no_connection_behind(client: Client) -> None:
    async def script(line: Line) -> None:
        await line.head()
        line.writer.transport.pause_reading()  # type: ignore[attr-defined]
        line.send(OK)
        await line.gone()

    async with vendor(script) as site:
        head = b"POST /x HTTP/1.1\r\nhost: v\r\ncontent-length: 30000000\r\n\r\n"
        response = client.open(site.origin, b"POST", head, b"x" * 30_000_000)
        assert await response.read(10) == b"ok"
        assert pool_of(client) == "=0 busy=0 dialing=0 waiting=0"


async def test_a_reply_may_stream_while_the_request_still_does(client: Client) -> None:
    async def script(line: Line) -> None:
        await line.head()
        line.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        wire = b""
        while not wire.endswith(b"0\r\n\r\n"):
            wire += await line.reader.read(100)
            line.send(b"1\r\n.\r\n")
        line.send(b"0\r\n\r\n")
        await line.gone()

    async with vendor(script) as site:
        stream = BodyStream(None)
        response = client.open(site.origin, b"POST", UPLOAD, stream)
        await response.ready
        got: list[bytes] = []
        end = response.relay(got.append)
        for number in range(3):
            stream.push(b"piece")
            await until(lambda number=number: len(got) > number)  # type: ignore[misc]
        stream.finish()
        await end
        assert pool_of(client) == "=1 busy=0 dialing=0 waiting=0"


async def test_a_vendor_that_hangs_up_on_an_upload_is_a_failed_write(client: Client) -> None:
    async def script(line: Line) -> None:
        await line.head()
        line.close()

    async with vendor(script) as site:
        stream = BodyStream(None)
        stream.push(b"first")
        error = await failure(client.open(site.origin, b"POST", UPLOAD, stream))
        assert (type(error), error.sent) == (WriteFailed, True)


# --- back-pressure ---


def streaming(pieces: int, sent: list[int]) -> Callable[[Line], object]:
    async def script(line: Line) -> None:
        await line.request()
        line.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        for _ in range(pieces):
            line.send(b"10000\r\n" + b"x" * 65_536 + b"\r\n")
            await line.writer.drain()
            sent.append(65_536)
        line.send(b"0\r\n\r\n")
        await line.gone()

    return script


async def standing(sent: list[int]) -> int:
    """Wait until the vendor gets no further."""
    before = -1
    while before != len(sent):
        before = len(sent)
        for _ in range(300):
            await asyncio.sleep(0)
    return before


async def test_a_paused_relay_stops_the_vendor_and_loses_nothing(client: Client) -> None:
    sent: list[int] = []
    async with vendor(streaming(1_000, sent)) as site:
        response = client.open(site.origin, b"GET", GET)
        await response.ready
        size = 0

        def sink(piece: bytes) -> None:
            nonlocal size
            size += len(piece)
            if size > 1_000_000 and not resumed:
                response.pause()

        resumed = False
        end = response.relay(sink)
        assert await standing(sent) < 500
        assert size < 2_000_000
        resumed = True
        response.resume()
        await end
        assert size == 65_536_000
        assert pool_of(client) == "=1 busy=0 dialing=0 waiting=0"


async def test_a_connection_paused_at_the_last_piece_reads_again_for_the_next_call(client: Client) -> None:
    async def script(line: Line) -> None:
        await line.request()
        line.send(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n")
        await proceed.wait()
        line.send(b"last")
        await forever(line)

    proceed = asyncio.Event()
    async with vendor(script) as site:
        response = client.open(site.origin, b"GET", GET)
        await response.ready
        end = response.relay(lambda piece: response.pause())
        proceed.set()
        await end
        assert await get(client, site.origin) == (200, b"ok")
        assert len(site.lines) == 1


async def test_a_body_that_nobody_asked_for_yet_is_not_hoarded(client: Client) -> None:
    sent: list[int] = []
    async with vendor(streaming(1_000, sent)) as site:
        response = client.open(site.origin, b"GET", GET)
        await response.ready
        assert await standing(sent) < 500
        assert len(await response.read(1 << 30)) == 65_536_000


async def test_a_reply_over_the_readers_limit_is_given_up(client: Client) -> None:
    async with vendor(streaming(1_000, [])) as site:
        response = client.open(site.origin, b"GET", GET)
        with pytest.raises(ReplyTooLarge):
            await response.read(1_000_000)
        assert pool_of(client) == "=0 busy=0 dialing=0 waiting=0"
    async with vendor(forever) as site:
        with pytest.raises(ReplyTooLarge):
            await client.open(site.origin, b"GET", GET).read(1)


# --- abort, in every phase ---


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def silent(line: Line) -> None:
    await line.gone()


async def half(line: Line) -> None:
    await line.request()
    line.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n")
    await line.gone()


Start = Callable[[Client, Origin], Response]
Wait = Callable[[Response], asyncio.Future[Any]]


def plain(client: Client, origin: Origin) -> Response:
    return client.open(origin, b"GET", GET)


def uploading(client: Client, origin: Origin) -> Response:
    return client.open(origin, b"POST", UPLOAD, BodyStream(None))


def in_line(client: Client, origin: Origin) -> Response:
    client.open(origin, b"GET", GET)
    return client.open(origin, b"GET", GET)


def ready(response: Response) -> asyncio.Future[Any]:
    return response.ready


def reading(response: Response) -> asyncio.Future[Any]:
    return asyncio.ensure_future(response.read(1_000))


def relaying(response: Response) -> asyncio.Future[Any]:
    return response.relay(lambda piece: None)


def relaying_into_the_end(response: Response) -> asyncio.Future[Any]:
    return response.relay(lambda piece: response.abort())


PHASES: dict[str, tuple[Start, Callable[[Response], object], Wait, bool]] = {
    "opening": (plain, lambda response: True, ready, False),
    "dialing": (plain, lambda response: response.ready and len(asyncio.all_tasks()) > 2, ready, False),
    "in line": (in_line, lambda response: True, ready, False),
    "sending": (uploading, lambda response: response.sent, ready, True),
    "waiting for the reply": (plain, lambda response: response.sent, ready, True),
    "ready": (plain, lambda response: response.status, relaying, True),
    "reading": (plain, lambda response: response.status, reading, True),
    "relaying": (plain, lambda response: response.status, relaying, True),
    "in the sink": (plain, lambda response: response.status, relaying_into_the_end, True),
}


@pytest.mark.parametrize("phase", PHASES)
async def test_abort_in_every_phase_fails_cleanly_and_leaks_nothing(phase: str) -> None:
    start, reached, wait, sent = PHASES[phase]
    client = Client(limits=ClientLimits(max_connections=1))
    async with vendor(half if wait is not ready else silent) as site:
        before = descriptors()
        response = start(client, site.origin)
        await until(lambda: reached(response))
        waiting = wait(response)
        if phase == "reading":
            await asyncio.sleep(0)
        response.abort()
        response.abort()
        for seeker in list(client._rooms[site.origin].pool.dialing):
            seeker.response.abort()
        with pytest.raises(Aborted) as caught:
            await waiting
        assert caught.value.sent == sent
        await until(lambda: not client.tasks and not client.connections)
        assert pool_of(client) == "=0 busy=0 dialing=0 waiting=0"
        await until(lambda: all(line.reader.at_eof() or line.writer.is_closing() for line in site.lines))
        for line in site.lines:
            line.writer.close()
        await until(lambda: descriptors() <= before + 1)  # one is the client's own, to look at its sockets
    await client.close()


async def test_a_sink_that_gives_up_is_not_called_again(client: Client) -> None:
    async def script(line: Line) -> None:
        await line.request()
        line.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        await proceed.wait()
        line.send(b"1\r\na\r\n1\r\nb\r\n0\r\n\r\n")
        await line.gone()

    proceed = asyncio.Event()
    async with vendor(script) as site:
        response = client.open(site.origin, b"GET", GET)
        await response.ready
        got: list[bytes] = []

        def sink(piece: bytes) -> None:
            got.append(piece)
            response.abort()

        end = response.relay(sink)
        proceed.set()
        with pytest.raises(Aborted):
            await end
        assert (got, repr(response)) == ([b"a"], "<Response 200 failed Aborted>")


async def test_giving_up_between_connecting_and_sending_leaves_no_connection(client: Client) -> None:
    connected = asyncio.Event()

    class Dawdling(Connector):
        async def connect(self, *args: Any) -> Any:
            await super().connect(*args)
            connected.set()
            await asyncio.Future()

    client.connector = Dawdling()
    async with vendor(silent) as site:
        response = client.open(site.origin, b"GET", GET)
        await connected.wait()
        assert len(client.connections) == 1
        response.abort()
        await until(lambda: not client.connections and not client.tasks)


async def test_a_failure_that_nobody_waits_for_is_not_reported_to_the_loop(client: Client) -> None:
    reported: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: reported.append(context))
    async with vendor(half) as site:
        response = client.open(site.origin, b"GET", GET)
        assert not response.ready.done()
        response.abort()
        streaming = client.open(site.origin, b"GET", GET)
        await streaming.ready
        streaming.relay(lambda piece: None)
        streaming.abort()
        streaming.relay(lambda piece: None)
        del response, streaming
        gc.collect()
    assert reported == []


async def test_the_error_given_to_abort_is_what_everyone_gets(client: Client) -> None:
    class TooSlow(Exception):
        pass

    async with vendor(half) as site:
        response = client.open(site.origin, b"GET", GET)
        await response.ready
        end = response.relay(lambda piece: None)
        response.abort(TooSlow())
        with pytest.raises(TooSlow):
            await end
        with pytest.raises(TooSlow):
            await response.read(10)
        assert (await response.ready) is response  # that it was ready stays true


async def test_cancelling_a_read_closes_the_connection(client: Client) -> None:
    async with vendor(half) as site:
        response = client.open(site.origin, b"GET", GET)
        reading = asyncio.ensure_future(response.read(10))
        await until(lambda: response.status)
        await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert pool_of(client) == "=0 busy=0 dialing=0 waiting=0"


# --- the cheap path is cheap ---


async def test_with_an_idle_connection_a_call_is_one_write_and_no_task_or_timer(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with vendor(forever) as site:
        assert await get(client, site.origin) == (200, b"ok")
        connection = next(iter(client.connections))
        written: list[bytes] = []
        transport = connection._transport
        assert transport is not None

        class Wiretap:
            def write(self, data: bytes) -> None:
                written.append(data)
                transport.write(data)

            def __getattr__(self, name: str) -> object:
                return getattr(transport, name)

        connection._transport = Wiretap()  # type: ignore[assignment]
        tasks = asyncio.all_tasks()

        class NoNewThings:
            """A loop on which `open` may only ask for the time and for a future."""

            def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
                self.time, self.create_future = loop.time, loop.create_future

        monkeypatch.setattr(client, "_loop", NoNewThings(asyncio.get_running_loop()))
        response = client.open(site.origin, b"POST", POST, b"body")
        client.departures.flush()  # what the loop would do at the end of its turn
        assert written == [POST + b"body"]
        assert asyncio.all_tasks() == tasks
        await response.ready
        assert (response.complete, response.body) == (True, b"ok")
        connection._transport = transport
        monkeypatch.undo()
