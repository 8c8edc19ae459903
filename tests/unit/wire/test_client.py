"""The client from outside: the line for a connection, idle expiry, closing, and what a response offers.

How bytes are read and written is in `tests/laws/test_wire_*laws.py`, getting connected in `test_connect.py`.
"""

from __future__ import annotations

import asyncio
import gc
import socket
from dataclasses import replace

import pytest

from tests.support.calls import GET, POST, failure, get, pool_of
from tests.support.vendor import Line, forever, until, vendor
from trunkline.wire.body import BodyStream
from trunkline.wire.client import Client, ClientLimits, Origin, Response
from trunkline.wire.errors import Aborted, ConnectRefused, PoolExhausted

pytestmark = pytest.mark.row("P1")


class Gate:
    """A vendor that answers each request when it is let."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.turns = asyncio.Semaphore(0)

    async def __call__(self, line: Line) -> None:
        while True:
            request = await line.request()
            name = request.split(b" ")[1]
            self.asked.append(name)
            await self.turns.acquire()
            line.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(name), name))


def asking(client: Client, origin: Origin, name: str, timeout_s: float = 5.0) -> Response:
    head = f"GET /{name} HTTP/1.1\r\nhost: v\r\n\r\n".encode()
    return client.open(origin, b"GET", head, connect_timeout_s=timeout_s)


# --- the line ---


async def test_calls_beyond_the_limit_wait_their_turn_in_order() -> None:
    client, gate = Client(limits=ClientLimits(max_connections=2)), Gate()
    async with vendor(gate) as site:
        responses = [asking(client, site.origin, name) for name in "abcdef"]
        await until(lambda: len(gate.asked) == 2)
        assert pool_of(client) == "=0 busy=2 dialing=0 waiting=4"
        assert [response.connected for response in responses] == [True, True, False, False, False, False]
        for _ in responses:
            gate.turns.release()
        assert [await response.read(10) for response in responses] == [
            b"/a",
            b"/b",
            b"/c",
            b"/d",
            b"/e",
            b"/f",
        ]
        assert (sorted(gate.asked[:2]), gate.asked[2:]) == ([b"/a", b"/b"], [b"/c", b"/d", b"/e", b"/f"])
        assert len(site.lines) == 2
    await client.close()


async def test_who_gives_up_leaves_the_line() -> None:
    client, gate = Client(limits=ClientLimits(max_connections=1)), Gate()
    async with vendor(gate) as site:
        first, second, third = (asking(client, site.origin, name) for name in "abc")
        await until(lambda: gate.asked)
        second.abort()
        assert pool_of(client) == "=0 busy=1 dialing=0 waiting=1"
        gate.turns.release()
        gate.turns.release()
        assert (await first.read(10), await third.read(10)) == (b"/a", b"/c")
        error = await failure(second)
        assert (type(error), error.sent) == (Aborted, False)
    await client.close()


async def test_the_wait_is_bounded_in_time() -> None:
    client, gate = Client(limits=ClientLimits(max_connections=1)), Gate()
    async with vendor(gate) as site:
        asking(client, site.origin, "a")
        await until(lambda: gate.asked)
        error = await failure(asking(client, site.origin, "b", timeout_s=0.01))
        assert (type(error), error.stage, error.sent) == (PoolExhausted, "pool", False)
        assert str(error) == f"no connection to {site.origin} came free in time (1 are busy)"
        assert pool_of(client) == "=0 busy=1 dialing=0 waiting=0"
    await client.close()


async def test_the_wait_is_bounded_in_number() -> None:
    client, gate = Client(limits=ClientLimits(max_connections=1, max_waiting=2)), Gate()
    async with vendor(gate) as site:
        for name in "abc":
            asking(client, site.origin, name)
        refused = asking(client, site.origin, "d")
        assert refused.ready.done()
        error = await failure(refused)
        assert (type(error), str(error)) == (
            PoolExhausted,
            f"2 requests already wait for a connection to {site.origin}",
        )
    await client.close()


async def test_a_failed_dial_lets_the_next_in_line_dial() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    client = Client(limits=ClientLimits(max_connections=1))
    origin = Origin("http", "127.0.0.1", port, private=True)
    errors = [await failure(response) for response in [asking(client, origin, name) for name in "abc"]]
    assert [type(error) for error in errors] == [ConnectRefused] * 3
    assert pool_of(client) == "=0 busy=0 dialing=0 waiting=0"
    await client.close()


async def test_origins_do_not_share_connections() -> None:
    client = Client()
    async with vendor(forever) as site:
        for origin in (
            site.origin,
            replace(site.origin),
            replace(site.origin, host="127.0.0.1", cert_file="x"),
        ):
            assert await get(client, origin) == (200, b"ok")
        assert len(site.lines) == 2  # the second is equal to the first, the third is not
    await client.close()


# --- idle connections ---


async def test_idle_connections_expire_by_the_sweep() -> None:
    client = Client(limits=ClientLimits(idle_expiry_s=0.0))
    async with vendor(forever) as site:
        assert await get(client, site.origin) == (200, b"ok")
        assert pool_of(client) == "=1 busy=0 dialing=0 waiting=0"
        client.sweep()
        assert repr(client) == "<Client []>"
        await until(lambda: site.lines[0].reader.at_eof())
    await client.close()


async def test_the_sweep_leaves_what_is_young_or_busy() -> None:
    client, gate = Client(), Gate()
    async with vendor(gate) as site:
        first, second = asking(client, site.origin, "a"), asking(client, site.origin, "b")
        await until(lambda: first.sent and second.sent)
        gate.turns.release()
        await until(lambda: first.complete or second.complete)
        client.sweep()
        assert pool_of(client) == "=1 busy=1 dialing=0 waiting=0"
    await client.close()


async def test_an_expired_connection_is_not_used_even_before_the_sweep() -> None:
    client = Client(limits=ClientLimits(idle_expiry_s=0.0))
    async with vendor(forever) as site:
        assert await get(client, site.origin) == (200, b"ok")
        assert await get(client, site.origin) == (200, b"ok")
        assert len(site.lines) == 2
    await client.close()


@pytest.mark.parametrize(("hint", "kept"), [(b"timeout=1", 0), (b"max=5, timeout=60", 1), (b"timeout=x", 1)])
async def test_a_vendor_that_says_how_long_it_waits_is_believed(hint: bytes, kept: int) -> None:
    async def script(line: Line) -> None:
        await line.request()
        line.send(b"HTTP/1.1 200 OK\r\nkeep-alive: " + hint + b"\r\ncontent-length: 2\r\n\r\nok")
        await line.gone()

    client = Client()
    async with vendor(script) as site:
        assert await get(client, site.origin) == (200, b"ok")
        client.sweep()
        assert repr(client).count("idle=1") == kept
    await client.close()


# --- closing ---


async def test_closing_ends_everything_in_every_phase() -> None:
    client, gate = Client(limits=ClientLimits(max_connections=2)), Gate()
    async with vendor(gate) as site:
        busy = asking(client, site.origin, "a")
        upload = client.open(site.origin, b"POST", POST, BodyStream(4))
        waiting = asking(client, site.origin, "c")
        await until(lambda: busy.sent and upload.sent)
        dialing = asking(client, Origin("http", "127.0.0.1", site.port, private=True, ca_file="other"), "d")
        await client.close()
        errors = [await failure(response) for response in (busy, upload, waiting, dialing)]
        assert [(type(error), str(error)) for error in errors] == [(Aborted, "the client is closed")] * 4
        assert (client.connections, client.tasks) == (set(), set())
        late = await failure(asking(client, site.origin, "e"))
        assert (type(late), late.sent) == (Aborted, False)
        await client.close()


async def test_closing_a_client_that_did_nothing() -> None:
    await Client().close()


# --- the response ---


async def test_what_a_response_says_of_itself_on_its_way() -> None:
    client = Client()

    async def script(line: Line) -> None:
        await line.request()
        line.send(b"HTTP/1.1 207 Multi-Status\r\nX-A: 1\r\nx-a: 2\r\ncontent-length: 6\r\n\r\nabc")
        await proceed.wait()
        line.send(b"def")
        await line.gone()

    proceed = asyncio.Event()
    async with vendor(script) as site:
        response = client.open(site.origin, b"GET", GET)
        assert (repr(response), response.connected, response.sent) == (
            "<Response - connecting>",
            False,
            False,
        )
        await until(lambda: response.sent)
        assert (repr(response), response.connected) == ("<Response - sent>", True)
        assert await response.ready is response
        assert (repr(response), response.complete) == ("<Response 207 streaming>", False)
        assert response.headers == [(b"x-a", b"1"), (b"x-a", b"2"), (b"content-length", b"6")]
        assert response.fields == {b"x-a": b"1", b"content-length": b"6"}
        before = response.activity
        proceed.set()
        await until(lambda: response.complete)
        assert (repr(response), response.body) == ("<Response 207 complete>", b"abcdef")
        assert response.activity >= before
        pieces: list[bytes] = []
        await response.relay(pieces.append)
        assert pieces == [b"abcdef"]
        response.abort()
        assert response.complete
    await client.close()


async def test_aborting_a_reply_that_is_here_touches_nobody_elses_call() -> None:
    client, gate = Client(), Gate()
    gate.turns.release()
    async with vendor(gate) as site:
        first = asking(client, site.origin, "a")
        await until(lambda: first.complete)
        second = asking(client, site.origin, "b")
        first.abort()
        gate.turns.release()
        assert (await second.read(10), first.body, first.error) == (b"/b", b"/a", None)
        assert len(site.lines) == 1
    await client.close()


@pytest.mark.parametrize("gives_up", [False, True])
async def test_the_waiter_is_told_once_that_the_reply_is_ready_or_never_will_be(gives_up: bool) -> None:
    client = Client()
    told: list[str] = []
    async with vendor(forever) as site:
        response = client.open(site.origin, b"GET", GET)
        response.waiter = lambda: told.append(f"{response.status} {response.error}")
        if gives_up:
            response.abort()
        await until(lambda: response.waiter is None)
        await client.close()
    assert told == ["0 the exchange was given up" if gives_up else "200 None"]


async def test_a_waiter_may_make_the_next_call_at_once() -> None:
    client = Client()
    async with vendor(forever) as site:
        assert await get(client, site.origin) == (200, b"ok")
        calls: list[Response] = []

        def again() -> None:
            if len(calls) < 3:
                calls.append(client.open(site.origin, b"GET", GET))
                calls[-1].waiter = again

        again()
        await until(lambda: len(calls) == 3 and calls[-1].complete)
        assert [call.body for call in calls] == [b"ok"] * 3
        assert len(site.lines) == 1
    await client.close()


async def test_relay_wants_a_ready_response_and_one_taker() -> None:
    client, gate = Client(), Gate()

    async def half(line: Line) -> None:
        await line.request()
        line.send(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n")
        await line.gone()

    async with vendor(gate) as site:
        with pytest.raises(RuntimeError, match="once, after ready"):
            asking(client, site.origin, "a").relay(print)
    async with vendor(half) as site:
        response = client.open(site.origin, b"GET", GET)
        await response.ready
        response.relay(print)
        with pytest.raises(RuntimeError, match="once, after ready"):
            response.relay(print)
    await client.close()


async def test_a_call_leaves_nothing_for_the_garbage_collector() -> None:
    client = Client()
    async with vendor(forever) as site:
        await get(client, site.origin)
        gc.collect()
        gc.disable()
        try:
            for _ in range(50):
                response = client.open(site.origin, b"POST", POST, b"body")
                await response.ready
                assert response.body == b"ok"
            del response
            gc.set_debug(gc.DEBUG_SAVEALL)
            gc.collect()
            assert [each for each in gc.garbage if isinstance(each, Response | asyncio.Future)] == []
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()
    await client.close()


@pytest.mark.parametrize(
    ("scheme", "port", "text"), [("ftp", 21, "'ftp' is not known"), ("http", 0, "port 0")]
)
def test_an_origin_that_makes_no_sense(scheme: str, port: int, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        Origin(scheme, "v", port)


def test_origins_are_equal_by_value_and_shown_without_their_secrets() -> None:
    one = Origin(
        "https", "v.example", 443, cert_file="/c", key_file="/k", proxy="http://u:sk-test-not-a-real-key@p:1"
    )
    assert one == replace(one)
    assert hash(one) == hash(replace(one))
    assert one != replace(one, port=444)
    assert one != "https://v.example:443"
    assert (repr(one), str(one)) == ("<Origin https://v.example:443 mtls proxied>", "https://v.example:443")
    assert (
        str(Origin("http", "::1", 80, private=True)) == str(Origin("http", "[::1]", 80)) == "http://[::1]:80"
    )
