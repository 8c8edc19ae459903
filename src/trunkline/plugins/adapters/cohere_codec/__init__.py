"""Cohere's Chat v2, written for vendors that speak it and read of their answers (core/ports.Codec); no caller speaks it.

Source: docs.cohere.com/reference/chat and the models of github.com/cohere-ai/cohere-python. Usage of bytes that pass unchanged is
`cohere.py`'s.
"""

from __future__ import annotations

from trunkline.plugins.adapters.codec import DialectCodec
from trunkline.plugins.adapters.cohere_codec.read_reply import read_reply
from trunkline.plugins.adapters.cohere_codec.reader import CohereReader
from trunkline.plugins.adapters.cohere_codec.write_request import write_request

COHERE = DialectCodec(
    "cohere-chat", "chat", names={}, fields=(), write_request=write_request, read_reply=read_reply, reader=CohereReader
)  # fmt: skip
