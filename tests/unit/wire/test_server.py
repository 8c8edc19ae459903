"""The server on real sockets, on asyncio's loop and on uvloop's: listening, hang-ups, TLS, draining."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from trunkline.wire.server import Handler, Reply, Request, Server, ServerLimits
from trunkline.wire.tls import server_context

GET = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"
LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
PATIENCE_S = 60.0  # how long a test waits for what must happen; nothing is asserted about how long it took

Story = Callable[[], Awaitable[None]]


@pytest.fixture(params=list(LOOPS))
def play(request):
    """Run a story to its end on each kind of loop."""

    def run(story: Story) -> None:
        async def bounded() -> None:
            await asyncio.wait_for(story(), 4 * PATIENCE_S)

        with asyncio.Runner(loop_factory=LOOPS[request.param]) as runner:
            runner.run(bounded())

    return run


@contextlib.asynccontextmanager
async def serving(handler: Handler, **options) -> AsyncIterator[Server]:
    server = Server(handler, **options)
    await server.start("127.0.0.1", 0)
    try:
        yield server
    finally:
        await server.drain(0)


def ok(request: Request, reply: Reply) -> None:
    reply.send(200, b"", request.target)


class Held:
    """A handler that keeps replies and tells when it was called and when a client hung up."""

    def __init__(self) -> None:
        self.replies: list[Reply] = []
        self.called = asyncio.Event()
        self.hung_up = asyncio.Event()

    def __call__(self, request: Request, reply: Reply) -> None:
        reply.hangup = self.hung_up.set
        self.replies.append(reply)
        self.called.set()


async def soon(event: asyncio.Event) -> None:
    await asyncio.wait_for(event.wait(), PATIENCE_S)


async def connect(server: Server, **options) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", server.port, **options)


def test_serves_and_keeps_the_connection(play):
    async def story() -> None:
        async with serving(ok) as server:
            reader, writer = await connect(server)
            for _ in range(3):
                writer.write(GET)
                head = await reader.readuntil(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 200 OK\r\ndate: ")
                assert await reader.readexactly(1) == b"/"
            assert (server.connections, server.active) == (1, 0)
            writer.close()

    play(story)


def test_listens_on_a_socket_that_is_given(play):
    async def story() -> None:
        sock = socket.create_server(("127.0.0.1", 0))
        server = Server(ok)
        await server.start(None, 0, sock=sock)
        assert server.port == sock.getsockname()[1]
        assert await server.drain(0) is True

    play(story)


def test_a_reset_is_a_hang_up(play):
    async def story() -> None:
        app = Held()
        async with serving(app) as server:
            _reader, writer = await connect(server)
            writer.write(GET)
            await soon(app.called)
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            await soon(app.hung_up)

    play(story)


@pytest.mark.parametrize("streaming", [False, True], ids=["before-the-reply", "in-a-silent-stream"])
def test_a_closed_connection_is_a_hang_up_though_it_looks_like_a_half_close(play, streaming):
    async def story() -> None:
        app = Held()
        async with serving(app) as server:
            reader, writer = await connect(server)
            writer.write(GET)
            await soon(app.called)
            if streaming:
                app.replies[0].start(200, b"", None)
                app.replies[0].write(b"hello")
                await reader.readuntil(b"hello\r\n")
            writer.close()
            await soon(app.hung_up)

    play(story)


def test_a_half_close_lets_the_call_finish(play):
    async def story() -> None:
        app = Held()
        async with serving(app) as server:
            reader, writer = await connect(server)
            writer.write(GET)
            writer.write_eof()
            await soon(app.called)
            # The probe for a client that is gone comes first, so that its answer is known to have been a sound one.
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            app.replies[0].start(200, b"", None)
            app.replies[0].write(b"hello")
            app.replies[0].end()
            assert (await reader.read()).endswith(b"5\r\nhello\r\n0\r\n\r\n")
            assert not app.hung_up.is_set()

    play(story)


def test_a_client_that_does_not_read_stops_the_stream_and_costs_little(play):
    async def story() -> None:
        flows: list[bool] = []
        stopped, resumed = asyncio.Event(), asyncio.Event()
        replies: list[Reply] = []

        def stream(request: Request, reply: Reply) -> None:
            reply.flow = lambda stop: (flows.append(stop), (stopped if stop else resumed).set())[0]
            reply.start(200, b"", None)
            replies.append(reply)
            while not stopped.is_set() and len(flows) == 0:
                reply.write(b"x" * 65536)

        async with serving(stream) as server:
            reader, writer = await connect(server, limit=1 << 16)
            writer.write(GET)
            await soon(stopped)
            while not resumed.is_set():
                await reader.read(1 << 20)
            replies[0].end()
            tail = b""
            while not tail.endswith(b"\r\n0\r\n\r\n"):
                tail = tail[-16:] + await reader.read(1 << 20)
            assert flows[:2] == [True, False]
            writer.close()

    play(story)


def test_a_client_that_is_still_sending_gets_to_read_its_refusal(play):
    async def story() -> None:
        async with serving(ok, limits=ServerLimits(body_bytes=1000)) as server:
            reader, writer = await connect(server)
            writer.write(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2000000\r\n\r\n" + b"x" * 2_000_000)
            answer = await reader.read()
            assert answer.startswith(b"HTTP/1.1 413 ")
            writer.close()

    play(story)


def test_an_upload_is_streamed_through(play):
    async def story() -> None:
        size = 5_000_000
        sums: list[int] = []

        def upload(request: Request, reply: Reply) -> None:
            async def count() -> None:
                assert request.stream is not None
                request.stream.unread(request.body)
                assert request.stream.length == size
                sums.append(sum([len(piece) async for piece in request.stream]))
                reply.send(200, b"", b"done")

            tasks.add(asyncio.ensure_future(count()))

        tasks: set[asyncio.Future[None]] = set()
        async with serving(upload) as server:
            reader, writer = await connect(server)
            writer.write(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n" % size + b"x" * size)
            await reader.readuntil(b"done")
            assert sums == [size]
            writer.close()

    play(story)


def test_the_app_shapes_refusals(play):
    async def story() -> None:
        def shape(status: int, code: str, reason: str) -> tuple[bytes, bytes]:
            return b"x-code: %d %b\r\n" % (status, code.encode()), b"shaped"

        async with serving(ok, refuse=shape) as server:
            reader, writer = await connect(server)
            writer.write(b"GET / HTTP/1.1\r\n\r\n")
            answer = await reader.read()
            assert b"x-code: 400 bad_host\r\n" in answer
            assert answer.endswith(b"\r\n\r\nshaped")
            assert server.refused == {"bad_host": 1}
            writer.close()

    play(story)


def test_draining_finishes_what_runs_and_takes_nothing_new(play):
    async def story() -> None:
        app = Held()
        server = Server(app)
        await server.start("127.0.0.1", 0)
        idle_reader, idle_writer = await connect(server)
        reader, writer = await connect(server)
        writer.write(GET)
        await soon(app.called)
        draining = asyncio.ensure_future(server.drain(PATIENCE_S))
        assert await idle_reader.read() == b""
        with pytest.raises(OSError):
            await connect(server)
        assert not draining.done()
        app.replies[0].send(200, b"", b"last")
        assert (await reader.read()).endswith(b"last")
        writer.close()
        idle_writer.close()
        assert await draining is True
        assert server.connections == 0

    play(story)


def test_draining_ends_what_does_not_end_by_itself(play):
    async def story() -> None:
        app = Held()
        server = Server(app)
        await server.start("127.0.0.1", 0)
        _reader, writer = await connect(server)
        writer.write(GET)
        await soon(app.called)
        assert await server.drain(0) is False
        await soon(app.hung_up)
        writer.close()

    play(story)


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[str, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = tmp_path / "cert.pem", tmp_path / "key.pem"
    cert_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return str(cert_file), str(key_file)


@pytest.mark.row("P4")
def test_tls_ingress(play, certificate):
    import ssl

    async def story() -> None:
        secure: list[bool] = []

        def see(request: Request, reply: Reply) -> None:
            secure.append(request.secure)
            reply.send(200, b"", b"hello")

        trust = ssl.create_default_context(cafile=certificate[0])
        async with serving(see, tls=server_context(*certificate)) as server:
            reader, writer = await connect(server, ssl=trust, server_hostname="localhost")
            assert writer.get_extra_info("ssl_object").version() == "TLSv1.3"
            writer.write(GET)
            await reader.readuntil(b"hello")
            writer.write(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
            assert (await reader.read()).endswith(b"hello")
            assert secure == [True, True]
            writer.close()

    play(story)


def test_tls_close_is_a_hang_up(play, certificate):
    import ssl

    async def story() -> None:
        app = Held()
        trust = ssl.create_default_context(cafile=certificate[0])
        async with serving(app, tls=server_context(*certificate)) as server:
            _reader, writer = await connect(server, ssl=trust, server_hostname="localhost")
            writer.write(GET)
            await soon(app.called)
            writer.close()
            await soon(app.hung_up)

    play(story)


def test_a_certificate_that_cannot_be_used_is_named(certificate, tmp_path):
    with pytest.raises(ValueError, match=r"missing\.pem.*PEM"):
        server_context(str(tmp_path / "missing.pem"), certificate[1])
    with pytest.raises(ValueError, match=r"cannot be used"):
        server_context(certificate[0], certificate[0])
