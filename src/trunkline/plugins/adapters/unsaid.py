"""What is told in the place of parts of a conversation that a dialect has no words for."""

from __future__ import annotations

from typing import Any

from trunkline.core.conversation import Media, Opaque


def left_out(part: Media) -> str:
    """What the model reads in the place of what its interface does not take."""
    return f"[{part.kind} left out: this model's interface does not take it]"


def opaque_kind(part: Any) -> str:
    """What another dialect calls a part that only it knows."""
    value = part.value if isinstance(part, Opaque) else None
    return str(value.get("type", "part")) if isinstance(value, dict) else "part"
