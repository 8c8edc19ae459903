"""What vendors say that a call used, as counts: one pure function per dialect, which knows what is part of what.

Codecs and the adapters that read bytes on their way both use these; what it then costs is `core/pricing.py`'s. Each page says where
the vendors of a dialect differ, and how they are told apart by what they say (docs/explanation/cost.md).
"""

from __future__ import annotations

from trunkline.core.answer import Usage
from trunkline.core.ports import Reading

COUNTED = (
    "input", "output", "cached", "cache_write", "cache_write_1h", "reasoning", "audio_input", "audio_cached", "audio_output",
    "image_input", "image_cached", "image_output", "fees", "tier", "told_usd",
)  # fmt: skip


def take(usage: Usage | None, into: Reading) -> None:
    """Puts counts where readers of bytes keep theirs."""
    if usage is not None:
        for name in COUNTED:
            value = getattr(usage, name)
            if value != getattr(into, name):
                setattr(into, name, value)
