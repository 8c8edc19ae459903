"""Plays faults on demand between dispatch and wire (F12), outside of production only.

While no fault was ever set it does not exist: the dispatcher is given it as its wire, and as the last of its attempt policies, when
the first one is. A struck attempt's answer carries `x-trunkline-fault: NAME`. Not for: what the faults are (`core/faults.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from trunkline.core import faults
from trunkline.core.codec import DecodeError
from trunkline.core.dialects import LINES as LINED
from trunkline.core.exchange import Attempt
from trunkline.core.faults import Fault
from trunkline.core.ports import Policy
from trunkline.engine.frames import EVENTS, LINES
from trunkline.gateway.log import say
from trunkline.gateway.watch import Watched
from trunkline.wire.errors import ConnectRefused, ReplyCut
from trunkline.wire.framing import Sink
from trunkline.wire.response import Response

HEADER = b"x-trunkline-fault: "
_EVENT_END = re.compile(rb"\r?\n\r?\n|\r\r")
_LINE_END = re.compile(rb"\n")


class Opens(Protocol):
    """The wire's client."""

    def open(
        self,
        origin: Any,
        method: bytes,
        head: bytes,
        body: bytes | AsyncIterator[bytes] | None = None,
        *,
        connect_timeout_s: float = 5.0,
    ) -> Response: ...


class Adopts(Protocol):
    """The dispatcher."""

    def adopt(self, wire: Any, policies: Sequence[Policy[Attempt]]) -> None: ...


class Pretends(Protocol):
    """The journal."""

    def pretend_full(self, full: bool) -> None: ...


class FaultLayer:
    """The wire while faults are set, and the policy that chooses whom they strike."""

    def __init__(
        self, wire: Opens, wall: Callable[[], float], chance: Callable[[], float] = random.random
    ) -> None:
        self._wire = wire
        self._wall = wall
        self._chance = chance
        self._faults: dict[str, list[Fault]] = {}
        self._next: tuple[Attempt, Fault] | None = None

    def load(self, found: Sequence[Fault]) -> None:
        """From now on these."""
        self._faults = {}
        for fault in found:
            self._faults.setdefault(fault.integration, []).append(fault)

    def active(self) -> list[Fault]:
        """What is in force now."""
        now = self._wall()
        return [fault for some in self._faults.values() for fault in some if fault.holds(now)]

    def __repr__(self) -> str:
        return f"FaultLayer({len(self._faults)} integrations, next={self._next})"

    def admit(self, attempt: Attempt) -> None:
        """The last word before an attempt is sent, in the same turn of the loop: whether it is struck."""
        self._next = None
        fault = self._chosen(attempt.target.live.name)
        if fault is not None:
            self._next = (attempt, fault)
            line = HEADER + fault.fault.encode("ascii", "replace") + b"\r\n"
            if line not in attempt.exchange.extra:
                attempt.exchange.extra += line
                attempt.exchange.notes += (f"fault={fault.fault}",)

    def settle(self, attempt: Attempt) -> None:
        if self._next is not None and self._next[0] is attempt:
            self._next = None

    def _chosen(self, integration: str) -> Fault | None:
        now = self._wall()
        for fault in self._faults.get(integration, ()):
            if fault.holds(now) and self._chance() < fault.share:
                return fault
        return None

    def open(
        self,
        origin: Any,
        method: bytes,
        head: bytes,
        body: bytes | AsyncIterator[bytes] | None = None,
        *,
        connect_timeout_s: float = 5.0,
    ) -> Response:
        """As the wire's, unless the attempt that was admitted last is struck."""
        struck, self._next = self._next, None
        if struck is None:
            return self._wire.open(origin, method, head, body, connect_timeout_s=connect_timeout_s)
        attempt, fault = struck
        loop = asyncio.get_running_loop()
        if fault.play in ("answer", "refused", "never") or (
            fault.play == "event" and not attempt.exchange.stream
        ):
            return Invented(loop, fault, method == b"HEAD")
        inner = self._wire.open(origin, method, head, body, connect_timeout_s=connect_timeout_s)
        return Spoilt(loop, fault, inner, event_for(fault, dialect_of(attempt)))


class Invented(Response):
    """An answer that no vendor gave, or none at all."""

    def __init__(self, loop: asyncio.AbstractEventLoop, fault: Fault, head_only: bool) -> None:
        super().__init__(loop, loop.time(), head_only)
        self._fault = fault
        self._holder = self
        refused = fault.play == "refused"
        self.sent = self.connected = not refused
        self._timer: asyncio.TimerHandle | None = None
        if fault.play != "never":
            self._timer = loop.call_later(fault.ms / 1000, self._arrive)

    def _arrive(self) -> None:
        fault = self._fault
        if fault.play == "refused":
            self.failed(ConnectRefused(f"the fault {fault.fault!r} is set: no connection was made"))
            return
        headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in fault.fields]
        body = b"" if self.head_only else fault.body.encode()
        headers.append((b"content-length", b"%d" % len(body)))
        self.arrived(fault.status, headers, dict(reversed(headers)))
        self.completed(body)
        self.tell()

    # As holder of itself.

    def drop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def stream_to(self, sink: Sink) -> None:
        """Never needed: what is invented is whole."""

    def hold_back(self, hold: bool) -> None:
        """Never needed either."""


class Spoilt(Response):
    """The vendor's answer, but late, or broken off, or ended by an error event."""

    def __init__(self, loop: asyncio.AbstractEventLoop, fault: Fault, inner: Response, event: bytes) -> None:
        self._inner = inner
        super().__init__(loop, loop.time(), inner.head_only)
        self._fault = fault
        self._event = event
        self._holder = self
        self._sink: Sink | None = None
        self._left = fault.after
        self._tail = b""
        self._timer: asyncio.TimerHandle | None = None
        if inner.status or inner.error is not None:
            loop.call_soon(self._answered)
        else:
            inner.waiter = self._answered

    @property
    def sent(self) -> bool:
        """As it is with the vendor: what timeouts and repeats depend on."""
        return self._inner.sent

    @sent.setter
    def sent(self, sent: bool) -> None:
        """Not ours to say."""

    @property
    def connected(self) -> bool:
        return self._inner.connected

    @connected.setter
    def connected(self, connected: bool) -> None:
        """Not ours to say."""

    def _answered(self) -> None:
        """The vendor's answer has begun, or failed."""
        if self._inner.error is not None:
            self.failed(self._inner.error)
        elif self._fault.play == "latency":
            self._timer = self._loop.call_later(self._fault.ms / 1000, self._pass_on)
        else:
            self._pass_on()

    def _pass_on(self) -> None:
        inner = self._inner
        self.activity = self._loop.time()
        self.arrived(inner.status, inner.headers, inner.fields)
        if self._fault.play == "latency" and inner.complete:
            self.completed(inner.body)
        self.tell()

    def stream_to(self, sink: Sink) -> None:
        self._sink = sink
        done = self._inner.relay(self._piece)
        done.add_done_callback(self._ended)

    def _piece(self, piece: bytes) -> None:
        """One piece of the vendor's body: passed on, up to the end of the last event that may pass."""
        self.activity = self._loop.time()
        if self._sink is None:
            return
        if self._fault.play == "latency":
            self._sink(piece)
            return
        ends = [len(piece) // 2]
        kind = self.fields.get(b"content-type", b"")
        end = _LINE_END if kind.startswith(LINES.media) else _EVENT_END
        if kind.startswith((EVENTS.media, LINES.media)):
            # An end of an event may itself be cut between two pieces.
            known = len(self._tail)
            whole = self._tail + piece
            ends = [0, *(hit.end() - known for hit in end.finditer(whole) if hit.end() > known)]
            self._tail = whole[-3:]
            if len(ends) <= self._left:
                self._left -= len(ends) - 1
                self._sink(piece)
                return
            ends = ends[self._left :]
        sink, self._sink = self._sink, None
        sink(piece[: ends[0]] + self._event)
        self._loop.call_soon(self._strike)

    def _strike(self) -> None:
        self._inner.abort()
        if self._fault.play == "event":
            self.ended()
        else:
            self.failed(ReplyCut(f"the fault {self._fault.fault!r} is set: the answer was cut", sent=True))

    def _ended(self, done: asyncio.Future[None]) -> None:
        """The vendor's body came to its end before anything struck."""
        if done.cancelled() or self._holder is None:
            return
        problem = done.exception()
        if problem is not None:
            self.failed(problem)
        elif self._sink is not None:
            self._sink = None
            self._strike() if self._fault.play != "latency" else self.ended()

    # As holder of itself.

    def drop(self) -> None:
        self._sink = None
        if self._timer is not None:
            self._timer.cancel()
        self._inner.abort()

    def hold_back(self, hold: bool) -> None:
        if hold:
            self._inner.pause()
        else:
            self._inner.resume()


def dialect_of(attempt: Attempt) -> str:
    """Which dialect the vendor answers in; empty if none is known."""
    adapter = attempt.exchange.adapter
    return adapter.name if adapter is not None else attempt.exchange.dialect


def event_for(fault: Fault, dialect: str) -> bytes:
    """The error event in the form of a dialect; empty where the fault has none."""
    family = "anthropic" if dialect.startswith("anthropic") else "responses" if "responses" in dialect else ""
    family = "lines" if dialect in LINED else family
    return fault.events.get(family, fault.events.get("", "")).encode()


class OnDemand:
    """Follows the file of faults; puts the layer before the wire when the first fault is set. In production it plays none."""

    def __init__(
        self,
        state: Path,
        dispatcher: Adopts,
        wire: Opens,
        policies: Sequence[Policy[Attempt]],
        journal: Pretends,
        environment: str,
        wall: Callable[[], float],
    ) -> None:
        self._layer = FaultLayer(wire, wall)
        self._dispatcher = dispatcher
        self._policies = policies
        self._journal = journal
        self._environment = environment
        self._wall = wall
        self._standing = self._pretending = self._said = False
        self._timer: asyncio.TimerHandle | None = None
        self.watched = Watched(state / faults.FILE, self.take)

    def begin(self) -> None:
        """At the start of the process: a file that does not fit is passed over."""
        with contextlib.suppress(DecodeError):
            self.take()

    def take(self) -> None:
        """The file has changed, or the process begins."""
        found = faults.read(self.watched.path)
        if found and self._environment == "prod":
            say(f"{faults.FILE} is passed over: faults are not played in production (TRUNKLINE_ENV)")
            return
        self._layer.load(found)
        if found and not self._standing:
            self._standing = True
            self._dispatcher.adopt(self._layer, [*self._policies, self._layer])
        self._fill()
        if found:
            names = ", ".join(f"{one.integration}: {one.fault}" for one in self._layer.active())
            say(f"faults are set: {names or 'all have passed'}")
        elif self._said:
            say(faults.LIFTED)
        self._said = bool(found)

    def _fill(self) -> None:
        """The disk is full for as long as that fault holds."""
        if self._timer is not None:
            self._timer.cancel()
        full = [one for one in self._layer.active() if one.integration == faults.JOURNAL]
        if bool(full) != self._pretending:
            self._pretending = bool(full)
            self._journal.pretend_full(self._pretending)
        if full and full[0].until:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(0.1, full[0].until - self._wall()), self._fill)

    def told(self) -> list[dict[str, Any]]:
        """For `/health?detail=1`."""
        return [
            {
                "integration": one.integration,
                "fault": one.fault,
                "share": one.share,
                "until": one.until or None,
            }
            for one in self._layer.active()
        ]


def findings(faults: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """What health says of faults that are set."""
    return [
        {
            "severity": "warning",
            "code": "fault-set",
            "item": f"integrations.{one['integration']}",
            "message": f"the fault {one['fault']!r} is set for {one['share']:.0%} of attempts; `trunkline faults clear` lifts it",
        }
        for one in faults
    ]
