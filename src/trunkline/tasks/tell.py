"""The workflow that tells the end of a deferred call: to the address that its caller gave, or to whom the registry names.

One task per telling, started together with the end that it tells of, tried with growing patience for a day. The caller's
own webhook is signed as Standard Webhooks say, under the secret of its key, and gets the answer; the registry's
targets are told facts only. Not for: sending (`webhook.py`, `ops/notify`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal, Protocol

import msgspec

from trunkline.core.codec import pack_decoder, to_json, to_pack
from trunkline.core.deferral import STATUS_PATH, GivenAnswer, Shown, public, rfc3339
from trunkline.tasks import deferral
from trunkline.tasks.port import End, Start, Step, Task, Work

NAME = "tell"
PRIORITY = 10
"""Before calls: it is quick, and somebody waits for it."""
GIVEN_UP_S = 86400.0
FIRST_S = 5.0
LONGEST_S = 3600.0
ANSWER_MAX = 256 << 10
"""A longer answer is not in the webhook: it is fetched by its `status_url`."""


class NotTold(Exception):
    """It could not be told just now, or (`final`) never can be."""

    def __init__(self, why: str, *, final: bool = False) -> None:
        super().__init__(why)
        self.final = final


class Telling(msgspec.Struct, frozen=True, kw_only=True):
    """What is told to whom."""

    task: str
    to: Literal["caller", "registry"]


class Post(Protocol):
    """Sends one signed webhook to a caller's own address (webhook.py). Raises NotTold."""

    def __call__(self, url: str, key_id: str, message_id: str, body: bytes) -> None: ...


class Notify(Protocol):
    """Tells the registry's targets of an event (ops/notify), but the channels of `skip`.

    Answers which channels were told, and why the others were not.
    """

    def __call__(
        self, event: str, facts: dict[str, Any], *, message_id: str, skip: Sequence[str]
    ) -> tuple[list[str], str]: ...


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """What one try came to; `why` is empty once everybody is told."""

    at: float
    why: str = ""
    final: bool = False
    told: list[str] = []


_telling = pack_decoder(Telling)
_tried = pack_decoder(Tried)


def follow_up(task: Task, *, to_registry: bool) -> Sequence[Start]:
    """Who is to be told of the end of a task. Pure."""
    if task.name != deferral.NAME:
        return ()
    notify = deferral.facts(task).notify
    to: list[Literal["caller", "registry"]] = ["caller"] if notify else []
    if to_registry:
        to.append("registry")
    return [
        Start(
            # Its version is in the name: a task that runs anew ends anew.
            id=f"tel_{task.id.removeprefix('tsk_')}_{task.version}_{who}",
            name=NAME,
            input=to_pack(Telling(task=task.id, to=who)),
            owner=task.owner,
            label=f"tell:{notify.split('/')[2]}" if who == "caller" else "tell",
            priority=PRIORITY,
            deadline=task.ended_at + GIVEN_UP_S,
        )
        for who in to
    ]


def event_of(task: Shown) -> str:
    """The type of the event."""
    return f"task.{task.state}"


def envelope(task: Shown) -> dict[str, Any]:
    """What a caller is told, in the form of Standard Webhooks: type, timestamp, data. Pure."""
    told = task
    if task.answer is not None and len(task.answer.body) > ANSWER_MAX:
        short = GivenAnswer(status=task.answer.status, headers=task.answer.headers, omitted=True)
        told = msgspec.structs.replace(task, answer=short)
    return {"type": event_of(task), "timestamp": rfc3339(task.ended_at), "data": {"task": public(told)}}


def facts(task: Shown) -> dict[str, Any]:
    """What the registry's targets are told: what happened to whom, none of the words of request and answer. Pure."""
    words = {"done": "is done", "timed_out": "was given up at its deadline"}.get(
        task.state, f"has {task.state}"
    )
    words = "was cancelled" if task.state == "cancelled" else words
    because = f" ({task.error_code})" if task.error_code and task.state != "cancelled" else ""
    return {
        "text": f"Trunkline: the deferred call {task.id} to {task.integration} {words}{because}.",
        "task": task.id,
        "state": task.state,
        "integration": task.integration,
        "model": task.model or None,
        "key": task.key,
        "correlation_id": task.correlation_id,
        "attempts": task.attempts,
        "status": task.answer.status if task.answer is not None else None,
        "error": task.error_code or None,
        "created_at": rfc3339(task.created_at),
        "ended_at": rfc3339(task.ended_at),
        "status_url": STATUS_PATH + task.id,
    }


class Tellings:
    """The workflow. `find` gives the task that is told of."""

    def __init__(
        self, find: Callable[[str], Task | None], post: Post, notify: Notify, wall: Callable[[], float]
    ) -> None:
        self._find = find
        self._post = post
        self._notify = notify
        self._wall = wall

    def run(self, work: Work) -> End:
        """Until it is told, can never be told, or its time is over."""
        telling = _telling.decode(work.input)
        told: list[str] = []
        tries = 0
        while True:
            tries += 1
            output = work.step(f"try {tries}", partial(self._once, telling, told))
            tried = _tried.decode(output)
            told = tried.told
            if not tried.why or tried.final:
                return End("failed" if tried.why else "done", output)
            wake_at = tried.at + patience(tries)
            if wake_at >= work.deadline:
                return End("timed_out", output)
            work.sleep(wake_at, output)

    def _once(self, telling: Telling, told: list[str], step: Step) -> bytes:
        now = self._wall()
        task = self._find(telling.task)
        if task is None:
            return to_pack(Tried(at=now, why="the task is gone", final=True))
        if not task.ended_at:
            return to_pack(Tried(at=now, why="the task runs anew", final=True))
        shown = deferral.shown(task)
        if telling.to == "registry":
            reached, why = self._notify(event_of(shown), facts(shown), message_id=step.task_id, skip=told)
            return to_pack(Tried(at=now, why=why, told=[*told, *reached]))
        try:
            if shown.notify:
                self._post(shown.notify, shown.key, step.task_id, to_json(envelope(shown)))
        except NotTold as problem:
            return to_pack(Tried(at=now, why=str(problem)[:300], final=problem.final))
        return to_pack(Tried(at=now))


def patience(tries: int) -> float:
    """Seconds before the next try: 5 s, then four times as long each time, an hour at most. Pure."""
    return float(min(LONGEST_S, FIRST_S * 4.0 ** min(tries - 1, 8)))
