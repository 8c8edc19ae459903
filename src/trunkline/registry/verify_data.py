"""Errors about what is declared about data. Not for: advice (`lint.py`)."""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.core.data.categories import CATEGORIES, any_covers, meant_by

from .document import Place
from .findings import did_you_mean
from .item import Item
from .layer import Scribe
from .merge import completed
from .merge_whole import route_of
from .quantity import size_bytes
from .shape import Registry
from .shape_data import Data, DataRules, Samples

LARGEST_SAMPLE = "1MB"


def verify_data(item: Item) -> None:
    """Writes every error about the data of one integration."""
    for at, message, cure, value in (*_sizes(item.own.samples), *_faults(item.own.data, ("data",))):
        item.fault(at, "bad-value", message, cure, value=value)
    for n, operation in enumerate(item.own.operations):
        for at, message, cure, value in _faults(operation.data, ("operations", n, "data")):
            item.fault(at, "bad-value", message, cure, value=value)
    theirs = item.entry.operations if item.entry else []
    for n, operation in enumerate(completed(item.own.operations, theirs)):
        for m, where in enumerate(operation.identifiers or []):
            name = where.removeprefix("path:")
            if name != where and not any(f"{{{name}{end}}}" in operation.path for end in ("", "+")):
                said = f"The path {operation.path} has no part {{{name}}}."
                at = ("operations", n, "identifiers", m)
                item.fault(at, "bad-value", said, "Name a part of `path`, without braces.", value=where)


def verify_sampling(registry: Registry, scribe: Scribe) -> None:
    """Writes every error about samples beside the integrations."""
    defaults = registry.defaults.samples if registry.defaults else None
    for at, message, cure, value in _sizes(defaults):
        scribe.error(("defaults", *at), "bad-value", message, cure, value=value)
    routes = {name: route_of(route).data for name, route in registry.routes.items()}
    models = {name: model.data for name, model in registry.models.items()}
    for section, parts in (("routes", routes), ("models", models)):
        for name, data in parts.items():
            for at, message, cure, value in _faults(data, (section, name, "data")):
                scribe.error(at, "bad-value", message, cure, value=value)
    for section in ("samples", "stored_responses"):
        size = getattr(getattr(registry, section), "size", "")
        if size and not size_bytes("8MB") <= size_bytes(size) <= size_bytes("64GB"):
            said = f"`{size}` is out of range."
            scribe.error((section, "size"), "bad-value", said, "Give 8MB to 64GB.", value=size)


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


def _faults(data: list[str] | DataRules | None, at: Place) -> Iterator[tuple[Place, str, str, str]]:
    """(place, message, cure, value) of each fault of what is said about data."""
    if not isinstance(data, DataRules):
        return
    for part in ("block", "redact"):
        for n, category in enumerate(getattr(data, part)):
            if not meant_by([category]):
                said = f"`{category}` is nothing that can be found in a body."
                cure = (
                    did_you_mean(category, CATEGORIES)
                    or f"Give some of {', '.join(CATEGORIES)}, or a whole: `pii`, `payment`."
                )
                yield (*at, part, n), said, cure, category
    if data.answers and not data.redact:
        yield (
            (*at, "answers"),
            "Nothing is named that could be blotted out of answers.",
            "Name it in `redact`.",
            "true",
        )
    if isinstance(data, Data):
        for n, category in enumerate(data.forbid):
            if any_covers(data.allow or [], category):
                said = f"`{category}` is allowed and forbidden."
                yield (*at, "forbid", n), said, "Take it out of one of the two.", category
