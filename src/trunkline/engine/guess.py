"""Counts of tokens for models whose vendor counts none for others: guessed from the request, and told to be a guess.

Not for: what a call cost (`costs.py`), nor what is set aside before it (`plugins/policies/token_estimate.py`).
"""

from __future__ import annotations

from trunkline.core.answer import Reply, Usage
from trunkline.core.codec import to_json
from trunkline.core.conversation import (
    Change,
    Media,
    Opaque,
    Part,
    Reasoning,
    Request,
    Text,
    ToolCall,
    ToolResult,
)
from trunkline.core.exchange import Answer, Exchange
from trunkline.core.ports import Codec
from trunkline.engine.translate import asked_of, report
from trunkline.engine.translate_call import gather

BYTES_PER_TOKEN = 4
MEDIA_TOKENS = {"image": 1600, "document": 3000, "audio": 1000, "video": 5000}
PER_MESSAGE = 4
PER_TOOL = 12


class Guesses:
    """A call policy, the last one: answers calls of routes that have a `guess`."""

    def concerns(self, exchange: Exchange) -> bool:
        return exchange.route is not None and exchange.route.guess is not None

    async def admit(self, exchange: Exchange) -> None:
        route = exchange.route
        assert route is not None
        if exchange.rest is not None:
            await gather(exchange)
        exchange.answer = guess(route.guess, exchange.body)
        exchange.notes += (f"translation={route.guess.dialect}>guess",)

    def settle(self, exchange: Exchange) -> None:
        """Nothing is held."""


def guess(codec: Codec, body: bytes) -> Answer:
    """The answer to a count. Raises CallError `invalid_request`."""
    changes: list[Change] = []
    asked = asked_of(codec, body, changes)
    told = Reply(dialect=codec.dialect, model=asked.model, usage=Usage(input=tokens(asked), output=0))
    line = report(f"{codec.dialect}>guess", [Change("emulated", "input_tokens", "guessed from the text")])
    fields = b"content-type: application/json\r\nx-trunkline-translation: %b\r\n" % line.encode()
    return Answer(200, fields, codec.write_reply(told, asked, changes))


def tokens(asked: Request) -> int:
    """About how many tokens a request is."""
    said = sum(PER_MESSAGE + sum(map(_part, message.parts)) for message in asked.messages)
    tools = sum(
        PER_TOOL + _text(tool.name + tool.description) + _json(tool.schema or tool.value)
        for tool in asked.tools
    )
    form = _json(asked.format.schema) if asked.format is not None else 0
    return said + tools + form + 3


def _part(part: Part) -> int:
    if isinstance(part, Text):
        return _text(part.text)
    if isinstance(part, ToolCall):
        return PER_TOOL + _text(part.name + part.arguments)
    if isinstance(part, ToolResult):
        return PER_TOOL + sum(map(_part, part.parts))
    if isinstance(part, Media):
        return _text(part.text) if part.text else MEDIA_TOKENS[part.kind]
    if isinstance(part, Reasoning):
        return _text(part.text or "".join(part.summary))
    return _json(part.value) if isinstance(part, Opaque) else _text(part.text)


def _text(text: str) -> int:
    return -(-len(text.encode("utf-8", "surrogatepass")) // BYTES_PER_TOKEN)


def _json(value: object) -> int:
    return len(to_json(value)) // BYTES_PER_TOKEN if value is not None else 0
