"""Which integration serves a model that a caller named: `vendor/model`, a bare name that is unique, or an alias.

Not for: choosing among several that could serve it by cost or latency (virtual models come with that issue).
"""

from __future__ import annotations

import fnmatch
import re
from typing import NamedTuple

from trunkline.core.errors import CallError
from trunkline.core.service import Model, Service, Snapshot
from trunkline.core.text import nearest
from trunkline.engine.scrub import scrub


class Served(NamedTuple):
    """`model` is the vendor's own name; `alias` the registry's name by which it was asked, if any."""

    service: str
    model: str
    alias: str


class Listed(NamedTuple):
    """A row of `GET /v1/models`."""

    id: str
    service: str
    model: Model | None


class ModelTable:
    """All model names of one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._services = {s.name: s for s in snapshot.services if s.enabled and s.dialects}
        self._names: dict[str, Served] = {}
        self._aliases: dict[str, Served] = {}
        self._ambiguous: dict[str, list[str]] = {}
        self._patterns: list[tuple[re.Pattern[str], str]] = []
        self._cache: dict[str, Served] = {}
        self.listed: list[Listed] = []
        for service in self._services.values():
            self._add(service)
        for alias in snapshot.aliases:
            served = self._qualified(alias.target)
            if served is not None:
                self._aliases[alias.name] = Served(served.service, served.model, alias.name)
                self.listed.append(
                    Listed(alias.name, served.service, self.model(served.service, served.model))
                )

        for virtual in snapshot.virtual:
            first = self._qualified(virtual.candidates[0].target)
            if first is not None:
                self._aliases[virtual.name] = Served(first.service, first.model, virtual.name)
                self.listed.append(Listed(virtual.name, first.service, None))

    def _add(self, service: Service) -> None:
        for pattern in service.model_patterns:
            self._patterns.append((re.compile(fnmatch.translate(pattern)), service.name))
        for model in service.models:
            self.listed.append(Listed(f"{service.name}/{model.id}", service.name, model))
            known = self._names.get(model.id)
            if known is not None and known.service != service.name:
                self._ambiguous.setdefault(model.id, [known.service]).append(service.name)
            else:
                self._names[model.id] = Served(service.name, model.id, "")

    def model(self, service: str, name: str) -> Model | None:
        """What the catalog knows of a vendor's model."""
        owner = self._services.get(service)
        return next((m for m in owner.models if m.id == name), None) if owner else None

    def find(self, name: str) -> Served:
        """Raises CallError `unknown_model`, with what was probably meant."""
        # `vendor/model` says whose model is meant, even where another vendor lists that very text as a name of its own.
        served = self._aliases.get(name) or self._cache.get(name) or self._qualified(name)
        if served is None and name in self._ambiguous:
            choices = ", ".join(f"{s}/{name}" for s in self._ambiguous[name])
            raise CallError(
                "unknown_model",
                f"model {name!r} is served by several integrations; name one: {choices}",
                scope="model",
            )
        served = served or self._names.get(name) or self._matching(name)
        if served is None:
            close = nearest(name, [*self._aliases, *self._names, *(row.id for row in self.listed)])
            hint = f"; did you mean {close!r}?" if close else "; `GET /v1/models` lists what this key may use"
            raise CallError(
                "unknown_model",
                f"no integration serves a model named {scrub(name[:200])!r}{hint}",
                scope="model",
                param="model",
            )
        if len(self._cache) < 4096:
            self._cache[name] = served
        return served

    def _qualified(self, name: str) -> Served | None:
        service, slash, model = name.partition("/")
        if slash and model and service in self._services:
            return Served(service, model, "")
        return None

    def _matching(self, name: str) -> Served | None:
        owners = {service for pattern, service in self._patterns if pattern.match(name)}
        if len(owners) > 1:
            choices = ", ".join(sorted(f"{s}/{name}" for s in owners))
            raise CallError(
                "unknown_model",
                f"model {name!r} could belong to several integrations; name one: {choices}",
                scope="model",
            )
        return Served(owners.pop(), name, "") if owners else None
