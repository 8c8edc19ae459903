"""The live tail as server-sent events: a call when it is first seen, and again when it has ended.

Follows the ledger, so it shows what is recorded, a fraction of a second late. A client that comes back with `Last-Event-ID`
misses nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from trunkline.console import shapes
from trunkline.console.context import Console
from trunkline.console.identity import NOBODY, Identity
from trunkline.core.codec import to_json

POLL_S = 0.5
HEARTBEAT_POLLS = 30
MAX_EVENTS = 200
STILL_POLLS = 4
"""How often it is asked whether who follows still may."""


def tail(
    console: Console,
    query: shapes.TailQuery,
    who: Identity = NOBODY,
    last_event_id: str = "",
    still: Callable[[], bool] = lambda: True,
) -> StreamingResponse:
    """Start following."""
    after = int(last_event_id) if last_event_id.isdigit() else query.after
    return StreamingResponse(events(console, after, who.teams, still), media_type="text/event-stream")


async def events(
    console: Console,
    after: int | None,
    teams: tuple[str, ...] | None = None,
    still: Callable[[], bool] = lambda: True,
) -> AsyncIterator[bytes]:
    """The stream, until the client goes or may no longer see it (`still`). `teams`: calls of these teams only."""
    place, found = await run_in_threadpool(_next, console, after, teams)
    yield b"retry: 1000\n\n"
    quiet = polls = 0
    while True:
        if found:
            yield b"".join(_event(call) for call in found)
        quiet = 0 if found else quiet + 1
        if quiet % HEARTBEAT_POLLS == HEARTBEAT_POLLS - 1:
            yield b": still here\n\n"
        if len(found) < MAX_EVENTS:
            await asyncio.sleep(POLL_S)
        polls += 1
        if polls % STILL_POLLS == 0 and not await run_in_threadpool(still):
            return
        place, found = await run_in_threadpool(_next, console, place, teams)


def _next(
    console: Console, after: int | None, teams: tuple[str, ...] | None
) -> tuple[int, list[dict[str, Any]]]:
    return console.ledger.tail(after, limit=MAX_EVENTS, teams=teams)


def _event(call: dict[str, Any]) -> bytes:
    return b"id: %d\nevent: call\ndata: %s\n\n" % (call["changed_us"], to_json(call))
