"""Advice about embedding models that stand in for each other: vectors of two models cannot be compared, so an index that gets both
answers searches wrongly, without any failure.

Not for: several integrations that serve the same model.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.core.dialects import kinds
from trunkline.core.service import Service

from .document import Place
from .load import Loaded
from .merge_whole import model_names
from .shape_models import ModelAlias, targets_of
from .verify_fallback import Holder, holders, placed

_CURE = "Leave it out, and retry or defer instead; or serve the same model by another integration."

_APART = "Give models of each kind a name of their own."


def lint_vectors(loaded: Loaded) -> Iterator[tuple[str, Place, str, str]]:
    """(code, place, message, cure) of every finding."""
    services = {service.name: service for service in loaded.snapshot.services}
    for name, alias in loaded.registry.models.items():
        yield from _strategy(name, alias, services)
    names = model_names(loaded.registry)
    for holder in holders(loaded.registry):
        for place, fallback in placed(holder):
            target = names.get(fallback.target, fallback.target)
            if fallback.kind == "target" and _embeds(services, target):
                yield from _stands_in(holder, place, target, services)


def _strategy(
    name: str, alias: ModelAlias, services: dict[str, Service]
) -> Iterator[tuple[str, Place, str, str]]:
    """Of several targets each is a fallback of the others."""
    targets = [one.target for one in targets_of(alias)]
    first = next((target for target in targets if _embeds(services, target)), "")
    for n, target in enumerate(targets):
        at: Place = ("models", name, "targets", n)
        if first and not _embeds(services, target):
            said = (
                f"`{name}` is served by `{first}`, which makes vectors, and by `{target}`, which makes none."
            )
            yield "other-vectors", at, said, _APART
        elif first and _model(target) != _model(first):
            said = f"`{name}` is served by `{first}` and by `{target}`, whose vectors cannot be compared."
            yield "other-vectors", at, said, _CURE


def _stands_in(
    holder: Holder, place: Place, target: str, services: dict[str, Service]
) -> Iterator[tuple[str, Place, str, str]]:
    if holder.model:
        served = [f"{holder.integration}/{holder.model}"]
    else:
        service = services.get(holder.integration)
        models = service.models if service is not None else []
        served = [f"{holder.integration}/{model.id}" for model in models]
        if not served and service is not None and "embed" in kinds(one.name for one in service.dialects):
            served = [f"{holder.integration}/embed"]
    if holder.model and not _embeds(services, served[0]):
        said = f"`{target}` makes vectors; it cannot stand in for `{served[0]}`."
        yield "other-vectors", place, said, "Name a model of the same kind."
        return
    others = [one for one in served if _embeds(services, one) and _model(one) != _model(target)]
    if others:
        whose = f"`{others[0]}`" if holder.model else f"`{holder.integration}` (e.g. `{others[0]}`)"
        said = f"Vectors of `{target}` cannot be compared with those of {whose}, for which it stands in."
        yield "other-vectors", place, said, _CURE


def _embeds(services: dict[str, Service], target: str) -> bool:
    """Whether a target makes vectors. A model that the catalog does not know is judged by its name."""
    integration, _, name = target.partition("/")
    service = services.get(integration)
    if service is None or not name:
        return False
    known = next((model for model in service.models if model.id == name), None)
    return known.kind == "embedding" if known is not None else "embed" in name.lower()


def _model(target: str) -> str:
    """A model's own name, whoever serves it: resellers put its maker before it."""
    return target.rpartition("/")[2].lower()
