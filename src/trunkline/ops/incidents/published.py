"""Which incidents are open, as one small file in the state folder: written by the console, read by the gateway for `/health?detail=1`.

Core only. Not for: their timelines (`book.py`).
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from trunkline.core.codec import DecodeError, json_decoder, to_json
from trunkline.core.text import rfc3339
from trunkline.ops.incidents.incident import Incident

FILE = "incidents.json"
_decoder: msgspec.json.Decoder[list[Incident]] = json_decoder(list[Incident])


def read(state: Path) -> list[Incident]:
    """Those that are open; nothing where the file is not there or of another version."""
    try:
        return _decoder.decode((state / FILE).read_bytes())
    except (OSError, DecodeError):
        return []


def write(state: Path, incidents: Iterable[Incident]) -> None:
    """Replaces the file in one step."""
    temporary = state / f".{FILE}.{os.getpid()}"
    temporary.write_bytes(to_json(list(incidents)))
    temporary.chmod(0o600)
    temporary.replace(state / FILE)


def told(incidents: Iterable[Incident]) -> list[dict[str, Any]]:
    """For `/health?detail=1`."""
    return [
        {
            "id": one.id,
            "integration": one.integration,
            "cause": one.cause,
            "severity": one.severity,
            "title": one.title,
            "opened_at": rfc3339(one.opened_at),
            "acknowledged_by": one.acknowledged_by or None,
        }
        for one in incidents
    ]
