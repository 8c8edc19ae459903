"""Counts of tokens, which several dialects have: a request as for an answer, and one number back.

Not for: which members a dialect's count takes, nor its name of the number (`count.py` of each codec), nor reading figures that a vendor
may have spelled wrong (`count.py` here).
"""

from __future__ import annotations

from collections.abc import Set
from typing import Any

from trunkline.core.answer import Reply, Usage
from trunkline.core.codec import from_json
from trunkline.core.conversation import Request, Untranslatable
from trunkline.core.ports import Reading, Written
from trunkline.plugins.adapters.count import count
from trunkline.plugins.adapters.members import whole_object
from trunkline.plugins.adapters.streamless import Streamless


class Counts(Streamless):
    """Counts of tokens cost nothing and are no usage; `name` is the dialect."""

    def __init__(self, name: str) -> None:
        self.name = name

    def read(self, body: bytes, into: Reading) -> None:
        from_json(body)
        into.finished = True


def counted(written: Written, taken: Set[str]) -> dict[str, Any]:
    """What a count takes of a request that was written for an answer."""
    said: dict[str, Any] = from_json(written.body)
    return {name: value for name, value in said.items() if name in taken}


def reply_of(body: bytes, name: str, dialect: str, asked: Request) -> Reply:
    """The number that stands under a name. Raises Untranslatable without it."""
    told = count(whole_object(body).get(name))
    if told < 0:
        raise Untranslatable(f"`{name}` is missing")
    return Reply(dialect=dialect, model=asked.model, usage=Usage(input=told))


def number(reply: Reply) -> int:
    """What was counted."""
    return reply.usage.input if reply.usage is not None else 0
