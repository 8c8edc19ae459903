"""The simulator itself: a listener, the vendors behind it, and what the control API steers (faults, latency, credentials).

Not for: bytes (`connection.py`) or what single vendors answer (`vendors/`).
"""

from __future__ import annotations

import asyncio
import ssl
import time
from pathlib import Path

from trunkline.simulator import altered, corpus, wire_faults
from trunkline.simulator import latency as latencies
from trunkline.simulator.connection import Connection, Exchange
from trunkline.simulator.control import Control
from trunkline.simulator.credentials import Credentials, find, without_secrets
from trunkline.simulator.failures import Failure, Refusal, failure_reply
from trunkline.simulator.faults import Faults
from trunkline.simulator.ledger import Entry, Ledger, digest
from trunkline.simulator.reply import Reply
from trunkline.simulator.request import BadBody, Request
from trunkline.simulator.vendors import Profile, Vendor, profile

CONTROL = "_sim"


class Simulator:
    """Plays all vendors below one port, `/{vendor}/...`, or one of them at the root."""

    def __init__(self, *, root: str = "", ledger_file: Path | None = None) -> None:
        self.root = root
        self.ledger = Ledger(ledger_file)
        self.faults = Faults()
        self.latencies = latencies.Latencies()
        self.credentials = Credentials()
        self.connections: set[Connection] = set()
        self.accepted = 0
        self.hangups = 0
        self.partial_heads = 0
        self.port = 0
        self._host = "127.0.0.1"
        self._vendors: dict[str, tuple[Profile, Vendor]] = {}
        self._listeners: list[asyncio.Server] = []
        self._control = Control(self)

    # Listening.

    async def start(
        self, host: str = "127.0.0.1", port: int = 0, *, tls: ssl.SSLContext | None = None
    ) -> int:
        """Listens and returns the port. Called again, it adds a listener (e.g. one with TLS)."""
        loop = asyncio.get_running_loop()
        listener = await loop.create_server(
            self._connect, host, port, ssl=tls, backlog=2048, reuse_address=True
        )
        self._listeners.append(listener)
        found: int = listener.sockets[0].getsockname()[1]
        if tls is None:
            self.port, self._host = found, host
        return found

    async def stop(self) -> None:
        """Stops listening and cuts every connection."""
        self._unlisten()
        self.drop_connections()
        await asyncio.sleep(0)
        self.ledger.close()

    def refuse_for(self, seconds: float) -> None:
        """Stops listening for a while, so that connections are refused; those that exist are cut."""
        loop = asyncio.get_running_loop()
        self._unlisten()
        loop.call_later(0.01, self.drop_connections)
        loop.call_later(seconds, lambda: loop.create_task(self.start(self._host, self.port)))

    def drop_connections(self, *, idle_only: bool = False) -> int:
        """Closes connections from this side. Returns how many."""
        chosen = [connection for connection in self.connections if connection.idle or not idle_only]
        for connection in chosen:
            connection.close() if connection.idle else connection.reset()
        return len(chosen)

    def _unlisten(self) -> None:
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()

    def _connect(self) -> Connection:
        self.accepted += 1
        return Connection(self, self.accepted)

    # What a connection asks for, in this order.

    def begin(
        self, connection: int, method: str, target: bytes, lines: list[tuple[bytes, bytes]], keep_alive: bool
    ) -> Exchange:
        """A request's head is here: it enters the ledger, and its fault, if any, is chosen."""
        fields: dict[str, str] = {}
        for name, value in lines:
            fields.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))
        path, _, query = target.decode("latin-1").partition("?")
        if path.startswith("http"):
            path = "/" + path.partition("://")[2].partition("/")[2]
        vendor, path = self._split(path)
        request = Request(vendor, method, path, query, fields)
        if vendor == CONTROL:
            return Exchange(request, None, None, keep_alive)
        entry = self._entry(connection, request)
        self.ledger.add(entry)
        fault = self.faults.choose(vendor, method, path, fields.get("x-sim-fault"))
        entry.fault = fault.name if fault else ""
        return Exchange(request, entry, fault, keep_alive)

    def received(self, exchange: Exchange) -> None:
        """The request is whole."""
        request = exchange.request
        request.body = exchange.parts[0] if len(exchange.parts) == 1 else b"".join(exchange.parts)
        request.body_bytes = exchange.bytes_in
        exchange.parts = []
        if exchange.entry is not None:
            self.ledger.whole(exchange.entry, request.body, exchange.bytes_in)

    def answer(self, exchange: Exchange) -> Reply:
        """What the vendor says, with latency and content faults applied; notes in the ledger whether an act was carried out."""
        request, entry, fault = exchange.request, exchange.entry, exchange.fault
        if entry is None:
            return self._control.answer(request)
        shaped, vendor = self._vendor(request.vendor)
        header = request.fields.get("x-sim-latency")
        try:
            pace = self.latencies.of(request.vendor) if header is None else latencies.from_header(header)
        except ValueError as error:
            return failure_reply("generic", Failure(400, str(error), "bad_latency"))
        request.chunks = pace.chunks
        if fault is not None and (failure := corpus.failure(shaped, fault)) is not None:
            reply = failure_reply(shaped.shape, failure)
        elif fault is not None and not (fault.name in wire_faults.FAULTS or fault.name in altered.FAULTS):
            reply = _unknown_fault(fault.name)
        else:
            reply = self._vendor_reply(shaped, vendor, request, entry)
            entry.status, entry.replayed = reply.status, reply.replayed
            if reply.acted and reply.status < 400 and request.method not in ("GET", "HEAD", "OPTIONS"):
                self.ledger.act(entry)
            if fault is not None and fault.name in altered.FAULTS:
                reply = altered.FAULTS[fault.name](reply, fault, shaped)
        if pace is not latencies.NONE:
            reply.first_ms += pace.first_ms
            reply.gap_ms += pace.per_chunk_ms
        reply.request_line = b"%b: req_sim_%08d\r\n" % (shaped.request_id.encode(), entry.seq)
        entry.status = reply.status
        return reply

    def ended(self, exchange: Exchange, outcome: str) -> None:
        """The exchange is over."""
        exchange.request.open = False
        if exchange.entry is not None:
            self.ledger.end(exchange.entry, outcome)

    def malformed(self, connection: int) -> None:
        """Bytes that are no HTTP request arrived; that too stands in the ledger."""
        entry = self._entry(connection, Request("", "?", "", "", {}))
        self.ledger.add(entry)
        self.ledger.end(entry, "malformed")

    def forget(self) -> None:
        """As if just started: no rules, no entries, no objects at the vendors."""
        self.faults.remove()
        self.latencies.rules.clear()
        self.credentials.clear()
        self._vendors.clear()
        self.ledger.clear()

    # Parts of these.

    def _split(self, path: str) -> tuple[str, str]:
        first, slash, rest = path[1:].partition("/")
        if first == CONTROL:
            return CONTROL, slash + rest
        return (self.root, path) if self.root else (first, slash + rest)

    def _vendor(self, name: str) -> tuple[Profile, Vendor]:
        found = self._vendors.get(name)
        if found is None:
            shaped = profile(name)
            found = shaped, shaped.make()
            if len(self._vendors) < 1000:
                self._vendors[name] = found
        return found

    def _entry(self, connection: int, request: Request) -> Entry:
        fields = request.fields
        place, credential = find(fields, request.query_text, profile(request.vendor).places)
        return Entry(
            seq=self.ledger.next_seq(),
            connection=connection,
            vendor=request.vendor,
            method=request.method,
            path=request.path,
            query=without_secrets(request.query_text) if request.query_text else "",
            header_names=tuple(fields),
            credential=digest(credential),
            credential_place=place,
            idempotency_key=fields.get("idempotency-key", ""),
            correlation_id=fields.get("x-correlation-id", ""),
            retry_count=fields.get("x-stainless-retry-count", ""),
            begun=time.time(),
        )

    def _vendor_reply(self, shaped: Profile, vendor: Vendor, request: Request, entry: Entry) -> Reply:
        try:
            missing = shaped.required and not entry.credential
            if missing or not self.credentials.accepts(request.vendor, entry.credential):
                raise Refusal(corpus.refused_credential(shaped, missing))
            reply = vendor.answer(request)
        except Refusal as refusal:
            return failure_reply(shaped.shape, refusal.failure)
        except BadBody as error:
            return failure_reply(shaped.shape, Failure(400, str(error)))
        except (TypeError, ValueError, KeyError, AttributeError, IndexError) as error:
            # A vendor answers 400 to a value of the wrong type; where its code here stumbles over one, so do we.
            return failure_reply(
                shaped.shape, Failure(400, f"The request has a value of the wrong type: {error!r}")
            )
        if shaped.fields:
            reply.fields = reply.fields + shaped.fields if reply.fields else shaped.fields
        return reply


def _unknown_fault(name: str) -> Reply:
    known = ", ".join(sorted({*wire_faults.FAULTS, *altered.FAULTS, *corpus.names()}))
    return failure_reply(
        "generic", Failure(400, f"The simulator knows no fault {name!r}. It knows: {known}.", "unknown_fault")
    )
