"""The dialects of model vendors, pure: ADAPTERS read what must be read of replies whose bytes pass unchanged, one file each; CODECS
translate between dialects by the canonical form, one package each (docs/explanation/translation.md).
"""

from __future__ import annotations

from trunkline.core.ports import Adapter, Codec
from trunkline.plugins.adapters.anthropic_messages import AnthropicMessages
from trunkline.plugins.adapters.chat import CHAT, MISTRAL
from trunkline.plugins.adapters.cohere import Cohere
from trunkline.plugins.adapters.cohere_codec import COHERE
from trunkline.plugins.adapters.counting import Counts
from trunkline.plugins.adapters.embed_codec import EMBED
from trunkline.plugins.adapters.gemini import Gemini
from trunkline.plugins.adapters.gemini_codec import COUNT as GEMINI_COUNT
from trunkline.plugins.adapters.gemini_codec import GeminiCodec
from trunkline.plugins.adapters.messages import COUNT, MESSAGES
from trunkline.plugins.adapters.ollama import OllamaChat, OllamaEmbed
from trunkline.plugins.adapters.ollama_codec import OLLAMA
from trunkline.plugins.adapters.openai_chat import OpenaiChat
from trunkline.plugins.adapters.openai_responses import OpenaiResponses
from trunkline.plugins.adapters.responses_codec import COUNT as INPUT_TOKENS
from trunkline.plugins.adapters.responses_codec import RESPONSES

ADAPTERS: dict[str, Adapter] = {
    adapter.name: adapter
    for adapter in (
        OpenaiChat("openai-chat"),
        OpenaiChat("openai-embeddings"),
        OpenaiChat("mistral-chat"),
        OpenaiChat("mistral-embed"),
        OpenaiChat("voyage-embed"),
        Cohere("cohere-chat"),
        Cohere("cohere-embed"),
        OllamaChat(),
        OllamaEmbed(),
        OpenaiResponses("openai-responses"),
        OpenaiResponses("openai-compact"),
        AnthropicMessages(),
        Counts("anthropic-count-tokens"),
        Counts("openai-input-tokens"),
        Gemini("gemini-generate"),
        Gemini("gemini-embed"),
        Counts("gemini-count"),
    )
}

_CODECS: tuple[Codec, ...] = (
    CHAT,
    MESSAGES,
    COUNT,
    GeminiCodec(),
    GEMINI_COUNT,
    RESPONSES,
    INPUT_TOKENS,
    MISTRAL,
    COHERE,
    OLLAMA,
    *EMBED,
)
CODECS: dict[str, Codec] = {codec.dialect: codec for codec in _CODECS}
