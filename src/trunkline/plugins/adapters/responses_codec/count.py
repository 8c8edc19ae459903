"""OpenAI's count of tokens: a request as for a response, and one number back.

Source: platform.openai.com/docs/api-reference/responses/input-tokens.
"""

from __future__ import annotations

from trunkline.core.answer import Reply
from trunkline.core.codec import to_json
from trunkline.core.conversation import Change, Request
from trunkline.core.ports import Facts, Written
from trunkline.plugins.adapters.counting import counted, number, reply_of
from trunkline.plugins.adapters.responses_codec.items import OWN
from trunkline.plugins.adapters.responses_codec.write_request import write_request as whole_request

_TAKEN = frozenset(
    ("model", "input", "instructions", "tools", "tool_choice", "reasoning", "text", "parallel_tool_calls", "truncation")
)  # fmt: skip


def write_request(request: Request, facts: Facts, changes: list[Change]) -> Written:
    """What a count takes of a request for an answer."""
    written = whole_request(request, facts, changes)
    return Written(to_json(counted(written, _TAKEN)), written.fields)


def read_reply(body: bytes, asked: Request) -> Reply:
    """Raises Untranslatable."""
    return reply_of(body, "input_tokens", OWN, asked)


def write_reply(reply: Reply, asked: Request, changes: list[Change]) -> bytes:
    """The number alone."""
    del asked, changes
    return to_json({"object": "response.input_tokens", "input_tokens": number(reply)})
