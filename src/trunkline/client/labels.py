"""What every call takes beside its own options, as header fields; and which fields a caller may set.

Not for: bodies (`chat.py`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from trunkline.client.transport import Field

LABELS = ("headers", "idempotency_key", "feature", "subject", "tags", "timeout_s")
_OWN = frozenset(("host", "content-length", "transfer-encoding", "connection", "x-trunkline-key"))


def fields(kind: bytes, options: dict[str, Any], held: Mapping[str, Any]) -> list[Field]:
    """The header of a call; takes what is for it out of `options`. `held` are labels of the object. Raises ValueError."""
    told: dict[str, str] = {"content-type": kind.decode()} if kind else {}
    for name in LABELS[2:]:
        value = options.pop(name, None)
        shown = _shown(name, held[name] if value is None else value)
        if shown:
            told[f"x-trunkline-{name.removesuffix('_s')}"] = shown
    if key := options.pop("idempotency_key", None):
        told["idempotency-key"] = str(key)
    told |= {name.lower(): value for name, value in (options.pop("headers", None) or {}).items()}
    return [_line(name, value) for name, value in told.items()]


def _shown(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name == "timeout_s" and isinstance(value, int | float):
        if not (value > 0 and math.isfinite(value)):
            raise ValueError(
                f"timeout_s takes seconds above 0, not {value!r}; leave it out for none of its own"
            )
        return f"{value:g}" if isinstance(value, float) else str(value)
    if name == "tags" and isinstance(value, Mapping):
        return ",".join(
            f"{tag}={said}" if said not in ("", None) else str(tag) for tag, said in value.items()
        )
    if name == "tags" and not isinstance(value, str):
        return ",".join(map(str, value))
    return str(value)


def _line(name: str, value: str) -> Field:
    if name in _OWN:
        raise ValueError(f"header {name!r} is Trunkline's to set")
    text = str(value)
    if not name.isascii() or any(c in name for c in " :\r\n") or any(c in text for c in "\r\n\0"):
        raise ValueError(f"header {name!r} cannot be sent: line ends and blanks are not allowed in it")
    return name.encode("ascii"), text.encode("latin-1", "replace")
