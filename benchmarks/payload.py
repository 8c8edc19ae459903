"""What is sent and answered: 0.4 KB in, 0.7 KB out as in the speed proof of the design; 10 MB images; chunks of a stream.

Not for: sending.
"""

from __future__ import annotations

import json

MODEL = "gpt-4o-mini"

CHAT = json.dumps(
    {
        "model": MODEL,
        "messages": [
            {"role": "system", "content": "You are a helpful assistant that answers concisely."},
            {
                "role": "user",
                "content": "Explain what an integration layer is and why a team with six external APIs would want one, in two sentences.",
            },
        ],
        "temperature": 0.7,
        "max_tokens": 256,
    },
    separators=(",", ":"),
)

STREAM = CHAT[:-1] + ',"stream":true}'

ANSWER = json.dumps(
    {
        "id": "chatcmpl-123",
        "object": "chat.completion",
        "created": 1677652288,
        "model": "gpt-4o-mini-2024-07-18",
        "system_fingerprint": "fp_44709d6fcb",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "Hello there, how may I assist you today? I can help with a wide range of tasks, "
                    "from writing and analysis to coding.",
                    "refusal": None,
                },
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 19,
            "completion_tokens": 30,
            "total_tokens": 49,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": 0,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        },
        "service_tier": "default",
    },
    separators=(",", ":"),
)


MESSAGE = json.dumps(
    {
        "id": "msg_0123456789",
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-4-5-20251001",
        "content": [{"type": "text", "text": json.loads(ANSWER)["choices"][0]["message"]["content"]}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 19,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
            "output_tokens": 30,
            "service_tier": "standard",
        },
    },
    separators=(",", ":"),
)
"""The same words in Anthropic's dialect."""


def image_chat(size: int, model: str) -> bytes:
    """A chat body of about `size` bytes with one image, and the model's name at its end, as some SDKs write it."""
    head = b'{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,'
    tail = b'"}}]}],"model":"%b"}' % model.encode()
    block = b"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    room = max(0, size - len(head) - len(tail))
    return head + (block * (room // len(block) + 1))[:room] + tail


TOKEN = b'"content":"token'
"""In each chunk that carries text: what a client waits for."""


def chunk(text: str, *, first: bool = False, last: bool = False) -> bytes:
    """One event of a chat stream, about 250 bytes, as vendors write it."""
    delta: dict[str, str] = {"content": text} if text else {}
    if first:
        delta = {"role": "assistant", "content": ""}
    event = {
        "id": "chatcmpl-9nZ1bq8Tt2xV5cKd7LrYwE3uHs0Ao",
        "object": "chat.completion.chunk",
        "created": 1677652288,
        "model": "gpt-4o-mini-2024-07-18",
        "service_tier": "default",
        "system_fingerprint": "fp_44709d6fcb",
        "choices": [
            {"index": 0, "delta": delta, "logprobs": None, "finish_reason": "stop" if last else None}
        ],
    }
    return b"data: %b\n\n" % json.dumps(event, separators=(",", ":")).encode()


def framed(data: bytes) -> bytes:
    """As one chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def request(target: str, host: str, fields: dict[str, str], body: bytes) -> bytes:
    """A whole HTTP/1.1 request."""
    lines = [
        f"POST {target} HTTP/1.1",
        f"host: {host}",
        *(f"{name}: {value}" for name, value in fields.items()),
    ]
    return "\r\n".join([*lines, f"content-length: {len(body)}", "", ""]).encode() + body
