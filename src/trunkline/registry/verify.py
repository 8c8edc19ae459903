"""What must hold between the items of a registry that is right in form: names, secrets, addresses, rules.

Every check writes findings and goes on, so that one run tells all. Not for: form (`diagnose.py`), advice (`lint.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from trunkline.core.errors import KINDS

from . import references
from .address import judge
from .catalog import Entry, names
from .document import Place
from .findings import did_you_mean, one_of
from .layer import Scribe
from .quantity import seconds
from .shape import ErrorRule, Fallback, Integration, Limit, Operation, PoolMember, Registry, Secret

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_ALIAS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_CREDENTIAL_HEADERS = {
    "authorization",
    "proxy-authorization",
    "cookie",
    "x-api-key",
    "api-key",
    "x-goog-api-key",
    "x-auth-token",
}
_OWN_HEADERS = {
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "keep-alive",
    "expect",
}


def verify(
    registry: Registry, entries: Mapping[str, Entry], scribe: Scribe, listeners: tuple[str, ...]
) -> None:
    """Writes every error of the registry. `entries` holds the catalog entry of each integration that has one."""
    for name, integration in registry.integrations.items():
        _Check(name, integration or Integration(), entries.get(name), registry, scribe, listeners).run()
    _routes(registry, scribe)
    _aliases(registry, entries, scribe)


def secret_of(integration: Integration) -> Secret | None:
    """The secret of an integration, wherever it stands."""
    if integration.secret is not None:
        return integration.secret
    return integration.auth.secret if integration.auth else None


class _Check:
    """The checks of one integration."""

    def __init__(
        self,
        name: str,
        own: Integration,
        entry: Entry | None,
        registry: Registry,
        scribe: Scribe,
        listeners: tuple[str, ...],
    ) -> None:
        self.name = name
        self.own = own
        self.entry = entry
        self.registry = registry
        self.scribe = scribe
        self.listeners = listeners
        self.place: Place = ("integrations", name)

    def run(self) -> None:
        if not NAME.fullmatch(self.name):
            self.fault(
                (),
                "bad-name",
                f"`{self.name}` is no name.",
                "Use small letters, digits, `-` and `_`.",
                at_key=True,
            )
        if not self.known_vendor():
            return
        self.addresses()
        self.secrets()
        self.auth()
        self.headers()
        self.version()
        self.policies()
        for n, operation in enumerate(self.own.operations):
            self.operation(n, operation)
        for n, rule in enumerate(self.own.errors):
            self.rule(n, rule)
        self.pointers()
        for n, fallback in enumerate(self.own.fallback):
            self.fallback(n, fallback)
        self.stray_secrets()

    def fault(
        self, at: Place, code: str, message: str, cure: str = "", *, value: str = "", at_key: bool = False
    ) -> None:
        self.scribe.error(self.place + at, code, message, cure, value=value, at_key=at_key)

    def known_vendor(self) -> bool:
        vendor = self.own.vendor
        if self.entry is not None or (self.own.base_url and not vendor):
            return True
        word = vendor or self.name
        near = did_you_mean(word, names())
        own = "For an API of your own give it a `base_url`."
        cure = " ".join(filter(None, (near, own if not vendor else "", "" if near else one_of(names()))))
        at: Place = ("vendor",) if vendor else ()
        self.fault(
            at, "unknown-vendor", f"`{word}` is not in the catalog.", cure, value=word, at_key=not vendor
        )
        return False

    def addresses(self) -> None:
        if self.own.base_url:
            self.address(("base_url",), self.own.base_url)
        secret = secret_of(self.own)
        for n, member in enumerate(secret if isinstance(secret, list) else []):
            if member.base_url:
                self.address((*self.secret_place(), n, "base_url"), member.base_url)
        if self.own.proxy:
            found = judge(self.own.proxy, allow_http=True, listeners=self.listeners)
            if found.fault:
                self.fault(
                    ("proxy",), "bad-address", found.fault, "Write e.g. `http://proxy.example.com:3128`."
                )

    def address(self, at: Place, text: str) -> None:
        found = judge(text, allow_http=self.own.allow_http, listeners=self.listeners)
        if found.fault:
            self.fault(at, "bad-address", found.fault, found.cure, value=found.url)

    def secret_place(self) -> Place:
        return ("secret",) if self.own.secret is not None else ("auth", "secret")

    def secrets(self) -> None:
        secret = secret_of(self.own)
        at = self.secret_place()
        if self.own.secret is not None and self.own.auth is not None and self.own.auth.secret is not None:
            self.fault(
                ("secret",),
                "two-secrets",
                "`secret` and `auth.secret` are both given.",
                "Keep one of them.",
                at_key=True,
            )
        if secret is None:
            self.no_secret()
        elif isinstance(secret, str):
            self.reference(at, secret)
        elif not secret:
            self.fault(at, "bad-reference", "The pool is empty.", "Give at least one `{ref: env:NAME}`.")
        for n, member in enumerate(secret if isinstance(secret, list) else []):
            self.reference((*at, n, "ref"), member.ref)
            if member.ref in [other.ref for other in _before(secret, n)] and not member.base_url:
                self.fault(
                    (*at, n, "ref"),
                    "duplicate-reference",
                    "This credential stands in the pool twice.",
                    "Use `weight`.",
                )

    def no_secret(self) -> None:
        kind = self.own.auth.kind if self.own.auth else None
        if kind == "none" or (self.entry is not None and not self.entry.key.needed and kind is None):
            return
        if self.entry is not None:
            variable = (
                self.entry.env[0] if self.entry.env else self.name.upper().replace("-", "_") + "_API_KEY"
            )
            cure = f"Add `secret: env:{variable}`."
            self.fault((), "missing-secret", f"{self.entry.title} needs a secret.", cure, at_key=True)
        elif kind is not None:
            self.fault(
                ("auth",),
                "missing-secret",
                f"auth of kind `{kind}` needs a secret.",
                "Add `secret: env:NAME`.",
            )

    def reference(self, at: Place, text: str) -> None:
        problem = references.problem(text)
        if problem:
            self.fault(at, problem.code, problem.message, problem.cure)

    def auth(self) -> None:
        auth = self.own.auth
        if auth is None:
            return
        inherited = self.entry.auth if self.entry else None
        kind = auth.kind or (inherited.kind if inherited else "bearer")
        named = auth.name or (inherited.name if inherited and inherited.kind == kind else "")
        if kind in ("header", "query") and not named:
            self.fault(
                ("auth",),
                "missing-key",
                f"auth of kind `{kind}` needs the `name` of the {kind}.",
                "Add e.g. `name: X-Api-Key`.",
            )
        if kind not in ("header", "query") and auth.name:
            self.fault(
                ("auth", "name"),
                "unused-key",
                f"`name` means nothing to auth of kind `{kind}`.",
                "Remove it, or use kind `header`.",
            )
        if kind == "header" and auth.name and not _TOKEN.fullmatch(auth.name):
            self.fault(
                ("auth", "name"),
                "bad-value",
                "This is no header name.",
                "Use letters, digits and `-`.",
                value=auth.name,
            )
        if kind != "basic" and auth.username:
            self.fault(
                ("auth", "username"), "unused-key", "Only auth of kind `basic` has a user name.", "Remove it."
            )
        if kind == "none" and secret_of(self.own) is not None:
            self.fault(
                ("auth", "kind"),
                "unused-key",
                "auth of kind `none` uses no secret.",
                "Remove the secret or choose a kind.",
            )
        if auth.template and auth.template.count("{secret}") != 1:
            self.fault(
                ("auth", "template"),
                "bad-value",
                "The template must hold `{secret}` once.",
                "Write e.g. `Token {secret}`.",
            )

    def headers(self) -> None:
        for name, value in self.own.headers.items():
            at: Place = ("headers", name)
            if not _TOKEN.fullmatch(name):
                self.fault(
                    at,
                    "bad-value",
                    f"`{name}` is no header name.",
                    "Use letters, digits and `-`.",
                    at_key=True,
                )
            elif name.lower() in _CREDENTIAL_HEADERS:
                self.fault(
                    at,
                    "literal-secret",
                    f"`{name}` carries a credential.",
                    "Use `auth` with a `secret`.",
                    at_key=True,
                )
            elif name.lower() in _OWN_HEADERS:
                self.fault(
                    at, "bad-value", f"`{name}` is set by the connection itself.", "Remove it.", at_key=True
                )
            if any(ord(c) < 32 or ord(c) > 126 for c in value):
                self.fault(
                    at,
                    "bad-value",
                    "A header value holds control or non-ASCII characters.",
                    "Use plain ASCII.",
                )

    def version(self) -> None:
        version = self.own.api_version
        if version is None:
            return
        inherited = self.entry.api_version if self.entry else None
        if not version.value and not (inherited and inherited.value):
            self.fault(
                ("api_version",), "missing-key", "`value` is missing.", 'Add e.g. `value: "2026-01-01"`.'
            )
        if sum(bool(x) for x in (version.header, version.query, version.path)) > 1:
            self.fault(
                ("api_version",),
                "bad-value",
                "The version is sent in one place.",
                "Keep one of `header`, `query`, `path`.",
            )
        if version.path and not version.path.startswith("/"):
            self.fault(
                ("api_version", "path"),
                "bad-value",
                "A path begins with `/`.",
                f"Write `/{version.path}`.",
                value=version.path,
            )

    def policies(self) -> None:
        for n, limit in enumerate(self.own.limits or []):
            self.limit(("limits", n), limit)
        timeout = self.own.timeout
        for part in ("connect", "first_byte", "idle", "total"):
            text = getattr(timeout, part) if timeout else ""
            if text and seconds(text) <= 0:
                self.fault(
                    ("timeout", part),
                    "bad-value",
                    "A timeout must be more than zero.",
                    "Write e.g. `10s`.",
                    value=text,
                )
        tls = self.own.tls
        if tls and bool(tls.cert_file) != bool(tls.key_file):
            self.fault(("tls",), "missing-key", "`cert_file` and `key_file` belong together.", "Give both.")
        if self.own.idempotency and not _TOKEN.fullmatch(self.own.idempotency.header):
            self.fault(
                ("idempotency", "header"),
                "bad-value",
                "This is no header name.",
                "Write e.g. `Idempotency-Key`.",
            )

    def limit(self, at: Place, limit: Limit) -> None:
        given = [name for name in ("requests", "tokens", "concurrency") if getattr(limit, name) is not None]
        if len(given) != 1:
            cure = "Write e.g. `{requests: 100, per: 1m}` or `{concurrency: 8}`."
            self.fault(
                at, "bad-limit", "A limit has exactly one of `requests`, `tokens`, `concurrency`.", cure
            )
        elif given == ["concurrency"] and limit.per:
            self.fault(
                (*at, "per"), "bad-limit", "`concurrency` has no period.", "Remove `per`.", at_key=True
            )
        elif given != ["concurrency"] and (not limit.per or seconds(limit.per) <= 0):
            self.fault(at, "bad-limit", f"`{given[0]}` needs a period.", "Add e.g. `per: 1m`.")

    def operation(self, n: int, operation: Operation) -> None:
        at: Place = ("operations", n)
        if operation.name in [other.name for other in self.own.operations[:n]]:
            said = f"The operation `{operation.name}` is declared twice."
            self.fault(
                (*at, "name"), "duplicate-name", said, "Give each a name of its own.", value=operation.name
            )
        if not _ALIAS.fullmatch(operation.name):
            self.fault(
                (*at, "name"),
                "bad-name",
                "This is no name of an operation.",
                "Use letters, digits, `.`, `-`, `_`.",
            )
        fault = template_fault(operation.path)
        if fault:
            self.fault(
                (*at, "path"),
                "bad-path",
                fault,
                "Write e.g. `/contacts/{id}` or `/files/{path+}`.",
                value=operation.path,
            )

    def rule(self, n: int, rule: ErrorRule) -> None:
        for at, code, message, cure in rule_faults(rule):
            self.fault(("errors", n, *at), code, message, cure)

    def pointers(self) -> None:
        for part in ("ok_body", "usage"):
            for pointer, pattern in (getattr(self.own, part) or {}).items():
                where = pointer if part == "ok_body" else pattern
                if not where.startswith("/"):
                    self.fault(
                        (part, pointer), "bad-pointer", f"`{where}` is no JSON pointer.", "Begin it with `/`."
                    )
                if part == "ok_body" and not _compiles(pattern):
                    self.fault(
                        (part, pointer),
                        "bad-pattern",
                        "This is no regular expression.",
                        "Correct it.",
                        value=pattern,
                    )

    def fallback(self, n: int, fallback: Fallback) -> None:
        at: Place = ("fallback", n)
        given = [bool(fallback.to), bool(fallback.stale), fallback.answer is not None, fallback.defer]
        if sum(given) != 1:
            self.fault(
                at,
                "bad-fallback",
                "A fallback is exactly one of `to`, `stale`, `answer`, `defer`.",
                "Keep one of them.",
            )
        target = fallback.to.partition("/")[0]
        known = [*self.registry.integrations, *self.registry.routes]
        if target and target not in known:
            cure = did_you_mean(target, known) or one_of(known)
            self.fault(
                (*at, "to"), "unknown-integration", f"There is no integration `{target}`.", cure, value=target
            )
        if target == self.name and "/" not in fallback.to:
            self.fault(
                (*at, "to"),
                "bad-fallback",
                "An integration cannot stand in for itself.",
                "Name another one.",
                value=target,
            )
        for m, code in enumerate(fallback.on):
            if code not in KINDS:
                cure = did_you_mean(code, KINDS) or one_of(KINDS)
                self.fault(
                    (*at, "on", m), "unknown-code", f"`{code}` is no code of a failure.", cure, value=code
                )

    def stray_secrets(self) -> None:
        skip = {self.place + self.secret_place()}
        for at, text in _texts(msgspec.to_builtins(self.own), self.place):
            if not any(at[: len(s)] == s for s in skip) and references.looks_secret(text):
                self.scribe.error(
                    at,
                    "literal-secret",
                    "A credential stands here (it is not shown).",
                    "Use `secret` with a reference.",
                )


def _before(pool: Secret | None, n: int) -> list[PoolMember]:
    return pool[:n] if isinstance(pool, list) else []


def _texts(data: Any, place: Place) -> Iterator[tuple[Place, str]]:
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _texts(value, (*place, key))
    elif isinstance(data, list):
        for n, value in enumerate(data):
            yield from _texts(value, (*place, n))
    elif isinstance(data, str):
        yield place, data


def template_fault(path: str) -> str:
    """What is wrong with the path template of an operation; empty when nothing is."""
    segments = path.split("/")[1:]
    for n, segment in enumerate(segments):
        if segment.count("{") != segment.count("}") or re.search(r"\{[^}]*\{|\{\}", segment):
            return "The braces of the path do not match."
        if "+}" in segment and (n < len(segments) - 1 or not re.fullmatch(r"\{[a-z_A-Z0-9]+\+\}", segment)):
            return "`{x+}` must be the whole last segment."
    if "?" in path or "#" in path or any(c.isspace() for c in path):
        return "The path holds a query, a fragment or a space."
    return ""


def rule_faults(rule: ErrorRule) -> Iterator[tuple[Place, str, str, str]]:
    """(place, code, message, cure) of each fault of a rule of the classifier."""
    if rule.kind != "ok" and rule.kind not in KINDS:
        yield (
            ("kind",),
            "unknown-code",
            f"`{rule.kind}` is no code of a failure.",
            did_you_mean(rule.kind, KINDS) or one_of(KINDS),
        )
    for pointer, pattern in rule.body.items():
        if pointer and not pointer.startswith("/"):
            yield ("body", pointer), "bad-pointer", f"`{pointer}` is no JSON pointer.", "Begin it with `/`."
        if not _compiles(pattern):
            yield ("body", pointer), "bad-pattern", "This is no regular expression.", "Correct it."
    for name, pattern in rule.header.items():
        if not _compiles(pattern):
            yield ("header", name), "bad-pattern", "This is no regular expression.", "Correct it."
    for part, pattern in (("text", rule.text), ("code", rule.code)):
        if not _compiles(pattern):
            yield (part,), "bad-pattern", "This is no regular expression.", "Correct it."
    if not (rule.status or rule.body or rule.header or rule.text or rule.code or rule.event):
        yield (
            (),
            "bad-rule",
            "A rule without a condition would hold always.",
            "Add e.g. `status`, `body` or `code`.",
        )


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


def _routes(registry: Registry, scribe: Scribe) -> None:
    for name, target in registry.routes.items():
        place: Place = ("routes", name)
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
        if target not in registry.integrations:
            cure = did_you_mean(target, registry.integrations) or one_of(registry.integrations)
            scribe.error(
                place, "unknown-integration", f"There is no integration `{target}`.", cure, value=target
            )


def _aliases(registry: Registry, entries: Mapping[str, Entry], scribe: Scribe) -> None:
    for name, alias in registry.models.items():
        place: Place = ("models", name, "target")
        if not _ALIAS.fullmatch(name):
            scribe.error(
                place[:2],
                "bad-name",
                f"`{name}` is no name of a model.",
                "Use letters, digits, `.`, `-`, `_`.",
                at_key=True,
            )
        integration, slash, model = alias.target.partition("/")
        if not slash or not model:
            cure = "Write `integration/model`, e.g. `openai/gpt-4o-mini`."
            scribe.error(
                place,
                "bad-value",
                f"`{alias.target}` names no model of an integration.",
                cure,
                value=alias.target,
            )
        elif integration not in registry.integrations:
            cure = did_you_mean(integration, registry.integrations) or one_of(registry.integrations)
            scribe.error(
                place,
                "unknown-integration",
                f"There is no integration `{integration}`.",
                cure,
                value=integration,
            )
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
        scribe.error(
            place,
            "unknown-model",
            said,
            "Name an AI integration, or declare its `dialects`.",
            value=integration,
        )
        return
    listed = (*own.models, *(entry.models if entry else ()))
    known = [name for m in listed for name in (m.id, m.pinned) if name]
    if known and model not in known:
        near = did_you_mean(model, known)
        cure = f"{near} If the vendor serves it all the same, it works, but is unpriced: declare it under `models:`.".strip()
        scribe.write(
            "warning",
            place,
            "unknown-model",
            f"`{model}` is not among the known models of `{integration}`.",
            cure,
            value=model,
        )
