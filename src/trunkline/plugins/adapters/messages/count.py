"""Anthropic's count of tokens: a request as for an answer, and one number back. Source: docs.claude.com/en/api/messages-count-tokens."""

from __future__ import annotations

from trunkline.core.answer import Reply
from trunkline.core.codec import to_json
from trunkline.core.conversation import Change, Request
from trunkline.core.ports import Facts, Written
from trunkline.plugins.adapters.counting import counted, number, reply_of
from trunkline.plugins.adapters.messages.blocks import OWN
from trunkline.plugins.adapters.messages.write_request import write_request as whole_request

_TAKEN = frozenset(
    (
        "model",
        "messages",
        "system",
        "tools",
        "tool_choice",
        "thinking",
        "output_config",
        "cache_control",
        "speed",
    )
)


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
    return to_json({"input_tokens": number(reply)})
