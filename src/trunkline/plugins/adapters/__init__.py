"""The dialects of model vendors: what must be read of their replies while the bytes pass unchanged. One file each, pure.

Translation between dialects comes with the issue 'One AI interface'.
"""

from __future__ import annotations

from trunkline.core.ports import Adapter
from trunkline.plugins.adapters.anthropic_messages import AnthropicCountTokens, AnthropicMessages
from trunkline.plugins.adapters.gemini import Gemini
from trunkline.plugins.adapters.openai_chat import OpenaiChat
from trunkline.plugins.adapters.openai_responses import OpenaiResponses

ADAPTERS: dict[str, Adapter] = {
    adapter.name: adapter
    for adapter in (
        OpenaiChat("openai-chat"),
        OpenaiChat("openai-embeddings"),
        OpenaiResponses(),
        AnthropicMessages(),
        AnthropicCountTokens(),
        Gemini("gemini-generate"),
        Gemini("gemini-embed"),
        Gemini("gemini-count"),
    )
}
