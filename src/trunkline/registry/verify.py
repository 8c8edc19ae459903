"""What must hold between the items of a registry that is right in form; every check goes on, so that one run tells all.

Not for: form (`diagnose.py`), advice (`lint.py`).
"""

from __future__ import annotations

from collections.abc import Mapping

from .catalog import Entry
from .document import Place
from .findings import did_you_mean, one_of
from .item import Item
from .layer import Scribe
from .merge_whole import route_of
from .patterns import NAME
from .shape import Defaults, Integration, Registry, Route
from .verify_access import verify_access
from .verify_alerts import verify_alerts
from .verify_bounds import verify_bounds
from .verify_calls import verify_calls
from .verify_data import verify_data, verify_sampling
from .verify_egress import verify_egress
from .verify_fallback import verify_fallbacks
from .verify_flow import verify_defaults, verify_flow
from .verify_models import verify_models
from .verify_people import verify_people
from .verify_secrets import verify_secrets
from .verify_tariffs import verify_tariffs


def verify(
    registry: Registry, entries: Mapping[str, Entry], scribe: Scribe, listeners: tuple[str, ...]
) -> None:
    """Writes every error of the registry. `entries` holds the catalog entry of each integration that has one."""
    for name, integration in registry.integrations.items():
        item = Item(name, integration or Integration(), entries.get(name), registry, scribe, listeners)
        if verify_access(item):
            verify_calls(item)
            verify_data(item)
            verify_flow(item)
            verify_tariffs(item)
    verify_defaults(registry.defaults or Defaults(), scribe)
    verify_sampling(registry, scribe)
    _routes(registry, scribe)
    verify_models(registry, entries, scribe)
    verify_fallbacks(registry, entries, scribe)
    verify_bounds(registry, entries, scribe, listeners)
    verify_alerts(registry, scribe, listeners)
    verify_people(registry, scribe, listeners)
    verify_secrets(registry, scribe)
    verify_egress(registry.egress, scribe)


def _routes(registry: Registry, scribe: Scribe) -> None:
    for name, route in registry.routes.items():
        place: Place = ("routes", name)
        targets = _targets(route_of(route), place, scribe)
        if not NAME.fullmatch(name):
            scribe.error(
                place,
                "bad-name",
                f"`{name}` is no name.",
                "Use small letters, digits, `-` and `_`.",
                at_key=True,
            )
        if name in registry.integrations:
            said = f"The route `{name}` has the name of an integration."
            scribe.error(place, "name-taken", said, "Give the route another name.", value=name, at_key=True)
        for target in targets:
            if target not in registry.integrations:
                cure = did_you_mean(target, registry.integrations) or one_of(registry.integrations)
                at: Place = (
                    place if isinstance(route, str) else (*place, "split" if route.split else "integration")
                )
                said = f"There is no integration `{target}`."
                scribe.error(at, "unknown-integration", said, cure, value=target)


def _targets(route: Route, place: Place, scribe: Scribe) -> list[str]:
    """The integrations that a named route leads to."""
    if bool(route.integration) == bool(route.split):
        said = "A route leads to an `integration`, or by `split` to several with their shares."
        scribe.error(place, "bad-route", said, "Write one of the two.", at_key=True)
    if len(route.split) == 1:
        scribe.error(
            (*place, "split"),
            "bad-split",
            "There is nothing to split between.",
            "Name two, e.g. `{a: 0.9, b: 0.1}`.",
        )
    total = sum(route.split.values())
    if route.split and abs(total - 1.0) > 0.005:
        scribe.error(
            (*place, "split"),
            "bad-split",
            f"The shares sum up to {total:g}.",
            "Have them sum up to 1.",
            value=f"{total:g}",
        )
    return list(route.split) or [route.integration]
