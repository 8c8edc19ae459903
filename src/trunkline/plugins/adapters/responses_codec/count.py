"""OpenAI's count of tokens: a request as for a response, and one number back.

Source: platform.openai.com/docs/api-reference/responses/input-tokens.
"""

from __future__ import annotations

from typing import Any

from trunkline.core.answer import Reply, Usage
from trunkline.core.codec import from_json, to_json
from trunkline.core.conversation import Change, Request, Untranslatable
from trunkline.core.ports import Facts, Written
from trunkline.plugins.adapters.count import count
from trunkline.plugins.adapters.members import whole_object
from trunkline.plugins.adapters.responses_codec.items import OWN
from trunkline.plugins.adapters.responses_codec.write_request import write_request as whole_request

_TAKEN = frozenset(
    ("model", "input", "instructions", "tools", "tool_choice", "reasoning", "text", "parallel_tool_calls", "truncation")
)  # fmt: skip


def write_request(request: Request, facts: Facts, changes: list[Change]) -> Written:
    """What a count takes of a request for an answer."""
    written = whole_request(request, facts, changes)
    said: dict[str, Any] = from_json(written.body)
    return Written(to_json({name: value for name, value in said.items() if name in _TAKEN}), written.fields)


def read_reply(body: bytes, asked: Request) -> Reply:
    """Raises Untranslatable."""
    told = count(whole_object(body).get("input_tokens"))
    if told < 0:
        raise Untranslatable("`input_tokens` is missing")
    return Reply(dialect=OWN, model=asked.model, usage=Usage(input=told))


def write_reply(reply: Reply, asked: Request, changes: list[Change]) -> bytes:
    """The number alone."""
    del asked, changes
    told = reply.usage.input if reply.usage is not None else 0
    return to_json({"object": "response.input_tokens", "input_tokens": told})
