"""The workflow that tells the end of a deferred call: to the address that its caller gave, or to whom the registry names.

One task per telling, started together with the end that it tells of, tried with growing patience for a day. The caller's
own webhook is signed as Standard Webhooks say, under the secret of its key, and gets the answer; the registry's
targets are told facts only. Not for: sending (`webhook.py`, `ops/notify`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol

import msgspec

from trunkline.core.codec import pack_decoder, to_json, to_pack
from trunkline.core.deferral import GivenAnswer, Shown, public, rfc3339
from trunkline.tasks import deferral
from trunkline.tasks.port import End, Postponed, Start, Step, Task, Work

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


Notify = Callable[[str, dict[str, Any]], None]
"""Tells the registry's targets of an event (ops/notify). Raises NotTold."""

_telling = pack_decoder(Telling)


def follow_up(task: Task, *, to_registry: bool) -> Sequence[Start]:
    """Who is to be told of the end of a task. Pure."""
    if task.name != deferral.NAME:
        return ()
    call = deferral.read(task.input)
    to: list[Literal["caller", "registry"]] = ["caller"] if call.notify else []
    if to_registry:
        to.append("registry")
    return [
        Start(
            # Its version is in the name: a task that runs anew ends anew.
            id=f"tel_{task.id.removeprefix('tsk_')}_{task.version}_{who}",
            name=NAME,
            input=to_pack(Telling(task=task.id, to=who)),
            owner=task.owner,
            label=f"tell:{call.notify.split('/')[2]}" if who == "caller" else "tell",
            priority=PRIORITY,
            deadline=task.ended_at + GIVEN_UP_S,
        )
        for who in to
    ]


def event_of(task: Shown) -> str:
    """The type of the event."""
    return f"task.{task.state}"


def envelope(task: Shown, *, answer: bool) -> dict[str, Any]:
    """What is told, in the form of Standard Webhooks: type, timestamp, data. Pure."""
    told = task
    if task.answer is not None and len(task.answer.body) > ANSWER_MAX:
        short = GivenAnswer(status=task.answer.status, headers=task.answer.headers, omitted=True)
        told = msgspec.structs.replace(task, answer=short)
    data = {"task": public(told, answer=answer)}
    if not answer:
        data["task"].pop("answer")
        data["task"]["status"] = task.answer.status if task.answer is not None else None
    return {"type": event_of(task), "timestamp": rfc3339(task.ended_at), "data": data}


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
        told = _telling.decode(work.input)
        tries = 0
        while True:
            tries += 1
            said = work.step(f"try {tries}", lambda step: self._once(told, step)).decode()
            if not said or said.startswith("!"):
                return End("failed" if said else "done", said.encode())
            at = float(said.partition(" ")[0])
            wake_at = at + patience(tries)
            if wake_at >= work.deadline:
                return End("timed_out", said.encode())
            work.sleep(wake_at, said.encode())

    def _once(self, told: Telling, step: Step) -> bytes:
        """Empty if it is told; `!` and why if it never can be; else when it failed, and why."""
        task = self._find(told.task)
        if task is None:
            return b"!the task is gone"
        if not task.ended_at:
            raise Postponed(self._wall() + 1.0)
        shown = deferral.shown(task)
        try:
            if told.to == "registry":
                self._notify(event_of(shown), envelope(shown, answer=False)["data"])
            elif shown.notify:
                self._post(shown.notify, shown.key, step.task_id, to_json(envelope(shown, answer=True)))
        except NotTold as problem:
            return (f"!{problem}" if problem.final else f"{self._wall():.3f} {problem}").encode()
        return b""


def patience(tries: int) -> float:
    """Seconds before the next try: 5 s, then four times as long each time, an hour at most. Pure."""
    return float(min(LONGEST_S, FIRST_S * 4.0 ** min(tries - 1, 8)))
