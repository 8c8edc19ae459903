"""Catalog entry + registry entry -> `core.service.Service`. What the registry says wins; lists of named things join by name.

Pure. Not for: judging what was written (`verify.py`), nor where an address from a variable comes from (`load.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from trunkline.core import flow, service
from trunkline.core.price import Price

from . import merge_data, merge_flow, merge_prices, merge_tariffs, shape, shape_vendor
from .catalog import Entry
from .item import secret_of
from .locate import Located
from .quantity import seconds, size_bytes

AI_TIMEOUTS = flow.Timeouts(connect=5.0, first_byte=300.0, idle=60.0, total=600.0)
PLAIN_TIMEOUTS = flow.Timeouts()
_UNDECLARED: dict[str, service.Repeat] = {
    "GET": "always",
    "HEAD": "always",
    "OPTIONS": "always",
    "PUT": "with_key",
    "DELETE": "with_key",
}
_NOTHING = Entry(title="", kind="developer", base_url="")


class Around(NamedTuple):
    """What an integration takes from outside its own text."""

    folder: Path
    """Of the registry file; paths in it are relative to this."""
    defaults: shape.Defaults
    environ: Mapping[str, str]
    aliases: Mapping[str, str] = {}
    """Model name of the registry -> `integration/model`; no name of an integration or route."""


def merged(
    name: str, own: shape.Integration, entry: Entry | None, place: Located, around: Around
) -> service.Service:
    """One integration, ready to be called, at an address that was found beforehand."""
    vendor = entry or _NOTHING
    defaults = around.defaults
    dialects = _by_name([*own.dialects], [*vendor.dialects])
    rotation = own.rotation or defaults.rotation
    tls = own.tls or shape_vendor.Tls()
    credentials = _credentials(own)
    return service.Service(
        name=name,
        vendor=vendor_of(name, own) if entry else "",
        title=own.title or vendor.title or name,
        base_url=place.base_url,
        private=place.private,
        allow_http=own.allow_http,
        encoded_slash=own.encoded_slash or vendor.encoded_slash,
        ca_file=_file(tls.ca_file, around.folder),
        cert_file=_file(tls.cert_file, around.folder),
        key_file=_file(tls.key_file, around.folder),
        proxy=own.proxy or defaults.proxy,
        auth=_auth(own.auth, vendor.auth, bool(credentials), around.environ),
        credentials=credentials,
        api_version=_version(own.api_version, vendor.api_version),
        unversioned=_unversioned(own.api_version, vendor.api_version),
        headers=_headers(own.headers, vendor.headers),
        timeout=merge_flow.timeout(
            own.timeout, vendor.timeout, AI_TIMEOUTS if vendor.kind == "ai" or dialects else PLAIN_TIMEOUTS
        ),
        limits=[merge_flow.limit(limit) for limit in (vendor.limits if own.limits is None else own.limits)],
        retry=merge_flow.retry(own.retry or defaults.retry),
        breaker=merge_flow.breaker(own.breaker or defaults.breaker),
        queue=merge_flow.queue(own.queue or defaults.queue),
        adaptive=merge_flow.adaptive(own.adaptive or defaults.adaptive),
        fallback=merge_flow.fallbacks(own.fallback, around.aliases),
        cache=merge_flow.cache(own.cache),
        hedge=merge_flow.hedge(own.hedge),
        repair=merge_flow.repair(own.repair, around.aliases),
        batch_embeddings=merge_flow.span(own.batch_embeddings),
        batch_inputs=own.batch_inputs or 0,
        probe=merge_flow.probe(own.probe, vendor.probe),
        samples=merge_data.samples(own.samples, defaults.samples),
        operations=_operations(own.operations, vendor.operations, around.aliases),
        dialects=dialects,
        speak=own.speak,
        models=models_of(own.models, vendor, own.discounts),
        tariffs=merge_tariffs.tariffs_of(own.tariffs, vendor.tariffs, own.discounts),
        model_patterns=vendor.model_patterns if own.model_patterns is None else own.model_patterns,
        errors=[*own.errors, *vendor.errors],
        error_shape=own.error_shape or vendor.error_shape or service.ErrorShape(),
        error_style=own.error_style or vendor.error_style,
        ok_body=vendor.ok_body if own.ok_body is None else own.ok_body,
        limit_headers=vendor.limit_headers if own.limit_headers is None else own.limit_headers,
        request_id_headers=[
            h.lower()
            for h in (vendor.request_id_headers if own.request_id_headers is None else own.request_id_headers)
        ],
        idempotency=own.idempotency or vendor.idempotency,
        usage=vendor.usage if own.usage is None else own.usage,
        replay_buffer=size_bytes(own.replay_buffer) if own.replay_buffer else 1 << 20,
        body_limit=size_bytes(own.body_limit) if own.body_limit else 100 << 20,
        owner=own.owner or defaults.owner,
        data=merge_data.allowed(own.data) or [],
        privacy=merge_data.privacy(own, vendor),
        criticality=own.criticality or "enhancement",
        runbook=own.runbook,
        changelog=own.changelog or vendor.changelog,
        review_every=_review(own.contract, around.defaults.contract),
        status_page=own.status_page or vendor.status_page,
        status_feed=own.status_feed or ("" if own.status_page else vendor.status_feed),
        rotation_every=seconds(rotation.every) if rotation and rotation.every else 0.0,
        rotation_last=rotation.last if rotation else "",
        enabled=own.enabled,
    )


def vendor_of(name: str, own: shape.Integration | None) -> str:
    """The catalog entry that an integration starts from: the one it names, else that of its own name without `@version`."""
    return (own.vendor if own else "") or name.partition("@")[0]


def _file(path: str, folder: Path) -> str:
    return str(folder / path) if path else ""


def _credentials(own: shape.Integration) -> list[service.Credential]:
    secret = secret_of(own)
    if secret is None:
        return []
    if isinstance(secret, str):
        return [service.Credential(ref=secret)]
    return [service.Credential(ref=m.ref, weight=m.weight, base_url=m.base_url.rstrip("/")) for m in secret]


def _auth(
    own: shape_vendor.Auth | None,
    vendor: shape_vendor.Auth | None,
    has_secret: bool,
    environ: Mapping[str, str],
) -> service.Auth:
    """Without a secret there is nothing to put on a request, whatever the vendor's way is."""
    if not has_secret:
        return service.Auth(kind="none")
    base = vendor or shape_vendor.Auth(kind="bearer")
    own = own or shape_vendor.Auth()
    if own.kind and own.kind != base.kind:
        base = shape_vendor.Auth(kind=own.kind)
    return service.Auth(
        kind=base.kind or "bearer",
        name=own.name or base.name,
        template=own.template or base.template or "{secret}",
        username=_from_environment(own.username or base.username, environ),
        grant=own.grant or base.grant or "client_credentials",
        token_url=own.token_url or base.token_url,
        client_id=_from_environment(own.client_id or base.client_id, environ),
        client_auth=own.client_auth or base.client_auth or "basic",
        scopes=own.scopes or base.scopes,
        audience=own.audience or base.audience,
        refresh=own.refresh or base.refresh,
    )


def _from_environment(text: str, environ: Mapping[str, str]) -> str:
    """A user name is no secret, so that it may come from the environment here; without the variable the secret holds both."""
    return environ.get(text.removeprefix("env:"), "") if text.startswith("env:") else text


def _version(
    own: shape_vendor.ApiVersion | None, vendor: shape_vendor.ApiVersion | None
) -> service.ApiVersion | None:
    if own is None and vendor is None:
        return None
    own, vendor = own or shape_vendor.ApiVersion(), vendor or shape_vendor.ApiVersion()
    where = own if own.header or own.query or own.path else vendor
    value = own.value or vendor.value
    if not value:
        return None
    return service.ApiVersion(value=value, header=where.header, query=where.query, path=where.path)


def _unversioned(own: shape_vendor.ApiVersion | None, vendor: shape_vendor.ApiVersion | None) -> str:
    """Why there is no version to pin."""
    pinned = _version(own, vendor)
    return "" if pinned else next((one.none for one in (own, vendor) if one is not None and one.none), "")


def _review(own: shape_vendor.Contract | None, default: shape_vendor.Contract | None) -> float:
    """Seconds between two readings of the changelog."""
    return next((seconds(one.review) for one in (own, default) if one is not None and one.review), 0.0)


def _headers(own: dict[str, str], vendor: dict[str, str]) -> list[service.Header]:
    taken = {name.lower() for name in own}
    kept = {name: value for name, value in vendor.items() if name.lower() not in taken}
    return [service.Header(name, value) for name, value in {**kept, **own}.items()]


def _operations(
    own: list[shape_vendor.Operation], vendor: list[shape_vendor.Operation], aliases: Mapping[str, str]
) -> list[service.Operation]:
    """The registry's first; they hide catalog operations of the same name or the same method and path."""
    own = completed(own, vendor)
    names = {o.name for o in own}
    routes = {(o.method, o.path) for o in own}
    kept = [o for o in vendor if o.name not in names and (o.method, o.path) not in routes]
    return [
        service.Operation(
            name=o.name,
            method=o.method or "",
            path=o.path,
            repeat=o.repeat or _UNDECLARED.get(o.method or "", "never"),
            timeout=merge_flow.span(o.timeout),
            cache=merge_flow.cache(o.cache),
            fallback=None if o.fallback is None else merge_flow.fallbacks(o.fallback, aliases),
            rules=merge_data.rules(o.data),
            identifiers=o.identifiers,
        )
        for o in (*own, *kept)
    ]


def completed(
    own: list[shape_vendor.Operation], vendor: list[shape_vendor.Operation]
) -> list[shape_vendor.Operation]:
    """The registry's operations; what one does not say is taken from the catalog operation of its name."""
    theirs = {o.name: o for o in vendor}
    return [_completed(o, theirs[o.name]) if o.name in theirs else o for o in own]


def _completed(own: shape_vendor.Operation, vendor: shape_vendor.Operation) -> shape_vendor.Operation:
    same = (own.method or vendor.method, own.path or vendor.path) == (vendor.method, vendor.path)
    return replace(
        own,
        method=own.method or vendor.method,
        path=own.path or vendor.path,
        repeat=own.repeat or (vendor.repeat if same else None),
        timeout=own.timeout or (vendor.timeout if same else ""),
        identifiers=vendor.identifiers if own.identifiers is None and same else own.identifiers,
    )


def _by_name(own: list[service.Dialect], vendor: list[service.Dialect]) -> list[service.Dialect]:
    names = {dialect.name for dialect in own}
    return [*own, *(dialect for dialect in vendor if dialect.name not in names)]


def models_of(
    own: list[shape_vendor.Model], vendor: Entry, discounts: Mapping[str, float] = merge_prices.NONE
) -> list[service.Model]:
    """What the registry says of models, before what the catalog knows of the others, its prices less what was negotiated."""
    ids = {model.id for model in own}
    read = vendor.prices
    source, date = (read.source, read.date) if read else ("", "")
    known = {
        model.id: merge_prices.less(model, source, discounts) if discounts else model
        for model in _with_pinned(vendor.models)
    }
    theirs = [_model(model, source, date) for model in known.values() if model.id not in ids]
    mine = [_filled(model, known.get(model.id), source, date) for model in _with_pinned(own)]
    return [*(_model(model, "registry", "") for model in mine), *theirs]


def _filled(
    own: shape_vendor.Model, vendor: shape_vendor.Model | None, source: str, date: str
) -> shape_vendor.Model:
    """The registry's model; what it does not say is as the catalog has it, a price with its source and date."""
    if vendor is None:
        return own
    price = own.price
    if price is None and vendor.price is not None:
        price = replace(vendor.price, source=vendor.price.source or source, date=vendor.price.date or date)
    return replace(
        own,
        kind=own.kind or vendor.kind,
        context=own.context or vendor.context,
        max_output=own.max_output or vendor.max_output,
        price=price,
        title=own.title or vendor.title,
        cache=own.cache or vendor.cache,
        shutdown=own.shutdown or vendor.shutdown,
        replacement=own.replacement or vendor.replacement,
    )


def _with_pinned(models: list[shape_vendor.Model]) -> list[shape_vendor.Model]:
    """A name, the dated version behind it and other names for it cost the same."""
    known = {model.id for model in models}
    out = []
    for model in models:
        names = [name for name in dict.fromkeys((model.pinned, *model.aliases)) if name and name not in known]
        known.update(names)
        out += [model, *(replace(model, id=name, pinned="", aliases=[]) for name in names)]
    return out


def _model(model: shape_vendor.Model, source: str, date: str) -> service.Model:
    p = model.price
    price = None
    if p is not None:
        price = msgspec.convert(msgspec.to_builtins(p), Price)
        price = replace(price, source=p.source or source, date=p.date or date)
    return service.Model(
        id=model.id,
        kind=model.kind or "chat",
        context=model.context,
        max_output=model.max_output,
        price=price,
        title=model.title,
        cache=merge_flow.cache(model.cache),
        shutdown=model.shutdown,
        replacement=model.replacement,
    )
