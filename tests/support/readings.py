"""What an adapter has read, as tests compare it."""

from __future__ import annotations

from typing import Any

from msgspec.structs import asdict

from trunkline.core.ports import Reading


def noted(reading: Reading) -> dict[str, Any]:
    """What differs from a reading of nothing."""
    fresh = asdict(Reading())
    return {name: value for name, value in asdict(reading).items() if value != fresh[name]}
