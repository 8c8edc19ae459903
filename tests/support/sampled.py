"""Sampled calls, made by hand."""

from __future__ import annotations

import json
from typing import Any

from trunkline.core.sample import Sample


def sample(
    body: Any = None,
    *,
    status: int = 200,
    asked: Any = None,
    key: str = "k1",
    minute: float = 0.0,
    media: str = "application/json",
    **more: Any,
) -> Sample:
    """One answered call. `minute`: when, since some morning."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
    fields: dict[str, Any] = {
        "call_id": "c", "at_us": int(1_795_000_000_000_000 + minute * 60e6), "correlation_id": f"corr-{minute:g}",
        "integration": "stripe", "operation": "create_charge", "method": "POST", "path": "/v1/charges", "version": "", "model": "",
        "status": status, "key_id": key, "team": "", "feature": "", "subject_hash": "", "request_cut": False, "response_cut": False,
        "request_type": "application/json" if asked is not None else "",
        "request": json.dumps(asked).encode() if asked is not None else b"",
        "response_type": media, "response": raw, "stream": media.startswith("text/event-stream"),
    }  # fmt: skip
    return Sample(**{**fields, **more})


def sse(*events: tuple[str, Any]) -> bytes:
    """A stream of server-sent events; an empty name is left out."""
    lines = []
    for name, data in events:
        text = data if isinstance(data, str) else json.dumps(data)
        lines.append((f"event: {name}\n" if name else "") + f"data: {text}\n\n")
    return "".join(lines).encode()
