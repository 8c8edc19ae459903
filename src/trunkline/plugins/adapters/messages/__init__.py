"""Anthropic Messages, both ways (core/ports.Codec), and its count of tokens. Reading usage of bytes that pass unchanged is
`anthropic_messages.py`'s.
"""

from __future__ import annotations

from trunkline.plugins.adapters.codec import DialectCodec
from trunkline.plugins.adapters.messages import count
from trunkline.plugins.adapters.messages.read_reply import read_reply
from trunkline.plugins.adapters.messages.read_request import read_request
from trunkline.plugins.adapters.messages.reader import MessagesReader
from trunkline.plugins.adapters.messages.write_reply import write_reply
from trunkline.plugins.adapters.messages.write_request import write_request
from trunkline.plugins.adapters.messages.writer import MessagesWriter

FIELDS = (b"anthropic-",)
MESSAGES = DialectCodec(
    "anthropic-messages",
    "chat",
    names={
        "stop": "stop_sequences",
        "format": "output_config.format",
        "effort": "thinking",
        "user": "metadata.user_id",
        "parallel_tools": "tool_choice.disable_parallel_tool_use",
    },
    fields=FIELDS,
    read_request=read_request,
    write_request=write_request,
    read_reply=read_reply,
    write_reply=write_reply,
    reader=MessagesReader,
    writer=MessagesWriter,
)
COUNT = DialectCodec(
    "anthropic-count-tokens",
    "count",
    names={},
    fields=FIELDS,
    read_request=read_request,
    write_request=count.write_request,
    read_reply=count.read_reply,
    write_reply=count.write_reply,
)
