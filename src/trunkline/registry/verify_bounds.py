"""Errors about budgets, limits toward callers, teams, and where alerts are told.

Not for: policies of integrations (`verify_flow.py`).
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from . import references
from .address import judge
from .catalog import Entry
from .document import Place
from .findings import did_you_mean, one_of
from .layer import Scribe
from .merge_whole import model_names
from .patterns import SAID_NAME
from .quantity import size_bytes
from .shape import Integration, Registry
from .shape_bounds import Notify, Scope
from .verify_flow import limit_faults, range_faults

QUANTITIES = ("requests", "tokens", "concurrency")
_GLOB = re.compile(r"[*?\[]")
_MAIL = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+")
_MAIL_SCHEMES = ("smtp", "smtps")
_REFERENCES = ("webhook_secret", "smtp_secret")


def verify_bounds(
    registry: Registry, entries: Mapping[str, Entry], scribe: Scribe, listeners: tuple[str, ...]
) -> None:
    """Writes every error about what holds beside the integrations."""
    for section in ("budgets", "limits"):
        for name, bound in getattr(registry, section).items():
            place: Place = (section, name)
            if not SAID_NAME.fullmatch(name):
                cure = "Use letters, digits, `.`, `-`, `_`."
                scribe.error(place, "bad-name", f"`{name}` is no name.", cure, at_key=True)
            if bound.scope is not None:
                _scope(registry, entries, (*place, "scope"), bound.scope, scribe)
    for name, limit in registry.limits.items():
        for at, message, cure in limit_faults(limit, QUANTITIES):
            scribe.error(("limits", name, *at), "bad-limit", message, cure)
    for at, message, cure, value in range_faults(registry):
        scribe.error(at, "bad-value", message, cure, value=value)
    _sizes(registry, scribe)
    if registry.notify is not None:
        _notify(registry.notify, scribe, listeners)
    _stray_secrets(registry, scribe)


def _sizes(registry: Registry, scribe: Scribe) -> None:
    for section, key in (("shedding", "running_bytes"), ("cache", "size")):
        text = getattr(getattr(registry, section), key, "")
        if text and not size_bytes("1MB") <= size_bytes(text) <= size_bytes("1024GB"):
            cure = "Give 1MB to 1024GB."
            scribe.error((section, key), "bad-value", f"`{text}` is out of range.", cure, value=text)


def _scope(
    registry: Registry, entries: Mapping[str, Entry], place: Place, scope: Scope, scribe: Scribe
) -> None:
    known = registry.integrations
    if scope.integration and scope.integration not in known:
        said = f"There is no integration `{scope.integration}`."
        cure = did_you_mean(scope.integration, known) or one_of(known)
        scribe.error((*place, "integration"), "unknown-integration", said, cure, value=scope.integration)
    if scope.model and scope.model not in model_names(registry):
        _model(registry, entries, (*place, "model"), scope.model, scribe)


def _model(
    registry: Registry, entries: Mapping[str, Entry], place: Place, pattern: str, scribe: Scribe
) -> None:
    integration, slash, _ = pattern.partition("/")
    known = registry.integrations
    if not any(fnmatch.fnmatchcase(name, integration) for name in known):
        aliases = model_names(registry)
        said = f"`{pattern}` begins with no integration of this registry."
        near = (
            did_you_mean(integration, known) or did_you_mean(pattern, aliases) or one_of([*known, *aliases])
        )
        scribe.error(place, "unknown-model", said, f"Write `integration/model`. {near}", value=pattern)
        return
    if not slash and not _GLOB.search(pattern):
        cure = f"Write e.g. `{pattern}/*` for all of its models."
        scribe.error(place, "unknown-model", f"`{pattern}` names no model.", cure, value=pattern)
        return
    if not any(_may_serve(registry, entries, name, pattern) for name in known):
        listed = [f"{name}/{model}" for name in known for model in _models(registry, entries, name)]
        said = f"No model that this registry knows is meant by `{pattern}`, so that nothing would be counted."
        cure = did_you_mean(pattern, listed) or "Declare it under `models` of its integration."
        scribe.error(place, "unknown-model", said, cure, value=pattern)


def _may_serve(registry: Registry, entries: Mapping[str, Entry], name: str, pattern: str) -> bool:
    """Whether the pattern can mean a model of this integration; one that lists none may serve any."""
    models = _models(registry, entries, name)
    if any(fnmatch.fnmatchcase(f"{name}/{model}", pattern) for model in models):
        return True
    used = {target for target in model_names(registry).values() if target.startswith(f"{name}/")}
    if any(fnmatch.fnmatchcase(target, pattern) for target in used):
        return True
    own, entry = registry.integrations[name] or Integration(), entries.get(name)
    speaks = bool(own.dialects or (entry and entry.dialects))
    return speaks and not models and fnmatch.fnmatchcase(name, pattern.partition("/")[0])


def _models(registry: Registry, entries: Mapping[str, Entry], name: str) -> list[str]:
    own, entry = registry.integrations[name] or Integration(), entries.get(name)
    listed = (*own.models, *(entry.models if entry else ()))
    return [name for m in listed for name in (m.id, m.pinned, *m.aliases) if name]


def _notify(notify: Notify, scribe: Scribe, listeners: tuple[str, ...]) -> None:
    for at, code, message, cure in _notify_faults(notify, listeners):
        scribe.error(("notify", *at), code, message, cure)


def _notify_faults(notify: Notify, listeners: tuple[str, ...]) -> Iterator[tuple[Place, str, str, str]]:
    if notify.webhook:
        found = judge(notify.webhook.partition("?")[0], listeners=listeners)
        if found.fault:
            cure = "Use https." if found.scheme == "http" else found.cure
            yield ("webhook",), "bad-address", found.fault, cure
    for key in _REFERENCES:
        text = getattr(notify, key)
        if text and (problem := references.problem(text)):
            yield (key,), problem.code, problem.message, problem.cure
    if notify.webhook and not notify.webhook_secret:
        cure = "Add `webhook_secret: store:WEBHOOK_SECRET`."
        yield (), "missing-secret", "A webhook must be signed, so that its receiver can trust it.", cure
    addresses = [notify.email] if isinstance(notify.email, str) else notify.email
    if any(not _MAIL.fullmatch(address) for address in [*addresses, *filter(None, [notify.sender])]):
        yield (), "bad-value", "An `email` or `sender` is no mail address.", "Write e.g. `ops@example.com`."
    if addresses and not notify.smtp:
        yield (
            ("email",),
            "missing-key",
            "`email` needs a mail server.",
            "Add e.g. `smtp: smtp://mail.example.com:587`.",
        )
    if addresses and not notify.sender:
        yield (
            ("email",),
            "missing-key",
            "`email` needs a `sender`.",
            "Add e.g. `sender: trunkline@example.com`.",
        )
    if notify.smtp and not _is_mail_server(notify.smtp):
        said = "This is no mail server."
        yield (
            ("smtp",),
            "bad-address",
            said,
            "Write `smtp://host:port` or `smtps://host:port`; user and password stand in `smtp_user`, `smtp_secret`.",
        )
    if bool(notify.smtp_user) != bool(notify.smtp_secret):
        yield (), "missing-key", "`smtp_user` and `smtp_secret` belong together.", "Give both."


def _is_mail_server(text: str) -> bool:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    plain = not (parts.username or parts.password or parts.query or parts.fragment or parts.path.strip("/"))
    return parts.scheme in _MAIL_SCHEMES and bool(parts.hostname) and plain and port != 0


def _stray_secrets(registry: Registry, scribe: Scribe) -> None:
    for section in ("models", "routes", "budgets", "limits", "teams", "notify", "alerts"):
        data = msgspec.to_builtins(getattr(registry, section))
        for place, text in texts(data, (section,)):
            if place[-1] not in _REFERENCES and references.looks_secret(text):
                said = "A credential stands here (it is not shown)."
                scribe.error(place, "literal-secret", said, "Remove it, and replace the credential.")


def texts(data: Any, place: Place) -> Iterator[tuple[Place, str]]:
    """Every text in some data, with its place."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield from texts(value, (*place, key))
    elif isinstance(data, list):
        for n, value in enumerate(data):
            yield from texts(value, (*place, n))
    elif isinstance(data, str):
        yield place, data
