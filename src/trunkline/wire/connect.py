"""From an origin to a connected transport: resolve, race the addresses, tunnel through a proxy, TLS.

Everything here happens before the first byte of a request, so every error says `sent=False`. No pooling, no HTTP
beyond the CONNECT exchange.
"""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from trunkline.wire.errors import (
    AddressDenied,
    ConnectRefused,
    ConnectTimeout,
    DnsError,
    ProxyError,
    TlsError,
    WireError,
)
from trunkline.wire.origin import Origin
from trunkline.wire.resolve import Resolver, denial, literal
from trunkline.wire.trust import Trust

P = TypeVar("P", bound=asyncio.Protocol)

STAGGER_S = 0.25  # RFC 8305 section 5: how long one address may try alone
_PROXY_HEAD_BYTES = 16384


class Connector:
    """Opens connections. Holds the resolver's cache and the TLS contexts, nothing per connection."""

    def __init__(self, resolver: Resolver | None = None, trust: Trust | None = None) -> None:
        self.resolver = resolver or Resolver()
        self.trust = trust or Trust()

    async def connect(self, origin: Origin, make: Callable[[socket.socket], P], timeout_s: float) -> P:
        """A connected protocol made by `make(socket)`, within `timeout_s` for all steps together."""
        stage = ["dns"]
        try:
            async with asyncio.timeout(timeout_s):
                return await self._connect(origin, make, stage)
        except TimeoutError:
            raise _timed_out(origin, stage[0], timeout_s) from None

    async def _connect(self, origin: Origin, make: Callable[[socket.socket], P], stage: list[str]) -> P:
        sock = await (self._tunnel(origin, stage) if origin.proxy else self._direct(origin, stage))
        loop = asyncio.get_running_loop()
        handed_over = False
        try:
            if origin.scheme == "http":
                handed_over = True
                return (await loop.create_connection(lambda: make(sock), sock=sock))[1]
            stage[0] = "tls"
            context = self.trust.at_hand(origin) or await asyncio.to_thread(self.trust.context, origin)
            handed_over = True
            return (
                await loop.create_connection(
                    lambda: make(sock),
                    sock=sock,
                    ssl=context,
                    server_hostname=origin.address,
                )
            )[1]
        except ssl.SSLCertVerificationError as error:
            raise TlsError(
                f"{origin} shows a certificate that is not trusted: {error.verify_message}"
            ) from None
        except ssl.SSLError as error:
            raise TlsError(
                f"{origin} does not complete the TLS handshake: {error.reason or 'protocol error'}"
            ) from None
        except OSError as error:
            raise TlsError(
                f"{origin} closed the connection during the TLS handshake: {_why(error)}"
            ) from None
        finally:
            if not handed_over:
                sock.close()

    async def _direct(self, origin: Origin, stage: list[str]) -> socket.socket:
        addresses = await self.resolver.resolve(origin.address, private=origin.private)
        stage[0] = "connect"
        return await _race(str(origin), addresses, origin.port)

    async def _tunnel(self, origin: Origin, stage: list[str]) -> socket.socket:
        """A tunnel through the proxy. The proxy resolves names, so only a literal target address can be judged here."""
        address = literal(origin.address)
        reason = denial(address, private=origin.private) if address else None
        if reason is not None:
            raise AddressDenied(f"{origin} is a {reason} address, which may not be reached")
        host, port, credentials = _proxy_parts(origin.proxy or "")
        stage[0] = "proxy"
        try:
            sock = await _race(
                f"proxy {host}:{port}",
                await self.resolver.resolve(host, private=True),
                port,
            )
        except WireError as error:
            raise ProxyError(f"cannot reach the proxy: {error}") from None
        try:
            await _ask_for_tunnel(sock, origin, credentials)
        except OSError as error:
            sock.close()
            raise ProxyError(f"proxy {host}:{port} closed the connection: {_why(error)}") from None
        except BaseException:
            sock.close()
            raise
        return sock


def _timed_out(origin: Origin, stage: str, timeout_s: float) -> WireError:
    if stage == "dns":
        return DnsError(f"resolving {origin.address} took longer than {timeout_s:g} s")
    if stage == "proxy":
        return ProxyError(f"the proxy opened no tunnel to {origin} within {timeout_s:g} s")
    doing = {"connect": "accepted no connection", "tls": "completed no TLS handshake"}[stage]
    return ConnectTimeout(f"{origin} {doing} within {timeout_s:g} s", stage=stage)


async def _race(name: str, addresses: list[str], port: int) -> socket.socket:
    """Try the addresses in turn, families alternating, the next one as soon as one failed or was slow; first wins."""
    waiting = _interleaved(addresses)
    running: set[asyncio.Task[socket.socket]] = set()
    failures: list[OSError] = []
    try:
        while waiting or running:
            if waiting:
                running.add(asyncio.create_task(_open_socket(waiting.pop(0), port)))
            done, running = await asyncio.wait(
                running,
                timeout=STAGGER_S if waiting else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            winners = [task for task in done if task.exception() is None]
            failures += [error for task in done if isinstance(error := task.exception(), OSError)]
            if winners:
                running |= set(winners[1:])
                return winners[0].result()
    finally:
        for loser in running:
            loser.cancel()
            loser.add_done_callback(_close_late)
    raise ConnectRefused(f"{name} accepted no connection: {_why(failures[-1]) if failures else 'no address'}")


def _interleaved(addresses: list[str]) -> list[str]:
    first_is_v6 = ":" in addresses[0]
    same = [each for each in addresses if (":" in each) == first_is_v6]
    other = [each for each in addresses if (":" in each) != first_is_v6]
    pairs = [each for pair in zip(same, other, strict=False) for each in pair]
    return pairs + same[len(other) :] + other[len(same) :]


def _close_late(task: asyncio.Task[socket.socket]) -> None:
    if not task.cancelled() and task.exception() is None:
        task.result().close()


async def _open_socket(address: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        await asyncio.get_running_loop().sock_connect(sock, (address, port))
    except BaseException:
        sock.close()
        raise
    return sock


def _proxy_parts(proxy: str) -> tuple[str, int, str]:
    """Host, port and `user:password` of a proxy address."""
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    if parts.scheme != "http" or not parts.hostname:
        raise ProxyError("the proxy's address is not of the form http://[user:password@]host:port")
    credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else ""
    try:
        return parts.hostname, parts.port or 80, credentials
    except ValueError:
        raise ProxyError("the proxy's port is not a number from 1 to 65535") from None


async def _ask_for_tunnel(sock: socket.socket, origin: Origin, credentials: str) -> None:
    loop = asyncio.get_running_loop()
    target = str(origin).partition("://")[2]
    lines = [f"CONNECT {target} HTTP/1.1", f"host: {target}"]
    if credentials:
        lines.append("proxy-authorization: Basic " + base64.b64encode(credentials.encode()).decode())
    await loop.sock_sendall(sock, "\r\n".join([*lines, "", ""]).encode())
    head = b""
    while b"\r\n\r\n" not in head:
        piece = await loop.sock_recv(sock, 4096)
        head += piece
        if not piece or len(head) > _PROXY_HEAD_BYTES:
            raise ProxyError(f"the proxy gave no valid answer to CONNECT {target}")
    head, _, early = head.partition(b"\r\n\r\n")
    words = head.split(b"\r\n", 1)[0].split(b" ", 2)
    status = words[1].decode("ascii", "replace") if len(words) > 1 else "?"
    if not words[0].startswith(b"HTTP/1.") or len(status) != 3 or status[0] != "2":
        cure = ": set the proxy's user and password" if status == "407" else ""
        raise ProxyError(f"the proxy answered {status!r} to CONNECT {target}{cure}")
    if early:  # TLS and HTTP servers both wait for the client; whoever speaks first is not the vendor
        raise ProxyError("the proxy sent bytes into the tunnel before the vendor could")


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__
