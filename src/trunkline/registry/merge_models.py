"""`models:` as written -> as the gateway works with it. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from trunkline.core import service, virtual

from . import merge_flow
from .shape import Registry
from .shape_models import targets_of


def aliases(registry: Registry, names: Mapping[str, str]) -> list[service.Alias]:
    """Names for one model. `names` leads from such names to `integration/model`."""
    return [
        service.Alias(name=name, target=own.target, fallback=merge_flow.fallbacks(own.fallback, names))
        for name, own in registry.models.items()
        if own.target
    ]


def virtuals(registry: Registry, names: Mapping[str, str]) -> list[virtual.Virtual]:
    """Names for several."""
    return [
        virtual.Virtual(
            name=name,
            strategy=own.strategy or "weighted",
            candidates=[
                virtual.Candidate(target=one.target, weight=one.weight, when=one.when)
                for one in targets_of(own)
            ],
            sticky=own.sticky,
            fallback=merge_flow.fallbacks(own.fallback, names),
        )
        for name, own in registry.models.items()
        if own.targets
    ]
