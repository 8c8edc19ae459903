"""Ollama's own `/api/chat`, both ways (core/ports.Codec).

Source: docs.ollama.com/api/chat, `docs/openapi.yaml` and `api/types.go` of github.com/ollama/ollama. Its `/v1` has no words for `options`
such as `num_ctx`, `keep_alive` and durations. Usage of bytes that pass unchanged is `ollama.py`'s. Not for: `/api/generate`, which takes a
prompt instead of messages.
"""

from __future__ import annotations

from trunkline.plugins.adapters.codec import DialectCodec
from trunkline.plugins.adapters.ollama_codec.read_reply import read_reply
from trunkline.plugins.adapters.ollama_codec.read_request import read_request
from trunkline.plugins.adapters.ollama_codec.reader import OllamaReader
from trunkline.plugins.adapters.ollama_codec.write_reply import write_reply
from trunkline.plugins.adapters.ollama_codec.write_request import write_request
from trunkline.plugins.adapters.ollama_codec.writer import OllamaWriter

OLLAMA = DialectCodec(
    "ollama-chat",
    "chat",
    names={
        "max_tokens": "options.num_predict",
        "effort": "think",
        **{
            name: f"options.{name}"
            for name in (
                "temperature",
                "top_p",
                "top_k",
                "min_p",
                "seed",
                "stop",
                "presence_penalty",
                "frequency_penalty",
            )
        },
    },
    fields=(),
    write_request=write_request,
    read_reply=read_reply,
    reader=OllamaReader,
    read_request=read_request,
    write_reply=write_reply,
    writer=OllamaWriter,
)
