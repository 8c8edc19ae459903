"""Errors about what is declared about data. Not for: advice (`lint.py`)."""

from __future__ import annotations

from collections.abc import Iterator

from .document import Place
from .item import Item
from .layer import Scribe
from .quantity import size_bytes
from .shape import Registry
from .shape_data import Samples

LARGEST_SAMPLE = "1MB"


def verify_data(item: Item) -> None:
    """Writes every error about the data of one integration."""
    for at, message, cure, value in _sizes(item.own.samples):
        item.fault(at, "bad-value", message, cure, value=value)


def verify_sampling(registry: Registry, scribe: Scribe) -> None:
    """Writes every error about samples beside the integrations."""
    defaults = registry.defaults.samples if registry.defaults else None
    for at, message, cure, value in _sizes(defaults):
        scribe.error(("defaults", *at), "bad-value", message, cure, value=value)
    size = registry.samples.size if registry.samples else ""
    if size and not size_bytes("8MB") <= size_bytes(size) <= size_bytes("64GB"):
        said = f"`{size}` is out of range."
        scribe.error(("samples", "size"), "bad-value", said, "Give 8MB to 64GB.", value=size)


def _sizes(samples: Samples | None) -> Iterator[tuple[Place, str, str, str]]:
    """(place, message, cure, value) of each size of a sample that is out of range."""
    for part in ("request", "response"):
        text = getattr(samples, part, "")
        if text and size_bytes(text) > size_bytes(LARGEST_SAMPLE):
            yield (
                ("samples", part),
                f"`{text}` is out of range.",
                f"Give {LARGEST_SAMPLE} at most, or `0B` to keep nothing of it.",
                text,
            )
