"""Decides for each client of the CONNECT listener: who it is, whether it may, and where the name leads; then opens the tunnel.

The address that was checked is the one that is connected to (`wire/connect.py`). Not for: bytes (`tunnel.py`), nor for following the
published files (`trunkline/egress.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any

import msgspec

from trunkline.core.call import Caller
from trunkline.core.errors import CallError
from trunkline.core.ports import Inbound
from trunkline.wire.connect import Connector
from trunkline.wire.errors import AddressDenied, ConnectTimeout, DnsError, WireError
from trunkline.wire.origin import Origin

from .counts import Counts
from .head import Asked, Refused, read
from .hosts import Declared, Target
from .tunnel import Client, Outside

SWEEP_S = 1.0


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """How much at once, and how long."""

    clients: int = 2048
    """Connections of clients, waiting ones included."""
    per_key: int = 256
    connect_s: float = 10.0
    idle_s: float = 600.0


class Shown:
    """A client's key and address, in the form in which keys are looked up."""

    def __init__(self, key: bytes, peer: str) -> None:
        self.method = "CONNECT"
        self.target = b"/"
        self.headers = [(b"x-trunkline-key", key)]
        self.fields = {b"x-trunkline-key": key}
        self.body = b""
        self.stream: Any = None
        self.peer = peer
        self.secure = False
        self.memo: dict[str, Any] = {}


class Listener:
    """All clients. `identify` finds the caller of a key (raising CallError), `alive` says whether a key id may still be used."""

    def __init__(
        self,
        declared: Declared,
        identify: Callable[[Inbound], Caller],
        *,
        alive: Callable[[str], bool] = lambda _: True,
        connector: Connector | None = None,
        bounds: Bounds | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.declared = declared
        self.counts = Counts()
        self._identify = identify
        self._alive = alive
        self._connector = connector or Connector()
        self._bounds = bounds or Bounds()
        self._clock = clock
        self._wall = wall
        self._clients: set[Client] = set()
        self._server: asyncio.Server | None = None
        self._empty: asyncio.Event | None = None

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.sockets[0].getsockname()[1]) if self._server else 0

    async def start(self, host: str, port: int) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Client(self, self._clock), host, port)

    async def stop(self, patience_s: float) -> None:
        """Takes no more clients, lets the tunnels end for so long, then cuts them."""
        if self._server is not None:
            self._server.close()
        if self._clients:
            self._empty = asyncio.Event()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._empty.wait(), patience_s)
        for client in list(self._clients):
            client.cut()

    def came(self, client: Client) -> None:
        """A client has connected."""
        self._clients.add(client)
        if len(self._clients) > self._bounds.clients:
            client.refuse(
                Refused(503, "overloaded", f"The listener has {self._bounds.clients} connections, its most.")
            )

    def left(self, client: Client) -> None:
        """A client is gone."""
        self._clients.discard(client)
        self.counts.open = sum(one.outside is not None for one in self._clients)
        if self._empty is not None and not self._clients:
            self._empty.set()

    def asked(self, client: Client, head: bytes) -> None:
        """A client's head is complete."""
        try:
            asked = read(head)
            caller = self._caller(asked, client.peer)
            target = self._target(asked, caller, client.peer)
        except Refused as refused:
            client.refuse(refused)
            return
        client.caller_id = caller.id
        client.target = (asked.host, asked.port)
        client.name = target.integration or asked.host
        client.task = asyncio.get_running_loop().create_task(self._open(client, asked, target))

    def _caller(self, asked: Asked, peer: str) -> Caller:
        cure = "Give a Trunkline key as user name of the proxy: http://tl_...@HOST:PORT."
        if not asked.key:
            raise Refused(407, "unauthenticated", "The CONNECT listener needs a Trunkline key.", action=cure)
        try:
            caller = self._identify(Shown(asked.key, peer))
        except CallError as refusal:
            status = 407 if refusal.code == "unauthenticated" else 403
            raise Refused(status, refusal.code, refusal.message, action=cure) from None
        if sum(one.caller_id == caller.id for one in self._clients) >= self._bounds.per_key:
            said = f"The key {caller.key.name!r} has {self._bounds.per_key} tunnels open, its most."
            raise Refused(503, "caller_rate_limited", said)
        return caller

    def _target(self, asked: Asked, caller: Caller, peer: str) -> Target:
        target = self.declared.find(asked.host, asked.port)
        place = f"{asked.host}:{asked.port}"
        if target is None:
            self.counts.undeclared(
                asked.host, asked.port, caller.key.name, peer, self._wall(), plain=asked.plain
            )
            ports = self.declared.ports(asked.host)
            there = f" (declared: port {', '.join(map(str, ports))})" if ports else ""
            said = f"{place} is not declared in the registry{there}."
            cure = (
                "Declare an integration with this address, or list the host under `egress: {allow: [...]}`."
            )
            raise Refused(403, "undeclared_host", said, action=cure)
        if asked.plain:
            name = target.integration or "NAME"
            said = f"Plain HTTP is not let through, not even to {place}: the credential would travel unencrypted."
            raise Refused(
                403,
                "plain_http",
                said,
                action=f"Use https, or call it through the gateway: /api/proxy/{name}/...",
            )
        if target.integration and not _may(caller, target.integration):
            said = f"This key may not call {target.integration}; it needs the scope 'integration:{target.integration}'."
            raise Refused(403, "forbidden", said)
        return target

    async def _open(self, client: Client, asked: Asked, target: Target) -> None:
        origin = Origin("http", asked.host, asked.port, private=target.private)
        try:
            outside = await self._connector.connect(origin, lambda _: Outside(client), self._bounds.connect_s)
        except AddressDenied as denied:
            client.refuse(Refused(403, "address_denied", str(denied)))
        except (DnsError, ConnectTimeout) as problem:
            client.refuse(Refused(504, "timeout", str(problem)))
        except WireError as problem:
            client.refuse(Refused(502, "network", str(problem)))
        else:
            self.counts.opened[client.name] += 1
            client.opened(outside)
            self.counts.open = sum(one.outside is not None for one in self._clients)

    def sweep(self) -> None:
        """Cuts tunnels that stand idle, whose key was revoked, or whose host is no longer declared."""
        now = self._clock()
        for client in [one for one in self._clients if one.caller_id]:
            gone = self.declared.find(*client.target) is None or not self._alive(client.caller_id)
            if gone or now - client.active_at > self._bounds.idle_s:
                self.counts.refused["cut" if gone else "idle"] += 1
                client.cut()


def _may(caller: Caller, integration: str) -> bool:
    """What passes a tunnel cannot be seen, so a scope for single operations or models is not enough."""
    return caller.everything or "*" in caller.integrations or integration in caller.integrations
