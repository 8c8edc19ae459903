"""The keys of `models:`: names of your own for one model of an integration, or for several and how one is chosen.

Not for: the models that an integration serves (`shape_vendor.py`).
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from trunkline.core.virtual import Sticky, Strategy

from .part import Part
from .shape_data import DataRules
from .shape_flow import Fallbacks

Weight = Annotated[float, Meta(ge=0, le=1_000_000)]


class ModelTarget(Part):
    """One of several models behind a name; its short form is `integration/model` alone."""

    target: str
    """`integration/model`"""
    weight: Weight = 1.0
    """Its share of the calls, beside the others'; 0: only when no other can."""
    when: str = ""
    """A condition in CEL; only calls for which it holds go there, e.g. `tokens > 50000 && "gold" in tags`."""


class ModelAlias(Part):
    """A model name of your own: for one `target`, or for several `targets`."""

    target: str = ""
    """`integration/model`"""
    targets: list[str | ModelTarget] = []
    """Several; `strategy` chooses, and the others are its fallbacks."""
    strategy: Strategy | None = None
    """How one of `targets` is chosen (weighted)."""
    sticky: Sticky = ""
    """What keeps to one target as long as that is well: a conversation (for prompt caches), a subject, a key, a feature."""
    fallback: Fallbacks = []
    """What to do when it fails, instead of the integration's `fallback`: another model, mostly."""
    data: DataRules | None = None
    """What is done about data in its calls, beside what the integration says."""


def targets_of(name: ModelAlias) -> list[ModelTarget]:
    """All its targets in their long form."""
    if name.target:
        return [ModelTarget(target=name.target)]
    return [ModelTarget(target=one) if isinstance(one, str) else one for one in name.targets]
