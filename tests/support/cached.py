"""A gateway in memory whose one vendor's answers are kept, and calls to it."""

from __future__ import annotations

from typing import Any

from trunkline.core.flow import Cache
from trunkline.core.record import End
from trunkline.core.service import CallerKey
from trunkline.testing import Heard, Play, Trial, answers, service
from trunkline.testing.laws import ANSWER, CHAT

CHAT_PATH = "/v1/chat/completions"
GOOD = answers(200, ANSWER)
OTHER = answers(200, ANSWER.replace(b"tiny-1", b"tiny-2"))
BUSY = answers(503, b'{"error":{"message":"busy"}}')
MINUTE = Cache(ttl=60.0)


def trial(
    *plays: Play, cache: Cache | None = MINUTE, keys: tuple[CallerKey, ...] = (), **changes: Any
) -> Trial:
    """A gateway with one vendor whose answers are kept; changes are the service's."""
    return Trial(*plays, services=[service(cache=cache, **changes)], keys=keys)


async def chat(t: Trial, *headers: tuple[str, str], body: bytes = CHAT, **more: Any) -> Heard:
    return await t.ask("POST", CHAT_PATH, body, *headers, **more)


async def get(t: Trial, target: str = "/api/proxy/acme/things", *headers: tuple[str, str]) -> Heard:
    return await t.ask("GET", target, b"", *headers)


def told(heard: Heard) -> bytes | None:
    return heard.field(b"x-trunkline-cache")


def notes(end: End) -> list[str]:
    return end.notes.split(";")


def begun(t: Trial, *headers: tuple[str, str], body: bytes = CHAT) -> Heard:
    """A chat call that has only begun."""
    return t.begin("POST", CHAT_PATH, body, *headers)


async def all_ended(t: Trial) -> None:
    await t.until(lambda: not t.gateway.running)
