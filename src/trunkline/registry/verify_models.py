"""Errors about `models:`: names of your own, their targets and conditions.

Not for: fallbacks (`verify_fallback.py`), nor advice such as names that a vendor may move (`lint.py`).
"""

from __future__ import annotations

from collections.abc import Mapping

from trunkline.core.cel import condition
from trunkline.core.cel_values import CelError
from trunkline.core.virtual import NAMES

from .catalog import Entry
from .document import Place
from .findings import did_you_mean, one_of
from .layer import Scribe
from .merge_prices import idle
from .patterns import SAID_NAME
from .shape import Integration, Registry
from .shape_models import ModelAlias, ModelTarget, targets_of

_SHARED = ("weighted", "canary", "round_robin", "headroom")
"""Strategies among which something can keep to one target."""


def verify_models(registry: Registry, entries: Mapping[str, Entry], scribe: Scribe) -> None:
    """Writes every error of the registry's own model names, and of discounts."""
    for name, own in registry.integrations.items():
        if own is not None and own.discounts:
            _discounts(own, entries.get(name), name, scribe)
    for name, alias in registry.models.items():
        place: Place = ("models", name)
        if not SAID_NAME.fullmatch(name):
            said = f"`{name}` is no name of a model."
            scribe.error(place, "bad-name", said, "Use letters, digits, `.`, `-`, `_`.", at_key=True)
        if bool(alias.target) == bool(alias.targets):
            said = f"`{name}` stands for one `target`, or for several `targets`."
            scribe.error(place, "bad-model", said, "Write one of the two.", at_key=True)
        elif alias.target:
            _target(registry, entries, scribe, (*place, "target"), alias.target)
            _alone(alias, place, scribe)
        else:
            _several(registry, entries, scribe, place, alias)


def _alone(alias: ModelAlias, place: Place, scribe: Scribe) -> None:
    """What only makes sense where there is a choice."""
    for key in ("strategy", "sticky"):
        if getattr(alias, key):
            said = f"With one target there is nothing for `{key}` to choose."
            scribe.error((*place, key), "bad-model", said, "List several `targets`.", at_key=True)


def _several(
    registry: Registry, entries: Mapping[str, Entry], scribe: Scribe, place: Place, alias: ModelAlias
) -> None:
    seen: set[str] = set()
    for n, (written, one) in enumerate(zip(alias.targets, targets_of(alias), strict=True)):
        here: Place = (*place, "targets", n)
        at = here if isinstance(written, str) else (*here, "target")
        _target(registry, entries, scribe, at, one.target)
        if one.target in seen:
            said = f"`{one.target}` stands here twice."
            scribe.error(at, "bad-model", said, "Give it a `weight` instead.", value=one.target)
        seen.add(one.target)
        _condition(one, here, scribe)
    if not any(one.weight > 0 for one in targets_of(alias)):
        said = "No target has a `weight` above 0."
        scribe.error(
            (*place, "targets"), "bad-model", said, "Give one to the target that serves.", at_key=True
        )
    if alias.sticky and (alias.strategy or "weighted") not in _SHARED:
        said = f"`{alias.strategy}` chooses anew for each call; nothing keeps to its target."
        cure = f"Leave `sticky` out, or choose by {', '.join(_SHARED)}."
        scribe.error((*place, "sticky"), "bad-model", said, cure, value=alias.sticky)


def _condition(one: ModelTarget, place: Place, scribe: Scribe) -> None:
    if not one.when:
        return
    try:
        condition(one.when, NAMES)
    except CelError as problem:
        marked = f"{one.when[: problem.at]}>>>{one.when[problem.at :]}"[:200]
        said = f"The condition is wrong at character {problem.at + 1}: {problem}."
        scribe.error((*place, "when"), "bad-condition", said, f"Here: `{marked}`.", value=one.when[:200])


def _target(
    registry: Registry, entries: Mapping[str, Entry], scribe: Scribe, place: Place, target: str
) -> None:
    integration, slash, model = target.partition("/")
    if not slash or not model:
        cure = "Write `integration/model`, e.g. `openai/gpt-4o-mini`."
        said = f"`{target}` names no model of an integration."
        scribe.error(place, "bad-value", said, cure, value=target)
    elif integration not in registry.integrations:
        cure = did_you_mean(integration, registry.integrations) or one_of(registry.integrations)
        said = f"There is no integration `{integration}`."
        scribe.error(place, "unknown-integration", said, cure, value=integration)
    else:
        _model(registry, entries, scribe, place, integration, model)


def _model(
    registry: Registry,
    entries: Mapping[str, Entry],
    scribe: Scribe,
    place: Place,
    integration: str,
    model: str,
) -> None:
    own = registry.integrations[integration] or Integration()
    entry = entries.get(integration)
    if not (own.dialects or (entry and entry.dialects)):
        said = f"`{integration}` serves no AI wire format, so it has no models."
        cure = "Name an AI integration, or declare its `dialects`."
        scribe.error(place, "unknown-model", said, cure, value=integration)
        return
    listed = (*own.models, *(entry.models if entry else ()))
    known = [name for m in listed for name in (m.id, m.pinned, *m.aliases) if name]
    if known and model not in known:
        near = did_you_mean(model, known)
        cure = f"{near} If the vendor serves it all the same, it works, but is unpriced: declare it under `models:`.".strip()
        said = f"`{model}` is not among the known models of `{integration}`."
        scribe.write("warning", place, "unknown-model", said, cure, value=model)


def _discounts(own: Integration, entry: Entry | None, name: str, scribe: Scribe) -> None:
    priced = [
        n for m in (entry.models if entry else ()) if m.price for n in (m.id, m.pinned, *m.aliases) if n
    ]
    priced += [one.id for one in (entry.tariffs if entry else ())]
    for glob in idle(priced, own.discounts):
        said = f"`{glob}` fits no model and no tariff of `{name}` whose price the catalog knows, or an earlier line takes them all."
        cure = "See `trunkline models list` and `trunkline prices`. Lines are tried from the top; a price of your own is never lessened."
        place: Place = ("integrations", name, "discounts", glob)
        scribe.write("warning", place, "unknown-model", said, cure, value=glob, at_key=True)
