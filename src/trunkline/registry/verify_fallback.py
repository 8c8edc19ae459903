"""Errors about what is done instead when a call fails: of integrations, operations, model names and named routes.

Not for: whether the engine may use a fallback for a given failure (`engine/`), nor advice (`lint_flow.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

from trunkline.core.codec import DecodeError
from trunkline.core.dialects import kinds
from trunkline.core.errors import KINDS
from trunkline.core.template import FACTS, faulty

from .catalog import Entry
from .document import Place
from .findings import did_you_mean, one_of
from .layer import Scribe
from .merge_flow import JSON_TYPE, body_text, content_type, written_fallbacks
from .merge_whole import first_of, model_names, route_of
from .quantity import seconds
from .shape import Integration, Registry
from .shape_flow import KEYS_OF, Fallback, Fallbacks
from .shape_models import targets_of

LONGEST_DEADLINE_S = 30 * 86400.0


class Holder(NamedTuple):
    """Who declares fallbacks: where in the file, and whose failure they are for."""

    place: Place
    integration: str
    model: str
    written: Fallbacks | None


class Names(NamedTuple):
    """What a fallback may lead to."""

    registry: Registry
    entries: Mapping[str, Entry]
    aliases: Mapping[str, str]

    def resolve(self, target: str) -> tuple[str, str] | None:
        """(integration, model) that a target means; the model may be empty. None when nothing has that name."""
        if target in self.registry.integrations:
            return target, ""
        if target in self.registry.routes:
            return first_of(route_of(self.registry.routes[target])), ""
        integration, slash, model = self.aliases.get(target, target).partition("/")
        return (integration, model) if slash and model and integration in self.registry.integrations else None

    def dialects(self, integration: str) -> set[str]:
        """Wire formats that an integration serves."""
        own, entry = (
            self.registry.integrations.get(integration) or Integration(),
            self.entries.get(integration),
        )
        return {d.name for d in (*own.dialects, *(entry.dialects if entry else ()))}


def verify_fallbacks(registry: Registry, entries: Mapping[str, Entry], scribe: Scribe) -> None:
    """Writes every error about fallbacks."""
    names = Names(registry, entries, model_names(registry))
    for holder in holders(registry):
        seen: set[tuple[str, str]] = set()
        for place, fallback in placed(holder):
            _keys(place, fallback, scribe)
            _body(place, fallback, scribe)
            if fallback.kind == "target" and fallback.target:
                _target(holder, place, fallback.target, names, seen, scribe)
    for name, own in registry.integrations.items():
        if own is not None and own.repair is not None and own.repair.bigger_context:
            _bigger(name, own.repair.bigger_context, names, scribe)


def holders(registry: Registry) -> Iterator[Holder]:
    """Everything that declares fallbacks."""
    for name, integration in registry.integrations.items():
        own = integration or Integration()
        yield Holder(("integrations", name, "fallback"), name, "", own.fallback)
        for n, operation in enumerate(own.operations):
            if operation.fallback is not None:
                at: Place = ("integrations", name, "operations", n, "fallback")
                yield Holder(at, name, "", operation.fallback)
    for name, alias in registry.models.items():
        # Of several targets the first stands for all: every one of them serves the same callers.
        served_by, _, model = next((one.target for one in targets_of(alias)), "").partition("/")
        yield Holder(("models", name, "fallback"), served_by, model, alias.fallback)
    for name, route in registry.routes.items():
        long = route_of(route)
        yield Holder(("routes", name, "fallback"), first_of(long), "", long.fallback)


def placed(holder: Holder) -> Iterator[tuple[Place, Fallback]]:
    """Each fallback in its long form, with its place in the file."""
    many = isinstance(holder.written, list)
    for n, fallback in enumerate(written_fallbacks(holder.written)):
        yield (*holder.place, n) if many else holder.place, fallback


def _keys(place: Place, fallback: Fallback, scribe: Scribe) -> None:
    meant = KEYS_OF[fallback.kind]
    needed = {"target": "target", "stale": "max_age", "static": "body", "template": "body"}.get(fallback.kind)
    given = [key for key in Fallback.__struct_fields__ if getattr(fallback, key) not in ("", None, [])]
    for key in given:
        if key not in ("kind", "on", *meant):
            said = f"`{key}` means nothing to a fallback of kind `{fallback.kind}`."
            cure = f"Remove it, or choose another kind: {', '.join(k for k, of in KEYS_OF.items() if key in of)}."
            scribe.error((*place, key), "unused-key", said, cure, at_key=True)
    if needed and needed not in given:
        said = f"A fallback of kind `{fallback.kind}` needs `{needed}`."
        scribe.error(place, "missing-key", said, _EXAMPLES[fallback.kind])
    for key, longest in (("max_age", float("inf")), ("deadline", LONGEST_DEADLINE_S)):
        text = getattr(fallback, key)
        if text and not 1 <= seconds(text) <= longest:
            upper = " and at most 30d" if key == "deadline" else ""
            cure = f"Give at least 1s{upper}."
            scribe.error((*place, key), "bad-value", f"`{text}` is out of range.", cure, value=text)
    for n, code in enumerate(fallback.on):
        if code not in KINDS:
            cure = did_you_mean(code, KINDS) or one_of(KINDS)
            said = f"`{code}` is no code of a failure."
            scribe.error((*place, "on", n), "unknown-code", said, cure, value=code)


_EXAMPLES = {
    "target": "Write e.g. `{kind: target, target: another-integration}`.",
    "stale": "Write e.g. `{kind: stale, max_age: 1h}`.",
    "static": "Write e.g. `{kind: static, body: {available: false}}`.",
    "template": "Write e.g. `{kind: template, body: {title: '{{ /title }}'}}`.",
}


def _body(place: Place, fallback: Fallback, scribe: Scribe) -> None:
    if fallback.body is None or fallback.kind not in ("static", "template"):
        return
    at: Place = (*place, "body")
    text = body_text(fallback.body)
    if fallback.kind == "template":
        for inside, why in faulty(text):
            said = f"The placeholder `{inside[:60]}` cannot be filled: {why}."
            near = did_you_mean(inside, FACTS) or f"Facts of the call: {', '.join(FACTS)}."
            cure = f"Write `{{{{ /pointer/into/the/request }}}}`, or a fact. {near}"
            scribe.error(at, "bad-placeholder", said, cure, value=inside[:60])
    elif isinstance(fallback.body, str) and _is_json_type(fallback.content_type or content_type(text)):
        try:
            msgspec.json.decode(text)
        except DecodeError as error:
            cure = "Correct it, write it as a mapping, or give another `content_type`."
            scribe.error(at, "bad-body", f"The body is no JSON: {error}.", cure)


def _is_json_type(kind: str) -> bool:
    plain = kind.partition(";")[0].strip().lower()
    return plain == JSON_TYPE or plain.endswith("+json")


def _target(
    holder: Holder, place: Place, target: str, names: Names, seen: set[tuple[str, str]], scribe: Scribe
) -> None:
    at: Place = (*place, "target")
    found = names.resolve(target)
    if found is None:
        known = [*names.registry.integrations, *names.registry.routes, *names.aliases]
        wanted, slash, _ = target.partition("/")
        near = did_you_mean(wanted if slash else target, names.registry.integrations if slash else known)
        said = f"`{target}` is no integration, `integration/model`, route or model name of this registry."
        scribe.error(at, "unknown-target", said, near or one_of(known), value=target)
        return
    integration, model = found
    if integration == holder.integration and model in ("", holder.model):
        said = f"`{target}` leads back to `{integration}` itself, which has just failed."
        scribe.error(at, "fallback-cycle", said, "Name another one.", value=target)
        return
    if found in seen:
        said = f"`{target}` stands in this chain before; what failed once is not called again."
        scribe.error(at, "fallback-cycle", said, "Remove it here.", value=target)
    seen.add(found)
    _speaks(holder, at, target, integration, model, names, scribe)


def _bigger(name: str, target: str, names: Names, scribe: Scribe) -> None:
    """Where a call that is too long for its model goes on."""
    at: Place = ("integrations", name, "repair", "bigger_context")
    found = names.resolve(target)
    if found is None or not found[1]:
        near = did_you_mean(target, names.aliases)
        cure = f"Write `integration/model`, or a name of `models`. {near}".strip()
        scribe.error(at, "unknown-target", f"`{target}` names no model of this registry.", cure, value=target)
        return
    _speaks(Holder(at, name, "", None), at, target, *found, names, scribe)


def _speaks(
    holder: Holder, at: Place, target: str, integration: str, model: str, names: Names, scribe: Scribe
) -> None:
    wanted, served = names.dialects(holder.integration), names.dialects(integration)
    if model and not served:
        said = f"`{integration}` serves no AI wire format, so it has no models."
        scribe.error(at, "unknown-model", said, "Name the integration alone.", value=target)
    elif wanted and not kinds(wanted) & kinds(served):
        said = f"`{target}` serves nothing of what `{holder.integration}` is called with: {', '.join(sorted(wanted))}."
        cure = (
            f"Name one that does. `{integration}` speaks: {', '.join(sorted(served)) or 'no AI wire format'}."
        )
        scribe.error(at, "other-dialect", said, cure, value=target)
