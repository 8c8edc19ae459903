"""Calls to vendors: HTTP/1.1 over pooled connections, one exchange per connection at a time.

The caller writes the request's head itself; this package never adds, drops or repeats anything: a request whose
bytes were handed to a connection is never sent again by us. With an idle connection `open` writes at once and
creates neither task nor timer.
"""

from __future__ import annotations

import asyncio
import socket

from trunkline.wire.connect import Connector
from trunkline.wire.connection import Body, Connection
from trunkline.wire.departures import Departures
from trunkline.wire.errors import Aborted, PoolExhausted, ResetBeforeReply, WireError
from trunkline.wire.framing import ClientLimits, Sink
from trunkline.wire.origin import Origin
from trunkline.wire.plain import PlainReader
from trunkline.wire.pool import Change, Pool
from trunkline.wire.resolve import Resolver
from trunkline.wire.response import Response

__all__ = ["Client", "ClientLimits", "Origin", "Response"]

SWEEP_S = 1.0


class _Seeker:
    """A request that has no connection yet: in line, or dialing."""

    __slots__ = ("body", "deadline", "head", "response", "room", "task", "timer")

    def __init__(self, room: _Room, response: Response, head: bytes, body: Body, deadline: float) -> None:
        self.room, self.response, self.head, self.body, self.deadline = (
            room,
            response,
            head,
            body,
            deadline,
        )
        self.task: asyncio.Task[None] | None = None
        self.timer: asyncio.TimerHandle | None = None

    def drop(self) -> None:
        """Leave the line, stop the dial."""
        self.stop_timer()
        if self.task is not None:
            self.task.cancel()
        self.room.pool.change(Change.LEFT, seeker=self)

    def stop_timer(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    def stream_to(self, sink: Sink) -> None:
        raise RuntimeError("there is no reply to relay yet")

    def hold_back(self, hold: bool) -> None:
        """Nothing is being read yet."""


class _Room:
    """One origin: its pool, and the acts that the pool asks for."""

    def __init__(self, client: Client, origin: Origin, loop: asyncio.AbstractEventLoop) -> None:
        self.client, self.origin, self.loop, self.departures = client, origin, loop, client.departures
        self.pool: Pool[Connection, _Seeker] = Pool(
            str(origin),
            limit=client.limits.max_connections,
            dial=self.dial,
            hand=self.hand,
            clock=loop.time,
        )
        self.freed = self.pool.give

    # asked by the pool

    def hand(self, connection: Connection, seeker: _Seeker) -> None:
        seeker.stop_timer()
        seeker.response.activity = self.loop.time()
        connection.exchange(seeker.response, seeker.head, seeker.body, seeker.deadline)

    def dial(self, seeker: _Seeker) -> None:
        seeker.stop_timer()
        seeker.task = self.loop.create_task(self._dial(seeker))
        self.started(seeker.task)

    async def _dial(self, seeker: _Seeker) -> None:
        response = seeker.response
        made: list[Connection] = []

        def make(sock: socket.socket) -> Connection:
            made.append(Connection(self.loop, self, self.client.limits, sock, self.client.plain))
            return made[-1]

        try:
            connection = await self.client.connector.connect(
                self.origin, make, seeker.deadline - self.loop.time()
            )
            if not connection.quiet():
                raise ResetBeforeReply(f"{self.origin} closed the connection, or spoke, before it was asked")
        except BaseException as error:
            for unfinished in made:
                unfinished.close()
            wanted = response._holder is seeker
            self.pool.change(Change.LEFT, seeker=seeker)
            if wanted:  # last, for it may run the caller, who may try again
                response.failed(error if isinstance(error, WireError) else _unexpected(error))
            if not isinstance(error, Exception):
                raise
        else:
            self.pool.change(Change.OPENED, connection=connection, seeker=seeker)
            self.hand(connection, seeker)

    # told by connections

    def made(self, connection: Connection) -> None:
        self.client.connections.add(connection)

    def started(self, task: asyncio.Task[None]) -> None:
        self.client.tasks.add(task)
        task.add_done_callback(self.client.tasks.discard)

    def closed(self, connection: Connection) -> None:
        self.pool.change(Change.LOST, connection=connection)

    def gone(self, connection: Connection) -> None:
        self.client.connection_gone(connection)

    def elsewhere(self, response: Response, request: bytes, deadline: float) -> None:
        self.client.seek(_Seeker(self, response, request, None, deadline))


class Client:
    """The way out. One per process and event loop; `open` for each request."""

    def __init__(
        self,
        *,
        resolver: Resolver | None = None,
        limits: ClientLimits | None = None,
        connector: Connector | None = None,
    ) -> None:
        self.limits = limits or ClientLimits()
        self.plain = PlainReader(head_bytes=self.limits.head_bytes, fields=self.limits.fields)
        self.connector = connector or Connector(resolver)
        self.tasks: set[asyncio.Task[None]] = set()
        self.connections: set[Connection] = set()  # every one whose descriptor is open
        self._rooms: dict[Origin, _Room] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self.departures: Departures
        self._sweep: asyncio.TimerHandle | None = None
        self._closing: asyncio.Future[None] | None = None

    def __repr__(self) -> str:
        return f"<Client {[room.pool for room in self._rooms.values()]}>"

    def open(
        self,
        origin: Origin,
        method: bytes,
        head: bytes,
        body: Body = None,
        *,
        connect_timeout_s: float = 5.0,
    ) -> Response:
        """Send a request; never blocks, never raises. `head` is the whole head with its blank line."""
        loop = self._loop or self._start()
        now = loop.time()
        response = Response(loop, now, method == b"HEAD")
        room = self._rooms.get(origin)
        if room is None:
            room = self._rooms[origin] = _Room(self, origin, loop)
        connection = room.pool.take(now)
        while connection is not None and not (body is None or isinstance(body, bytes) or connection.quiet()):
            connection.close()  # a stream can be sent only once, so its connection is looked at now
            connection = room.pool.take(now)
        if connection is not None:
            connection.exchange(response, head, body, now + connect_timeout_s)
        else:
            self.seek(_Seeker(room, response, head, body, now + connect_timeout_s))
        return response

    def seek(self, seeker: _Seeker) -> None:
        """Find a connection for a request that has none: an idle one, a new one, or the next that comes free."""
        response, pool = seeker.response, seeker.room.pool
        response._holder = seeker
        if self._closing is not None:
            response.failed(Aborted("the client is closed"))
            return
        if len(pool.waiting) >= self.limits.max_waiting:
            response.failed(
                PoolExhausted(f"{len(pool.waiting)} requests already wait for a connection to {pool.name}")
            )
            return
        pool.change(Change.WANTED, seeker=seeker)
        if seeker in pool.waiting:
            seeker.timer = seeker.room.loop.call_at(seeker.deadline, _waited_too_long, seeker)

    def _start(self) -> asyncio.AbstractEventLoop:
        self._loop = asyncio.get_running_loop()
        self.departures = Departures(self._loop)
        self._sweep = self._loop.call_later(SWEEP_S, self.sweep)
        return self._loop

    def sweep(self) -> None:
        """Close what was idle too long, forget origins without connections. One timer for everything."""
        assert self._loop is not None
        now = self._loop.time()
        for room in list(self._rooms.values()):
            room.pool.expire(now)
            if room.pool.empty:
                del self._rooms[room.origin]
        if self._closing is None:
            self._sweep = self._loop.call_later(SWEEP_S, self.sweep)

    def connection_gone(self, connection: Connection) -> None:
        """The descriptor of this connection is closed."""
        self.connections.discard(connection)
        if self._closing is not None and not self.connections and not self._closing.done():
            self._closing.set_result(None)

    async def close(self) -> None:
        """Abort everything under way and return when every task and descriptor is gone."""
        if self._loop is None:
            return
        self._closing = self._loop.create_future()
        if self._sweep is not None:
            self._sweep.cancel()
        for room in self._rooms.values():
            for seeker in [*room.pool.waiting, *room.pool.dialing]:
                seeker.response.abort(Aborted("the client is closed"))
        for connection in list(self.connections):
            connection.fail(Aborted("the client is closed", sent=True))
        if self.tasks:
            await asyncio.wait(set(self.tasks))
        if self.connections:
            await self._closing
        self.departures.close()


def _waited_too_long(seeker: _Seeker) -> None:
    pool = seeker.room.pool
    seeker.response.abort(
        PoolExhausted(f"no connection to {pool.name} came free in time ({pool.limit} are busy)")
    )


def _unexpected(error: BaseException) -> WireError:
    failure = WireError(f"connecting failed: {type(error).__name__}", stage="connect")
    failure.__cause__ = error
    return failure
