"""The workflow of a deferred call: run it through the gateway, wait as long as that helps, end with an answer or at the deadline.

Every run is the same call under one idempotency key, the task's id: an answer that the gateway has given before is given again, and an
act whose outcome nobody knows is not repeated. What may run once more the gateway says itself (`x-trunkline-task`).
Decisions are pure functions. Not for: how tasks are kept (`lease.py`), nor who is told at the end (`tell.py`).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from typing import Protocol
from urllib.parse import unquote

import msgspec

from trunkline.core.codec import DecodeError, from_json, pack_decoder, to_pack
from trunkline.core.deferral import ANSWER_KEPT_S, BODY_MAX, ENDED, Deferred, GivenAnswer, Shown
from trunkline.core.text import HOP_BY_HOP
from trunkline.plugins.policies import grants
from trunkline.tasks.holds import Holds
from trunkline.tasks.own_call import Away, Broken, Reply
from trunkline.tasks.port import End, EndState, Postponed, Start, Step, Task, Work

NAME = "call"
BACKOFF_S = 5.0
BACKOFF_MAX_S = 300.0
SOONEST_S = 1.0
LAST_TRY_S = 2.0
"""The last try is made so long before the deadline, if nobody knows better."""
AWAY_S = 1.0
DEFER = "x-trunkline-defer"
"""In a run it only says that it is one; the gateway notes the task in its record."""
TOLD = "x-trunkline-task"
TOLD_MESSAGE = "x-trunkline-task-message"
HOLDING = frozenset(
    (
        *("rate_limited", "concurrency_limited", "quota_exhausted", "overloaded", "slow_down", "not_ready"),
        *("circuit_open", "queue_full", "queue_timeout"),
    )
)
"""Failures that say of the vendor, not of this call alone, when it will be back."""
_NOT_KEPT = frozenset(name.decode() for name in HOP_BY_HOP) | {"content-length", TOLD, TOLD_MESSAGE, "date"}


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """What one run came to."""

    at: float
    answer: GivenAnswer | None = None
    code: str = ""
    """Of the failure; empty for a good answer."""
    message: str = ""
    again: bool = False
    """Whether the same call could succeed later, safely."""
    retry_at: float = 0.0
    wake_at: float = 0.0
    """When it is worth trying again; drawn once, so that a replay waits for the same instant."""
    late: bool = False
    """The deadline had passed before it could run."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is told of a call as long as it is known: none of its words."""

    at: float
    span_s: float
    """How long it may take."""
    key: str
    integration: str
    model: str
    correlation_id: str
    reason: str
    notify: str


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far it is, and how its last run ended."""

    attempts: int
    code: str = ""
    message: str = ""


class Caller(Protocol):
    """The gateway as a run needs it (own_call.py)."""

    def call(
        self,
        method: str,
        target: str,
        headers: list[tuple[str, str]],
        body: bytes,
        *,
        answer_max: int,
        on_cancel: Callable[[Callable[[], None]], None],
    ) -> Reply: ...


_call = pack_decoder(Deferred)
_ran = pack_decoder(Ran)
_facts = pack_decoder(Facts)
_progress = pack_decoder(Progress)
_answer = pack_decoder(GivenAnswer)


def start(call: Deferred) -> Start:
    """The task of an accepted call."""
    return Start(
        id=call.id,
        name=NAME,
        input=to_pack(call),
        facts=to_pack(
            Facts(
                at=call.at,
                span_s=call.deadline - call.at,
                key=call.bearer.key,
                integration=call.integration,
                model=call.model,
                correlation_id=call.correlation_id,
                reason=call.reason,
                notify=call.notify,
            )
        ),
        owner=call.owner,
        label=label_of(call),
        run_at=call.run_at,
        deadline=call.deadline,
    )


def label_of(call: Deferred) -> str:
    """What it needs: vendors pause models one by one."""
    return f"{call.integration}/{call.model}" if call.model else call.integration


def read(data: bytes) -> Deferred:
    """The call of a task's input."""
    return _call.decode(data)


def facts(task: Task) -> Facts:
    """What is known of the call of a task for as long as the task is."""
    return _facts.decode(task.facts)


class DeferredCalls:
    """The workflow. `token_key` signs grants; `holds` learns when vendors will be back."""

    def __init__(
        self,
        gateway: Caller,
        holds: Holds,
        token_key: Callable[[], bytes],
        *,
        wall: Callable[[], float],
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._gateway = gateway
        self._holds = holds
        self._token_key = token_key
        self._wall = wall
        self._jitter = jitter
        self.away_until = 0.0
        """The gateway did not listen a moment ago: nothing should begin before."""

    def run(self, work: Work) -> End:
        """Until there is an answer that counts, or the deadline."""
        call = read(work.input)
        last, attempts = Ran(at=0.0), 0
        while True:
            run = partial(self._once, call, attempts + 1, work.deadline)
            ran = _ran.decode(work.step(f"run {attempts}", run))
            if ran.late:
                return _end("timed_out", last if last.code else ran, attempts)
            last, attempts = ran, attempts + 1
            if not ran.code:
                return _end("done", ran, attempts)
            if not ran.again:
                return _end("failed", ran, attempts)
            if ran.wake_at >= work.deadline:
                return _end("timed_out", ran, attempts)
            work.sleep(ran.wake_at, to_pack(Progress(attempts=attempts, code=ran.code, message=ran.message)))

    def _once(self, call: Deferred, attempt: int, deadline: float, step: Step) -> bytes:
        now = self._wall()
        if now >= deadline:
            text = "its time had passed before it could run"
            return to_pack(Ran(at=now, code="deadline_exceeded", message=text, late=True))
        grant = grants.minted(
            call.id, call.bearer, call.method, call.target, token_key=self._token_key(), now=now
        )
        own = [("x-trunkline-key", grant), ("idempotency-key", call.id)]
        own += [("x-correlation-id", call.correlation_id), (DEFER, "run")]
        try:
            reply = self._gateway.call(
                call.method,
                call.target,
                own + call.headers,
                call.body,
                answer_max=BODY_MAX,
                on_cancel=step.on_cancel,
            )
        except Away:
            self.away_until = now + AWAY_S
            raise Postponed(self.away_until) from None
        except Broken as problem:
            at = self._wall()
            broken = Ran(at=at, code="network", message=str(problem), again=True)
            return to_pack(self._timed(broken, attempt, deadline))
        ran = self._timed(judged(reply, self._wall()), attempt, deadline)
        if not ran.again:
            self._holds.ended(label_of(call), None)
        elif ran.retry_at and ran.code in HOLDING:
            self._holds.ended(label_of(call), ran.retry_at)
        return to_pack(ran)

    def _timed(self, ran: Ran, attempt: int, deadline: float) -> Ran:
        if not ran.again:
            return ran
        wake_at = wake(ran.at, ran.retry_at, attempt, self._jitter())
        if not ran.retry_at and deadline - ran.at > 2 * LAST_TRY_S:
            wake_at = min(wake_at, deadline - LAST_TRY_S)
        return msgspec.structs.replace(ran, wake_at=wake_at)


def judged(reply: Reply, now: float) -> Ran:
    """What a reply of the gateway means. Pure."""
    fields = dict(reply.fields)
    given = GivenAnswer(
        status=reply.status,
        headers=[field for field in reply.fields if field[0] not in _NOT_KEPT],
        body=reply.body,
        omitted=reply.omitted,
    )
    told = fields.get(TOLD)
    if told is None:
        if reply.status < 400:
            return Ran(at=now, answer=given)
        code, message = _said(reply)
        return Ran(at=now, answer=given, code=code, message=message)
    code, *rest = (part.strip() for part in told.split(";"))
    facts = dict(part.partition("=")[::2] for part in rest)
    return Ran(
        at=now,
        answer=given,
        code=code,
        message=unquote(fields.get(TOLD_MESSAGE, "")),
        again=facts.get("again") == "yes",
        retry_at=float(facts.get("retry-at") or 0.0),
    )


def wake(now: float, retry_at: float, attempt: int, jitter: float) -> float:
    """When to try again: when the failure says so, else with growing patience. Pure."""
    if retry_at > now:
        return retry_at + jitter
    patience = min(BACKOFF_MAX_S, BACKOFF_S * 2.0 ** min(attempt - 1, 10))
    return now + max(SOONEST_S, patience * (0.5 + jitter / 2))


def shown(task: Task) -> Shown:
    """A task of this workflow as its owner sees it; from a list, without its answer. Pure."""
    ended, known = task.state in ENDED, facts(task)
    told = _progress.decode(task.progress) if task.progress else Progress(attempts=0)
    code, message = told.code, told.message
    if task.state == "cancelled" or (ended and not code and task.state != "done"):
        code, message = _why(task)
    return Shown(
        id=task.id,
        state=task.state,
        owner=task.owner,
        key=known.key,
        integration=known.integration,
        correlation_id=known.correlation_id,
        created_at=known.at,
        updated_at=task.updated_at,
        deadline=task.deadline,
        model=known.model,
        reason=known.reason,
        attempts=told.attempts,
        run_at=task.run_at if task.state in ("queued", "waiting") else 0.0,
        ended_at=task.ended_at,
        expires_at=task.ended_at + ANSWER_KEPT_S if ended else 0.0,
        error_code=code,
        error_message=message,
        notify=known.notify,
        answer=_answer.decode(task.output) if task.output else None,
    )


def _why(task: Task) -> tuple[str, str]:
    if task.state == "cancelled":
        return "cancelled", f"cancelled by {task.cancel or 'nobody known'}"
    return "internal", "Trunkline failed on this task; its worker's log says more under its id"


def _end(state: EndState, ran: Ran, attempts: int) -> End:
    progress = to_pack(Progress(attempts=attempts, code=ran.code, message=ran.message))
    return End(state, to_pack(ran.answer) if ran.answer is not None else b"", progress)


def _said(reply: Reply) -> tuple[str, str]:
    """Code and message of a failure that the gateway did not explain to us: a refusal before it knew whose call it is."""
    try:
        body = from_json(reply.body)
    except DecodeError:
        body = None
    found = body if isinstance(body, dict) else {}
    inner = found["error"] if isinstance(found.get("error"), dict) else {}
    code = found.get("code") or inner.get("code") or "server_error"
    message = found.get("message") or inner.get("message") or f"the gateway answered {reply.status}"
    return str(code)[:64], str(message)[:300]
