"""Getting connected: addresses in turn, TLS, the outgoing proxy. Every failure here says that nothing was sent."""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.calls import GET, HEAD, failure, get
from tests.support.certificates import Authority
from tests.support.vendor import OK, Line, Site, forever, until, vendor
from trunkline.wire import connect
from trunkline.wire.client import Client, Origin
from trunkline.wire.connect import Connector
from trunkline.wire.errors import (
    AddressDenied,
    ConnectRefused,
    ConnectTimeout,
    DnsError,
    ProxyError,
    ReplyCut,
    TlsError,
    WireError,
)
from trunkline.wire.resolve import Resolver

pytestmark = pytest.mark.row("P1")


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    made = Client(resolver=Resolver(lambda host: ["127.0.0.1"]))
    yield made
    await made.close()
    assert (made.connections, made.tasks) == (set(), set())


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


async def fails(client: Client, origin: Origin, timeout_s: float = 5.0) -> tuple[type[WireError], str, bool]:
    response = client.open(origin, b"GET", GET, connect_timeout_s=timeout_s)
    error = await failure(response)
    assert not response.sent
    return type(error), error.stage, error.sent


# --- names and addresses ---


async def test_a_refused_connection(client: Client) -> None:
    origin = Origin("http", "127.0.0.1", closed_port(), private=True)
    assert await fails(client, origin) == (ConnectRefused, "connect", False)


async def test_a_name_without_address() -> None:
    def unknown(host: str) -> list[str]:
        raise OSError(-2, "Name or service not known")

    client = Client(resolver=Resolver(unknown))
    assert await fails(client, Origin("http", "v.example", 80)) == (DnsError, "dns", False)
    await client.close()


async def test_a_slow_name_ends_at_the_connect_timeout() -> None:
    class Never(Resolver):
        async def resolve(self, host: str, *, private: bool = False) -> list[str]:
            await asyncio.Future()
            raise AssertionError

    client = Client(resolver=Never())
    assert await fails(client, Origin("http", "v.example", 80), 0.01) == (DnsError, "dns", False)
    await client.close()


async def test_a_denied_address_is_never_connected_to(client: Client) -> None:
    async with vendor(forever) as site:
        assert await fails(client, replace(site.origin, private=False)) == (AddressDenied, "dns", False)
        assert await fails(client, replace(site.origin, host="v.example", private=False)) == (
            AddressDenied,
            "dns",
            False,
        )
        assert site.lines == []


async def test_the_address_that_was_judged_is_the_one_connected_to() -> None:
    asked: list[str] = []

    def rebinding(host: str) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.99"]

    client = Client(resolver=Resolver(rebinding))
    async with vendor(forever) as site:
        assert await get(client, replace(site.origin, host="v.example")) == (200, b"ok")
        assert (asked, len(site.lines)) == (["v.example"], 1)
    await client.close()


async def test_the_next_address_is_tried_when_one_fails() -> None:
    async with vendor(forever) as site:
        client = Client(resolver=Resolver(lambda host: ["::1", "127.0.0.99", "127.0.0.1"]))
        assert await get(client, replace(site.origin, host="v.example")) == (200, b"ok")
        await client.close()


async def test_a_slow_address_does_not_hold_up_the_next_and_is_let_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cancelled: list[str] = []
    real = connect._open_socket

    async def slow(address: str, port: int) -> socket.socket:
        if address == "127.0.0.2":
            try:
                await asyncio.Future()
            except asyncio.CancelledError:
                cancelled.append(address)
                raise
        return await real(address, port)

    monkeypatch.setattr(connect, "_open_socket", slow)
    monkeypatch.setattr(connect, "STAGGER_S", 0.001)
    client = Client(resolver=Resolver(lambda host: ["127.0.0.2", "127.0.0.1"]))
    async with vendor(forever) as site:
        assert await get(client, replace(site.origin, host="v.example")) == (200, b"ok")
        await until(lambda: cancelled == ["127.0.0.2"])
    await client.close()


async def test_of_two_addresses_that_answer_at_once_one_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    go = asyncio.Event()
    opened: list[socket.socket] = []
    real = connect._open_socket

    async def together(address: str, port: int) -> socket.socket:
        sock = await real("127.0.0.1", port)
        opened.append(sock)
        if len(opened) == 2:
            go.set()
        await go.wait()
        return sock

    monkeypatch.setattr(connect, "_open_socket", together)
    monkeypatch.setattr(connect, "STAGGER_S", 0.0)
    client = Client(resolver=Resolver(lambda host: ["127.0.0.1", "127.0.0.2"]))
    async with vendor(forever) as site:
        assert await get(client, replace(site.origin, host="v.example")) == (200, b"ok")
        await until(lambda: [sock.fileno() < 0 for sock in opened].count(True) == 1)
    await client.close()


async def test_connecting_ends_at_the_connect_timeout(
    monkeypatch: pytest.MonkeyPatch, client: Client
) -> None:
    async def never(address: str, port: int) -> socket.socket:
        raise await asyncio.Future()

    monkeypatch.setattr(connect, "_open_socket", never)
    assert await fails(client, Origin("http", "127.0.0.1", 80, private=True), 0.01) == (
        ConnectTimeout,
        "connect",
        False,
    )


async def test_families_take_turns() -> None:
    assert connect._interleaved(["::1", "::2", "::3", "1.1.1.1"]) == ["::1", "1.1.1.1", "::2", "::3"]
    assert connect._interleaved(["1.1.1.1", "8.8.8.8", "::1"]) == ["1.1.1.1", "::1", "8.8.8.8"]
    assert connect._interleaved(["1.1.1.1"]) == ["1.1.1.1"]


async def test_an_ipv6_literal_with_and_without_brackets(client: Client) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await reader.read(-1)
        writer.close()

    server = await asyncio.start_server(answer, "::1", 0)
    port = server.sockets[0].getsockname()[1]
    for host in ("::1", "[::1]"):
        assert await get(client, Origin("http", host, port, private=True)) == (200, b"ok")
    server.close()


# --- TLS ---


def trusted(site: Site, authority: Authority, host: str = "v.example") -> Origin:
    return replace(site.origin, host=host, ca_file=str(authority.file))


@pytest.mark.parametrize("host", ["v.example", "127.0.0.1"])
async def test_a_vendor_with_a_private_authority(client: Client, authority: Authority, host: str) -> None:
    async with vendor(forever, tls=authority.server(host)) as site:
        origin = trusted(site, authority, host)
        assert await get(client, origin) == (200, b"ok")
        assert await get(client, origin) == (200, b"ok")
        assert len(site.lines) == 1


@pytest.mark.parametrize("fault", ["unknown authority", "expired", "wrong host", "wrong address", "TLS 1.1"])
async def test_a_vendor_that_cannot_be_believed_gets_no_byte(
    client: Client, authority: Authority, fault: str
) -> None:
    name = {"wrong host": "other.example", "wrong address": "127.0.0.2"}.get(fault, "v.example")
    newest = ssl.TLSVersion(770) if fault == "TLS 1.1" else None
    seen: list[bytes] = []

    async def listen(line: Line) -> None:
        seen.append(await line.reader.read(-1))

    async with vendor(listen, tls=authority.server(name, expired=fault == "expired", newest=newest)) as site:
        origin = trusted(site, authority, "127.0.0.1" if fault == "wrong address" else "v.example")
        if fault == "unknown authority":
            origin = replace(origin, ca_file=None)
        assert await fails(client, origin) == (TlsError, "tls", False)
        await until(lambda: not client.connections)
        assert b"".join(seen) == b""


async def test_a_vendor_that_speaks_no_tls(client: Client, authority: Authority) -> None:
    async def plain(line: Line) -> None:
        line.send(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
        await line.gone()

    async with vendor(plain) as site:
        assert await fails(client, replace(trusted(site, authority), scheme="https")) == (
            TlsError,
            "tls",
            False,
        )
    async with vendor(lambda line: line.gone()) as site:
        origin = replace(trusted(site, authority, "127.0.0.1"), scheme="https")
        assert await fails(client, origin, 0.5) == (ConnectTimeout, "tls", False)
    async with vendor(lambda line: asyncio.sleep(0, line.close())) as site:
        assert await fails(client, replace(trusted(site, authority), scheme="https")) == (
            TlsError,
            "tls",
            False,
        )


async def test_a_vendor_that_wants_our_certificate(client: Client, authority: Authority) -> None:
    cert_file, key_file = authority.issue("client.example")
    async with vendor(forever, tls=authority.server("v.example", clients=authority)) as site:
        origin = replace(trusted(site, authority), cert_file=str(cert_file), key_file=str(key_file))
        assert await get(client, origin) == (200, b"ok")
        error = await failure(client.open(trusted(site, authority), b"GET", GET))
        assert isinstance(error, WireError)


async def test_a_body_over_tls_that_ends_without_a_goodbye_is_cut(
    client: Client, authority: Authority
) -> None:
    async def script(line: Line) -> None:
        await line.request()
        line.send(b"HTTP/1.1 200 OK\r\n\r\nhalf")
        await line.writer.drain()
        await proceed.wait()
        line.shut_now()
        await line.gone()

    proceed = asyncio.Event()
    async with vendor(script, tls=authority.server("v.example")) as site:
        response = client.open(trusted(site, authority), b"GET", GET)
        await response.ready
        proceed.set()
        error = await failure(response)
        assert (type(error), error.sent) == (ReplyCut, True)


async def test_a_body_over_tls_that_ends_with_a_goodbye_is_whole(
    client: Client, authority: Authority
) -> None:
    async def script(line: Line) -> None:
        await line.request()
        line.send(b"HTTP/1.1 200 OK\r\n\r\nall")
        await line.writer.drain()
        line.close()

    async with vendor(script, tls=authority.server("v.example")) as site:
        assert await get(client, trusted(site, authority)) == (200, b"all")


async def test_a_file_that_cannot_be_used_is_named(
    client: Client, authority: Authority, tmp_path: Path
) -> None:
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("no certificate")
    async with vendor(forever, tls=authority.server("v.example")) as site:
        for origin in (
            replace(trusted(site, authority), ca_file=str(tmp_path / "missing.pem")),
            replace(trusted(site, authority), ca_file=str(nonsense)),
            replace(trusted(site, authority), cert_file=str(nonsense)),
        ):
            error = await failure(client.open(origin, b"GET", GET))
            assert (type(error), error.sent) == (TlsError, False)
            assert str(tmp_path) in str(error)


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_second_connection_resumes_the_session_of_the_first(
    authority: Authority, newest: ssl.TLSVersion
) -> None:
    resumed: list[bool] = []

    async def once(line: Line) -> None:
        resumed.append(line.writer.get_extra_info("ssl_object").session_reused)
        await line.request()
        line.send(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok")
        await line.gone()

    client = Client(resolver=Resolver(lambda host: ["127.0.0.1"]))
    async with vendor(once, tls=authority.server("v.example", newest=newest)) as site:
        for _ in range(3):
            assert await get(client, trusted(site, authority)) == (200, b"ok")
    assert resumed == [False, True, True]
    await client.close()


# --- the outgoing proxy ---


class Proxy:
    """A proxy that answers CONNECT with these bytes and then, if they say 200, is the vendor's pipe."""

    def __init__(self, answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n") -> None:
        self.answer, self.asked = answer, [b""]
        self.asked.clear()

    async def __call__(self, line: Line) -> None:
        request = await line.head()
        self.asked.append(request)
        line.send(self.answer)
        await line.writer.drain()
        if not self.answer.startswith(b"HTTP/1.1 200"):
            line.close()
            return
        port = int(request.split(b" ")[1].rpartition(b":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        there = asyncio.ensure_future(_pipe(line.reader, writer))
        try:
            await _pipe(reader, line.writer)
        finally:
            there.cancel()
            writer.close()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
    writer.close()


async def test_a_tunnel_through_the_proxy(client: Client, authority: Authority) -> None:
    proxy = Proxy()
    async with vendor(forever, tls=authority.server("v.example")) as site, vendor(proxy) as way:
        origin = replace(trusted(site, authority), proxy=f"http://127.0.0.1:{way.port}")
        assert await get(client, origin) == (200, b"ok")
        assert await get(client, origin) == (200, b"ok")
        target = b"v.example:%d" % site.port
        assert proxy.asked == [b"CONNECT " + target + b" HTTP/1.1\r\nhost: " + target + b"\r\n\r\n"]


async def test_a_proxy_that_wants_a_password(client: Client) -> None:
    proxy = Proxy()
    async with vendor(forever) as site, vendor(proxy) as way:
        origin = replace(site.origin, proxy=f"http://us%3Aer:p%40ss@127.0.0.1:{way.port}")
        assert await get(client, origin) == (200, b"ok")
        token = base64.b64encode(b"us:er:p@ss")
        assert b"proxy-authorization: Basic " + token in proxy.asked[0]
        assert "p%40ss" not in repr(origin) + str(origin)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "answered '407' to CONNECT"),
        (b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\n\r\nbusy", "answered '503' to CONNECT"),
        (b"SSH-2.0-x\r\n\r\n", "to CONNECT"),
        (b"HTTP/1.1 2", "gave no valid answer to CONNECT"),
        (b"HTTP/1.1 200 " + b"x" * 20_000, "gave no valid answer to CONNECT"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + OK, "sent bytes into the tunnel before the vendor could"),
    ],
)
async def test_a_proxy_that_opens_no_tunnel(client: Client, answer: bytes, text: str) -> None:
    async def refuse(line: Line) -> None:
        await line.head()
        line.send(answer)
        await line.writer.drain()
        line.close()

    async with vendor(forever) as site, vendor(refuse) as way:
        origin = replace(site.origin, proxy=f"http://user:sk-test-not-a-real-key@127.0.0.1:{way.port}")
        error = await failure(client.open(origin, b"GET", GET))
        assert (type(error), error.stage, error.sent) == (ProxyError, "proxy", False)
        assert text in str(error)
        assert "sk-test" not in str(error)
        assert site.lines == []


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda port: f"http://127.0.0.1:{closed_port()}", "cannot reach the proxy"),
        (lambda port: f"https://127.0.0.1:{port}", "not of the form http://"),
        (lambda port: f"socks5://127.0.0.1:{port}", "not of the form http://"),
        (lambda port: "http://127.0.0.1:x", "not a number"),
        (lambda port: "http://169.254.169.254:80", "may not be reached"),
    ],
)
async def test_a_proxy_that_cannot_be_used(client: Client, make: Callable[[int], str], text: str) -> None:
    async with vendor(forever) as site:
        error = await failure(client.open(replace(site.origin, proxy=make(site.port)), b"GET", GET))
        assert (type(error), error.sent) == (ProxyError, False)
        assert text in str(error)


async def test_a_proxy_that_never_answers(client: Client) -> None:
    async with vendor(lambda line: line.gone()) as way:
        origin = Origin("https", "v.example", 443, proxy=f"http://127.0.0.1:{way.port}")
        assert await fails(client, origin, 0.05) == (ProxyError, "proxy", False)


async def test_a_denied_literal_address_is_not_asked_of_the_proxy_either(client: Client) -> None:
    async with vendor(forever) as way:
        origin = Origin("http", "169.254.169.254", 80, private=True, proxy=f"http://127.0.0.1:{way.port}")
        assert await fails(client, origin) == (AddressDenied, "dns", False)
        assert way.lines == []


async def test_a_head_request_goes_through_a_shared_connector() -> None:
    connector = Connector(Resolver(lambda host: ["127.0.0.1"]))
    client = Client(connector=connector)
    async with vendor(forever) as site:
        assert (await get(client, site.origin, HEAD, b"HEAD"))[0] == 200
    await client.close()
