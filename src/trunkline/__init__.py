"""Trunkline: a self-hosted integration layer, one place through which a product reaches every external API it depends on."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trunkline.client import (
        AIModel,
        AsyncAIModel,
        AsyncTrunkline,
        IntegrationError,
        Trunkline,
    )

__version__ = "0.1.0"
__all__ = ["AIModel", "AsyncAIModel", "AsyncTrunkline", "IntegrationError", "Trunkline", "__version__"]


def __getattr__(name: str) -> Any:
    # Late and by name: Trunkline's own processes import this module too, and must not load the Python interface with it.
    if name in __all__:
        return getattr(importlib.import_module("trunkline.client"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
