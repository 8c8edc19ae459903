"""What is told in the place of parts of a conversation that a dialect has no words for."""

from __future__ import annotations

from typing import Any

from trunkline.core.conversation import Media, Opaque, Text


def left_out(part: Media) -> str:
    """What the model reads in the place of what its interface does not take."""
    return f"[{part.kind} left out: this model's interface does not take it]"


def opaque_kind(part: Any) -> str:
    """What another dialect calls a part that only it knows."""
    value = part.value if isinstance(part, Opaque) else None
    return str(value.get("type", "part")) if isinstance(value, dict) else "part"


_NOTHING: tuple[Any, ...] = (None, [], {}, "")
"""SDKs send these back for what an answer did not say."""


def members_of(extra: dict[str, Any]) -> list[str]:
    """Names of what only one dialect says, as far as it says anything; those within a function stand for themselves."""
    inner = extra.get("function")
    found = [name for name, value in extra.items() if value not in _NOTHING and name != "function"]
    return found + (members_of(inner) if isinstance(inner, dict) else [])


def unsaid(part: Text | Media) -> list[str]:
    """Members of a part, beside those that only its own dialect has, that requests of other dialects have no place for."""
    if isinstance(part, Media):
        return list(part.extra)
    return [
        *part.extra,
        *(["citations"] if part.citations else []),
        *(["signature"] if part.signature else []),
    ]
