"""Gemini generateContent and streamGenerateContent, both ways (core/ports.Codec), and countTokens. Usage of
bytes that pass unchanged is `gemini.py`'s.
"""

from __future__ import annotations

from collections.abc import Mapping

from trunkline.core.answer import Reply
from trunkline.core.conversation import Change, Request
from trunkline.core.ports import Facts, Written
from trunkline.plugins.adapters.codec import DialectCodec
from trunkline.plugins.adapters.gemini_codec import count
from trunkline.plugins.adapters.gemini_codec.read_reply import read_reply
from trunkline.plugins.adapters.gemini_codec.read_request import read_request
from trunkline.plugins.adapters.gemini_codec.reader import GeminiReader
from trunkline.plugins.adapters.gemini_codec.write_reply import write_reply
from trunkline.plugins.adapters.gemini_codec.write_request import write_request
from trunkline.plugins.adapters.gemini_codec.writer import GeminiWriter

_NAMES: Mapping[str, str] = {
    "max_tokens": "generationConfig.maxOutputTokens",
    "temperature": "generationConfig.temperature",
    "top_p": "generationConfig.topP",
    "top_k": "generationConfig.topK",
    "stop": "generationConfig.stopSequences",
    "seed": "generationConfig.seed",
    "n": "generationConfig.candidateCount",
    "presence_penalty": "generationConfig.presencePenalty",
    "frequency_penalty": "generationConfig.frequencyPenalty",
    "logprobs": "generationConfig.responseLogprobs",
    "top_logprobs": "generationConfig.logprobs",
    "modalities": "generationConfig.responseModalities",
    "format": "generationConfig.responseSchema",
    "effort": "generationConfig.thinkingConfig",
    "tool_choice": "toolConfig",
    "safety": "safetySettings",
    "service_tier": "serviceTier",
}
_FIELDS = (b"x-goog-", b"x-gemini-")


class GeminiCodec:
    """Stateless."""

    dialect = "gemini-generate"
    kind = "chat"
    names: Mapping[str, str] = _NAMES
    fields: tuple[bytes, ...] = _FIELDS

    def method(self, stream: bool) -> tuple[str, bytes]:
        return ("streamGenerateContent", b"alt=sse") if stream else ("generateContent", b"")

    def read_request(self, body: bytes, changes: list[Change]) -> Request:
        return read_request(body, changes)

    def write_request(self, request: Request, facts: Facts, changes: list[Change]) -> Written:
        return write_request(request, facts, changes)

    def read_reply(self, body: bytes, asked: Request) -> Reply:
        return read_reply(body, asked)

    def write_reply(self, reply: Reply, asked: Request, changes: list[Change]) -> bytes:
        return write_reply(reply, asked, changes)

    def reader(self, asked: Request) -> GeminiReader:
        return GeminiReader(asked)

    def writer(self, asked: Request, changes: list[Change]) -> GeminiWriter:
        return GeminiWriter(asked, changes)


COUNT = DialectCodec(
    "gemini-count",
    "count",
    names=_NAMES,
    fields=_FIELDS,
    read_request=count.read_request,
    write_request=count.write_request,
    read_reply=count.read_reply,
    write_reply=count.write_reply,
    method=count.method,
)
