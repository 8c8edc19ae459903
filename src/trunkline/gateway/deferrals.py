"""Deferred calls in the gateway: takes them in, shows them to who may see them, passes on the wish to cancel one.

All by files (`journal/deferrals.py`): no database, and no word with the worker. Whatever touches the disk runs in a few threads
of its own. Not for: running deferred calls, which the worker does (`tasks/`).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol, TypeVar
from urllib.parse import parse_qsl

from trunkline.core.codec import DecodeError, from_json, pack_decoder, to_json, to_pack
from trunkline.core.deferral import (
    DEADLINE_S,
    ENDED,
    STATES,
    STATUS_PATH,
    Deferred,
    GivenAnswer,
    Order,
    Shown,
    first_shown,
    order_name,
    public,
)
from trunkline.core.errors import CallError
from trunkline.core.exchange import Answer, Exchange
from trunkline.core.flow import Fallback
from trunkline.core.text import HOP_BY_HOP
from trunkline.engine.gateway import Local, Told
from trunkline.engine.plan import repeatable
from trunkline.journal.deferrals import Board, Damaged, Inbox, inbox_names
from trunkline.plugins.policies.access import beyond_minting
from trunkline.plugins.policies.deferral import Deferral, owner_of, whole_body
from trunkline.plugins.policies.grants import webhook_secret

JSON = b"content-type: application/json\r\ncache-control: no-store\r\n"
THREADS = 4
PAGE = 100
_ID = re.compile(rb"tsk_[0-9a-f]{32}")
_NOT_GIVEN = HOP_BY_HOP | {b"content-length"}
T = TypeVar("T")

_shown = pack_decoder(Shown)


class HasTokenKey(Protocol):
    """What signs grants and webhooks, as it is now (plugins/policies/access.py)."""

    token_key: bytes


class Deferrals:
    """The gateway's side. `key`: 32 secret bytes of the installation."""

    def __init__(self, folder: Path, key: bytes, keys: HasTokenKey, wall: Callable[[], float]) -> None:
        self._inbox = Inbox(folder, key)
        self._board = Board(folder, key)
        self._folder = folder
        self._keys = keys
        self._wall = wall
        self._pool: ThreadPoolExecutor | None = None
        self.policy = Deferral(self.accept, wall)

    def _off(self, act: Callable[..., T], *given: object) -> Awaitable[T]:
        """Runs what waits for the disk in a thread."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="deferrals")
        return asyncio.get_running_loop().run_in_executor(self._pool, act, *given)

    async def accept(self, call: Deferred) -> None:
        """Returns once the call would outlive a power cut. Raises CallError `store_unavailable`."""
        try:
            await self._off(self._put, call)
        except OSError as problem:
            raise CallError(
                "store_unavailable",
                f"the call could not be accepted for later: {problem.strerror or problem}",
            ) from None

    def _put(self, call: Deferred) -> None:
        # Shown first, so that whoever holds its id finds it; the worker shows it anew in any case.
        self._board.write(call.owner, call.id, to_pack(first_shown(call)), durably=False)
        try:
            self._inbox.put(call.id, to_pack(call))
        except BaseException:
            self._board.remove(call.owner, call.id)
            raise

    async def defer(self, exchange: Exchange, error: CallError, step: Fallback) -> Answer | None:
        """The fallback of kind `defer`: a task instead of a failure that waiting can cure. None: the failure stands."""
        caller = exchange.caller
        if caller is None or caller.task or not curable(exchange, error):
            return None
        rest = exchange.rest
        if rest is not None and rest.started:
            return None
        try:
            body = await whole_body(exchange)
            return await self.policy.take(exchange, body, step.deadline or DEADLINE_S, error)
        except CallError as problem:
            exchange.notes += (f"defer=refused:{problem.code}",)
            return None

    # Routes.

    def find(self, method: str, path: bytes) -> Local | None:
        """The route of a path below `/v1/tasks`; None if there is none."""
        if path == b"/v1/tasks":
            return Local(self.tasks) if method == "GET" else None
        rest = path[len(STATUS_PATH) :]
        if rest == b"signing-secret":
            return Local(self.signing_secret) if method == "GET" else None
        name, _, part = rest.partition(b"/")
        if not _ID.fullmatch(name):
            return None
        if part == b"answer" and method == "GET":
            return Local(self.answer)
        found = {"GET": self.task, "DELETE": self.cancel}.get(method) if not part else None
        return Local(found) if found is not None else None

    async def tasks(self, exchange: Exchange) -> Told:
        """Tasks of the same team (or key), newest first."""
        asked = dict(parse_qsl(exchange.request.target.partition(b"?")[2].decode("latin-1")))
        state, before = asked.get("state", ""), asked.get("before", "")
        limit = int(asked["limit"]) if asked.get("limit", "").isdecimal() else 20
        if not 1 <= limit <= PAGE or (state and state not in STATES):
            raise CallError(
                "invalid_request",
                f"limit takes 1 to {PAGE}, state one of {', '.join(STATES)}",
                scope="request",
            )
        owner = owner_of(beyond_minting(exchange))
        found, more = await self._off(self._page, owner, before, state, limit)
        rows = [public(task, answer=False) for task in found]
        return 200, JSON, to_json({"tasks": rows, "next": rows[-1]["id"] if more else None})

    def _page(self, owner: str, before: str, state: str, limit: int) -> tuple[list[Shown], bool]:
        found: list[Shown] = []
        for name in self._board.names(owner):
            if before and name >= before:
                continue
            task = self._read(owner, name)
            if task is None or (state and task.state != state):
                continue
            if len(found) == limit:
                return found, True
            found.append(task)
        return found, False

    async def task(self, exchange: Exchange) -> Told:
        """How far a task is, and its answer once there is one."""
        task = await self._of(exchange)
        body = await self._off(to_json, {"task": public(task), "correlationId": task.correlation_id})
        return 200, JSON + _again_in(task, self._wall()), body

    async def answer(self, exchange: Exchange) -> Told:
        """The answer alone, as the call itself would have got it; 202 with the task until there is one."""
        task = await self._of(exchange)
        given = task.answer
        if given is None and task.state not in ENDED:
            body = {"task": public(task), "correlationId": task.correlation_id}
            return 202, JSON + _again_in(task, self._wall()), to_json(body)
        if given is None or given.omitted:
            why = "it was too long to be kept" if given is not None else _no_answer(task, self._wall())
            raise CallError("not_found", f"there is no answer of {task.id} to give: {why}", scope="task")
        return (
            given.status,
            lines(given) + b"x-trunkline-task-state: %b\r\n" % task.state.encode(),
            given.body,
        )

    async def cancel(self, exchange: Exchange) -> Told:
        """Has a task cancelled; one that has ended stays as it is."""
        task = await self._of(exchange)
        body = {"task": public(task, answer=False), "correlationId": task.correlation_id}
        if task.state in ENDED:
            return 200, JSON, to_json(body)
        caller = exchange.caller
        assert caller is not None
        now = self._wall()
        order = Order(what="cancel", id=task.id, at=now, actor=f"key:{caller.id}")
        try:
            await self._off(self._inbox.put, order_name(order), to_pack(order))
        except OSError as problem:
            raise CallError(
                "store_unavailable", f"the wish to cancel could not be noted: {problem.strerror or problem}"
            ) from None
        return 202, JSON, to_json(body)

    def signing_secret(self, exchange: Exchange) -> Told:
        """The secret under which the caller's own webhooks are signed."""
        caller = beyond_minting(exchange)
        if caller.token_id:
            raise CallError("forbidden", "a browser token may not read the signing secret", scope="key")
        return 200, JSON, to_json({"secret": webhook_secret(self._keys.token_key, caller.id)})

    async def _of(self, exchange: Exchange) -> Shown:
        owner = owner_of(beyond_minting(exchange))
        path = exchange.request.target.partition(b"?")[0]
        name = path[len(STATUS_PATH) :].partition(b"/")[0].decode()
        task = await self._off(self._read, owner, name)
        if task is None:
            raise CallError("not_found", f"there is no task {name} that this key may see", scope="task")
        return task

    def _read(self, owner: str, name: str) -> Shown | None:
        try:
            data = self._board.read(owner, name)
            return _shown.decode(data) if data is not None else None
        except (Damaged, DecodeError, OSError):
            return None

    def standing(self) -> dict[str, object]:
        """How many tasks are in which state, as the worker last said, for `/health?detail=1`; empty if there never was one."""
        try:
            told = from_json((self._folder / "summary.json").read_bytes())
        except (OSError, DecodeError):
            told = {}
        found = dict(told["tasks"]) if isinstance(told, dict) and "tasks" in told else {}
        waiting = inbox_names(self._folder)
        if not found and not waiting:
            return {}
        oldest_at = float(told["oldest_at"]) if found else 0.0
        age_s = round(max(0.0, self._wall() - oldest_at), 1) if oldest_at else None
        return {**found, "not_taken_over": len(waiting), "oldest_age_s": age_s}

    def stop(self) -> None:
        """Lets what is being written come to its end."""
        if self._pool is not None:
            self._pool.shutdown(wait=True)


def curable(exchange: Exchange, error: CallError) -> bool:
    """Whether the same call could succeed later without doing anything twice."""
    worth_waiting = error.retryable and error.kind.who != "caller"
    return worth_waiting and repeatable(error, exchange.repeat, bool(exchange.idempotency_key))


def lines(given: GivenAnswer) -> bytes:
    """The header lines of an answer that is given late."""
    found = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in given.headers]
    return b"".join(b"%b: %b\r\n" % field for field in found if field[0] not in _NOT_GIVEN)


def _again_in(task: Shown, now: float) -> bytes:
    """When it is worth asking again."""
    if task.state in ENDED:
        return b""
    return b"retry-after: %d\r\n" % max(1, min(60, int(task.run_at - now)))


def _no_answer(task: Shown, now: float) -> str:
    if task.expires_at and now >= task.expires_at:
        return "it was erased"
    return f"it ended as {task.state}"
