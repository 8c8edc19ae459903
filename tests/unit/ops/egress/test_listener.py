"""The CONNECT listener with real sockets on this machine: who gets through, where to, and what is refused."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from trunkline.core.call import Caller
from trunkline.core.egress import Egress
from trunkline.core.errors import CallError
from trunkline.core.service import CallerKey, Service, Snapshot
from trunkline.ops.egress.hosts import Declared
from trunkline.ops.egress.listener import Bounds, Listener
from trunkline.wire.connect import Connector
from trunkline.wire.resolve import Resolver

KEYS = {
    b"tl_all": Caller(CallerKey(id="key_1", name="web", hash=b"", scopes=["*"])),
    b"tl_other": Caller(CallerKey(id="key_2", name="other", hash=b"", scopes=["integration:else"])),
    b"tl_models": Caller(
        CallerKey(id="key_3", name="models", hash=b"", scopes=["model:vendor/*", "integration:vendor:create"])
    ),
}


def identify(request) -> Caller:
    caller = KEYS.get(request.fields[b"x-trunkline-key"])
    if caller is None:
        raise CallError("unauthenticated", "this Trunkline key is not known")
    return caller


class Vendor:
    """Says back what it is told, upper case, and remembers who connected."""

    def __init__(self) -> None:
        self.connections = 0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while data := await reader.read(65536):
            writer.write(data.upper())
            await writer.drain()
        writer.close()


@asynccontextmanager
async def running(
    names: dict[str, str] | None = None,
    *,
    private: bool = True,
    allow: tuple[str, ...] = (),
    bounds: Bounds | None = None,
    alive=lambda _: True,
) -> AsyncIterator[tuple[Listener, Vendor]]:
    """A listener before a vendor that the names lead to."""
    vendor = Vendor()
    server = await asyncio.start_server(vendor.serve, "127.0.0.1", 0)
    vendor.port = server.sockets[0].getsockname()[1]
    own = Service(name="vendor", base_url=f"https://vendor.example.com:{vendor.port}", private=private)
    snapshot = Snapshot(
        version="v",
        created="",
        environment="prod",
        services=[own],
        egress=Egress(allow=[f"{one}:{vendor.port}" for one in allow]),
    )
    table = names or {"vendor.example.com": "127.0.0.1"}

    def lookup(host: str) -> list[str]:
        if host not in table:
            raise OSError("no such name")
        return [table[host]]

    connector = Connector(Resolver(lookup))
    listener = Listener(Declared(snapshot), identify, connector=connector, bounds=bounds, alive=alive)
    await listener.start("127.0.0.1", 0)
    try:
        yield listener, vendor
    finally:
        await listener.stop(0.1)
        server.close()


async def connect(
    listener: Listener, target: str, key: str = "tl_all", early: bytes = b""
) -> tuple[int, str, asyncio.StreamReader, asyncio.StreamWriter]:
    """Status and reason of the answer, and the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    shown = f"Proxy-Authorization: Basic {base64.b64encode(f'{key}:'.encode()).decode()}\r\n" if key else ""
    line = target if " " in target else f"CONNECT {target} HTTP/1.1"
    writer.write(f"{line}\r\nHost: x\r\n{shown}\r\n".encode() + early)
    top = await asyncio.wait_for(reader.readuntil(b"\r\n"), 60)
    _, status, reason = top.decode().strip().split(" ", 2)
    while (await reader.readuntil(b"\r\n")) != b"\r\n":
        continue
    return int(status), reason, reader, writer


async def refused(listener: Listener, target: str, key: str = "tl_all") -> tuple[int, str, str]:
    """(status, code, message) of a refusal."""
    status, _, reader, writer = await connect(listener, target, key)
    body = json.loads(await asyncio.wait_for(reader.read(), 60))
    writer.close()
    return status, body["code"], body["message"]


async def test_bytes_pass_both_ways_to_a_declared_host() -> None:
    async with running() as (listener, vendor):
        status, reason, reader, writer = await connect(
            listener, f"vendor.example.com:{vendor.port}", early=b"hello "
        )
        writer.write(b"world")
        said = await asyncio.wait_for(reader.readexactly(11), 60)
        counted = (
            listener.counts.open,
            dict(listener.counts.opened),
            dict(listener.counts.sent),
            dict(listener.counts.received),
        )
        writer.write_eof()
        rest = await asyncio.wait_for(reader.read(), 60)
        writer.close()

    assert (status, reason, said, rest) == (200, "Connection established", b"HELLO WORLD", b"")
    assert counted == (1, {"vendor": 1}, {"vendor": 11}, {"vendor": 11})


@pytest.mark.row("R7")
async def test_an_undeclared_host_is_refused_and_noted_with_who_called() -> None:
    async with running() as (listener, vendor):
        status, reason, reader, writer = await connect(listener, "api.unknown.dev:443")
        body = json.loads(await asyncio.wait_for(reader.read(), 60))
        writer.close()
        (finding,) = listener.counts.take()

    assert (status, reason, body["code"]) == (403, "Host Not Declared", "undeclared_host")
    assert body["message"] == "api.unknown.dev:443 is not declared in the registry."
    assert "egress: {allow: [...]}" in body["action"]
    assert (finding.kind, finding.subject, finding.detail["callers"], finding.detail["from"]) == (
        "egress.undeclared",
        "api.unknown.dev:443",
        {"web": 1},
        ["127.0.0.1"],
    )
    assert vendor.connections == 0


@pytest.mark.row("R7")
async def test_a_plain_request_is_refused_declared_or_not_and_the_undeclared_one_is_noted() -> None:
    async with running() as (listener, vendor):
        unknown = await refused(listener, "GET http://api.unknown.dev/x HTTP/1.1")
        known = await refused(listener, f"GET http://vendor.example.com:{vendor.port}/x HTTP/1.1")
        (finding,) = listener.counts.take()

    assert (unknown[:2], known[:2]) == ((403, "undeclared_host"), (403, "plain_http"))
    assert (finding.subject, finding.detail["plain"]) == ("api.unknown.dev:80", True)


async def test_another_port_of_a_declared_host_is_refused_and_the_declared_one_named() -> None:
    async with running() as (listener, vendor):
        status, code, message = await refused(listener, "vendor.example.com:22")

    assert (status, code) == (403, "undeclared_host")
    assert message == f"vendor.example.com:22 is not declared in the registry (declared: port {vendor.port})."


async def test_without_a_key_or_with_a_wrong_one_nothing_is_told_of_hosts() -> None:
    async with running() as (listener, vendor):
        said = [
            await refused(listener, f"{host}:{vendor.port}", key)
            for host in ("vendor.example.com", "unknown.dev")
            for key in ("", "tl_wrong")
        ]
        noted = listener.counts.take()

    assert [(status, code) for status, code, _ in said] == [(407, "unauthenticated")] * 4
    assert (noted, vendor.connections) == ([], 0)


@pytest.mark.parametrize("key", ["tl_other", "tl_models"])
async def test_a_key_needs_the_scope_of_the_whole_integration(key: str) -> None:
    async with running() as (listener, vendor):
        assert await refused(listener, f"vendor.example.com:{vendor.port}", key) == (
            403,
            "forbidden",
            "This key may not call vendor; it needs the scope 'integration:vendor'.",
        )


async def test_any_key_may_reach_what_is_only_allowed() -> None:
    async with running(
        {"packages.example.com": "127.0.0.1", "vendor.example.com": "127.0.0.1"},
        allow=("packages.example.com",),
    ) as (listener, vendor):
        status, code, message = await refused(listener, f"packages.example.com:{vendor.port}", "tl_other")

    # The address is private, and an allowed host is never private (ruling 21): the checks of addresses hold here, too.
    assert (status, code, "may not be reached" in message) == (403, "address_denied", True)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "::1",
        "::ffff:127.0.0.1",
        "0.0.0.0",
        "100.64.0.1",
        "fd00::1",
    ],
)
async def test_a_declared_name_that_leads_inside_is_refused(address: str) -> None:
    async with running({"vendor.example.com": address}, private=False) as (listener, vendor):
        status, code, _ = await refused(listener, f"vendor.example.com:{vendor.port}")

    assert (status, code, vendor.connections) == (403, "address_denied", 0)


async def test_a_name_without_address_and_a_closed_port_are_told_apart() -> None:
    async with running({"other.example.com": "127.0.0.1"}) as (listener, vendor):
        unresolved = await refused(listener, f"vendor.example.com:{vendor.port}")
    async with running() as (listener, vendor):
        gone = vendor.port
    async with running() as (listener, _):
        listener.declared = Declared(
            Snapshot(
                version="v",
                created="",
                environment="prod",
                services=[Service(name="vendor", base_url=f"http://127.0.0.1:{gone}", private=True)],
            )
        )
        closed = await refused(listener, f"127.0.0.1:{gone}")

    assert (unresolved[:2], closed[:2]) == ((504, "timeout"), (502, "network"))


async def test_too_many_at_once_are_refused() -> None:
    async with running(bounds=Bounds(per_key=1)) as (listener, vendor):
        place = f"vendor.example.com:{vendor.port}"
        _, _, _, first = await connect(listener, place)
        second = await refused(listener, place)
        first.close()

    assert second[:2] == (503, "caller_rate_limited")


async def test_tunnels_are_cut_when_the_key_dies_the_host_goes_or_nothing_moves() -> None:
    dead: set[str] = set()
    now = [0.0]
    async with running(alive=lambda key: key not in dead) as (listener, vendor):
        place = f"vendor.example.com:{vendor.port}"
        there = listener.declared

        async def is_cut() -> bool:
            _, _, reader, _ = await connect(listener, place)
            yield_before = listener.counts.open
            assert yield_before == 1
            return reader

        async def ended(reader: asyncio.StreamReader) -> bool:
            try:
                return await asyncio.wait_for(reader.read(), 60) == b""
            except ConnectionResetError:
                return True

        reader = await is_cut()
        listener.sweep()
        assert listener.counts.open == 1
        dead.add("key_1")
        listener.sweep()
        assert await ended(reader)
        dead.clear()

        reader = await is_cut()
        listener.declared = Declared(Snapshot(version="v", created="", environment="prod", services=[]))
        listener.sweep()
        assert await ended(reader)
        listener.declared = there

        reader = await is_cut()
        listener._clock = lambda: now[0] + 1e9
        listener.sweep()
        assert await ended(reader)
        assert dict(listener.counts.refused) == {"cut": 2, "idle": 1}


async def test_a_slow_reader_holds_the_vendor_back_and_loses_nothing() -> None:
    async with running() as (listener, vendor):
        _, _, reader, writer = await connect(listener, f"vendor.example.com:{vendor.port}")
        sent = b"x" * 3_000_000

        async def send() -> None:
            writer.write(sent)
            await writer.drain()
            writer.write_eof()

        sending = asyncio.create_task(send())
        got = bytearray()
        while data := await asyncio.wait_for(reader.read(7_777), 60):
            got += data
        await sending
        writer.close()

    assert bytes(got) == sent.upper()


async def test_a_head_without_end_is_refused() -> None:
    async with running() as (listener, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(b"CONNECT a.b:1 HTTP/1.1\r\n" + b"a: " + b"b" * 20_000)
        answer = await asyncio.wait_for(reader.read(), 60)
        writer.close()

    assert answer.startswith(b"HTTP/1.1 431 ")
