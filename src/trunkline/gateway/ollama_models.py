"""The list of models as clients of Ollama read it (`GET /api/tags`, `POST /api/show`). What only files on a disk have (size, digest,
template) is left empty.

Source: docs.ollama.com/api/tags and /api-reference/show-model-details. Not for: who may see which (`local.py`).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from trunkline.core.codec import DecodeError, from_json
from trunkline.core.errors import CallError
from trunkline.engine.models import Listed


def tag(row: Listed) -> dict[str, Any]:
    """One of the list."""
    return {
        "name": row.id,
        "model": row.id,
        "modified_at": _modified(row),
        "size": 0,
        "digest": "",
        "details": _details(row),
    }


def shown(row: Listed) -> dict[str, Any]:
    """One by itself."""
    known = row.model
    info: dict[str, Any] = {"general.architecture": row.service}
    if known is not None and known.context:
        info[f"{row.service}.context_length"] = known.context
    return {
        "modified_at": _modified(row),
        "details": _details(row),
        "model_info": info,
        "capabilities": ["embedding" if known is not None and known.kind == "embedding" else "completion"],
    }


def _modified(row: Listed) -> str:
    created = row.model.created if row.model is not None else 0
    return datetime.fromtimestamp(created, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _details(row: Listed) -> dict[str, Any]:
    family = row.service
    return {
        "parent_model": "",
        "format": "",
        "family": family,
        "families": [family],
        "parameter_size": "",
        "quantization_level": "",
    }


def name_in(body: bytes) -> str:
    """Which model is asked for. Raises `invalid_request`."""
    try:
        said = from_json(body or b"{}")
    except (DecodeError, UnicodeDecodeError, RecursionError) as problem:
        text = f"the body of POST /api/show is no valid JSON: {problem}"
        raise CallError("invalid_request", text[:300]) from None
    name = (said.get("model") or said.get("name")) if isinstance(said, dict) else None
    if not isinstance(name, str) or not name:
        raise CallError("invalid_request", "the body of POST /api/show names no `model`", param="model")
    return name
