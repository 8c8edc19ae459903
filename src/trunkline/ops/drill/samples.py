"""Which calls a drill makes of an integration: one of each kind, and one for each entry that declares fallbacks of its own. Pure.

Not for: making them (`cli/drilling/calls.py`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from trunkline.core.dialects import KIND_OF
from trunkline.core.flow import Fallback
from trunkline.core.service import Operation, Service, Snapshot
from trunkline.ops.drill.faults import Form

_SAID = [{"role": "user", "content": "Say hello"}]
_CHATS = ("openai-chat", "anthropic-messages", "gemini-generate", "openai-responses")
_EMBEDDINGS = "openai-embeddings"
MODEL = "drill-model"
"""Asked of an integration that lists no models."""
_PARAMETER = re.compile(r"\{\w+\+?\}")

Bodies = Mapping[tuple[str, str], tuple[str, bytes]]
"""By vendor and operation: content type and body of a call that the simulated vendor accepts."""


class Sample(NamedTuple):
    """A call as callers make it. `{name}` in path and body stands for the entry's name in the copy that is asked."""

    integration: str
    form: Form
    entry: str
    """What declares the fallbacks, as the report names it: `openai`, `openai, operation embeddings`, `route pdf`, `model fast`."""
    named: str
    """What the call names: an integration, a named route or an alias."""
    method: str
    path: str
    body: bytes
    content_type: str
    chain: tuple[Fallback, ...]
    model: str = ""
    operation: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells it from the other calls of a drill."""
        return self.integration, self.entry, self.form


def samples(snapshot: Snapshot, service: Service, bodies: Bodies) -> list[Sample]:
    """All calls that are made of an integration."""
    found = list(_own(service, bodies))
    for alias in snapshot.aliases:
        name, _, model = alias.target.partition("/")
        if name == service.name and alias.fallback:
            for form in ("model", "stream"):
                made = _modelled(service, form, alias.name, f"model {alias.name}", model, alias.fallback)
                found += [made] if made is not None else []
    for route, name in snapshot.routes.items():
        chain = snapshot.route_fallback.get(route)
        if name == service.name and chain:
            entry = f"route {route}"
            found += [
                one._replace(entry=entry, named=route, chain=_chain_of(service, one.operation, chain))
                for one in _raw(service) or _proxied(service, bodies)
            ]
    return found


def _raw(service: Service) -> list[Sample]:
    """Model calls as they are made of a vendor's own path, through the proxy."""
    spoken = {dialect.path: dialect.name for dialect in service.dialects if "{" not in dialect.path}
    path = next((path for path, name in spoken.items() if name in _CHATS), "")
    if not path:
        return []
    model = _chat_model(service)
    prefix = (service.api_version.path if service.api_version is not None else "").rstrip("/")
    return [
        Sample(
            service.name,
            "stream" if stream else "model",
            service.name,
            service.name,
            "POST",
            "/api/proxy/{name}" + path.removeprefix(prefix),
            _spoken(spoken[path], model, stream)[1],
            "application/json",
            tuple(service.fallback),
            model,
            operation.name if (operation := _operation_at(service, path)) is not None else "",
        )
        for stream in (False, True)
    ]


def _chat_model(service: Service) -> str:
    return next((one.id for one in service.models if one.kind == "chat"), MODEL)


def _own(service: Service, bodies: Bodies) -> Iterator[Sample]:
    model = _chat_model(service)
    spoken = [
        made
        for form in ("model", "stream")
        if (made := _modelled(service, form, service.name, service.name, model, service.fallback))
    ]
    yield from spoken or _proxied(service, bodies)
    for operation in service.operations:
        if operation.fallback and not any(one.operation == operation.name for one in spoken):
            entry = f"{service.name}, operation {operation.name}"
            form: Form = "read" if operation.repeat == "always" else "act"
            yield _operated(service, form, operation, bodies)._replace(entry=entry)


def _modelled(
    service: Service, form: str, named: str, entry: str, model: str, chain: Sequence[Fallback]
) -> Sample | None:
    """A model call in the first dialect that is for talking; embeddings if it speaks nothing else."""
    spoken = {dialect.name: dialect.path for dialect in service.dialects}
    dialect = next((name for name in _CHATS if name in spoken), "")
    stream = form == "stream"
    offered = spoken.get(dialect, "")
    embeds = next((path for name, path in spoken.items() if KIND_OF.get(name) == "embed"), "")
    if not dialect and embeds and not stream:
        dialect, offered = _EMBEDDINGS, embeds
        model = next((one.id for one in service.models if one.kind == "embedding"), model)
    if not dialect:
        return None
    whole = "{name}" if named != service.name else f"{{name}}/{model}"
    operation = _operation_at(service, offered)
    own = operation.fallback if operation is not None and named == service.name else None
    path, body = _spoken(dialect, whole, stream)
    return Sample(
        service.name,
        "stream" if stream else "model",
        entry,
        named,
        "POST",
        path,
        body,
        "application/json",
        tuple(chain if own is None else own),
        model,
        operation.name if operation is not None else "",
    )


def _spoken(dialect: str, model: str, stream: bool) -> tuple[str, bytes]:
    """Path at Trunkline and body."""
    if dialect == "gemini-generate":
        method = "streamGenerateContent?alt=sse" if stream else "generateContent"
        return f"/v1beta/models/{model}:{method}", _json(contents=[{"parts": [{"text": "Say hello"}]}])
    said: dict[str, Any] = {"model": model}
    if dialect == _EMBEDDINGS:
        return "/v1/embeddings", _json(**said, input="hello")
    if stream:
        said["stream"] = True
    if dialect == "openai-responses":
        return "/v1/responses", _json(**said, input="Say hello")
    if dialect == "anthropic-messages":
        return "/v1/messages", _json(**said, messages=_SAID, max_tokens=64)
    return "/v1/chat/completions", _json(**said, messages=_SAID)


def _proxied(service: Service, bodies: Bodies) -> Iterator[Sample]:
    """One call that may be repeated and one that may not."""
    if not service.operations:
        read = Operation(name="", method="GET", path="/drill", repeat="always")
        act = Operation(name="", method="POST", path="/drill", repeat="never")
        yield _operated(service, "read", read, bodies)
        yield _operated(service, "act", act, bodies)
        return
    reads = [one for one in service.operations if one.repeat == "always"]
    acts = [one for one in service.operations if one.repeat != "always"]
    for form, some in (("read", reads), ("act", acts)):
        if some:
            chosen = min(some, key=lambda one: _preference(service, one, bodies))
            yield _operated(service, "read" if form == "read" else "act", chosen, bodies)


def _preference(service: Service, one: Operation, bodies: Bodies) -> tuple[bool, bool, bool]:
    """Best first: what is known to be accepted, a path without parameters, a method without a body."""
    return (service.vendor, one.name) not in bodies, "{" in one.path, one.method not in ("GET", "POST")


def _operated(service: Service, form: Form, operation: Operation, bodies: Bodies) -> Sample:
    bare = b"" if operation.method in ("GET", "HEAD", "OPTIONS", "DELETE") else b'{"drill":true}'
    content_type, body = bodies.get((service.vendor, operation.name), ("application/json", bare))
    path = operation.path
    if service.api_version is not None and service.api_version.path:
        path = path.removeprefix(service.api_version.path.rstrip("/"))
    return Sample(
        service.name,
        form,
        service.name,
        service.name,
        operation.method if operation.method != "*" else "GET",
        "/api/proxy/{name}" + _PARAMETER.sub("drill", path),
        body,
        content_type,
        _chain_of(service, operation.name, service.fallback),
        operation=operation.name,
    )


def _chain_of(service: Service, operation: str, chain: Sequence[Fallback]) -> tuple[Fallback, ...]:
    """The operation's own fallbacks where it has some, even none; else those of where the call came in."""
    own = next((one.fallback for one in service.operations if one.name and one.name == operation), None)
    return tuple(chain if own is None else own)


def _operation_at(service: Service, path: str) -> Operation | None:
    return next((one for one in service.operations if one.method == "POST" and one.path == path), None)


def _json(**body: Any) -> bytes:
    return json.dumps(body).encode()
