"""The reference page of the registry, made from shapes, catalog and lint rules; `docs/reference/registry.md` is its output.

`python -m trunkline.registry.reference` prints it. Not for: teaching (`docs/how-to/`).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from msgspec import NODEFAULT, inspect

from trunkline.core.template import FACTS

from . import catalog, shape
from . import shape_alerts as alerts
from . import shape_bounds as bounds
from . import shape_data as data
from . import shape_egress as egress
from . import shape_flow as flow
from . import shape_models as models
from . import shape_people as people
from . import shape_secrets as secrets
from . import shape_tariffs as tariffs
from . import shape_vendor as vendor
from .describe import descriptions, summary
from .lint import RULES
from .merge import AI_TIMEOUTS, PLAIN_TIMEOUTS
from .runbooks import QUESTIONS

_ORDER = (
    shape.Registry,
    shape.Integration,
    vendor.PoolMember,
    vendor.Auth,
    vendor.ApiVersion,
    vendor.Operation,
    flow.Timeout,
    flow.Retry,
    flow.Fallback,
    flow.Breaker,
    flow.Limit,
    flow.Queue,
    flow.Adaptive,
    flow.Cache,
    flow.Hedge,
    flow.Repair,
    flow.Probe,
    shape.Rotation,
    vendor.Tls,
    vendor.Idempotency,
    vendor.Handling,
    vendor.Contract,
    vendor.Dialect,
    vendor.Model,
    vendor.Price,
    vendor.Step,
    vendor.Tier,
    tariffs.Tariff,
    tariffs.Rung,
    vendor.ErrorRule,
    vendor.ErrorShape,
    models.ModelAlias,
    models.ModelTarget,
    shape.Route,
    bounds.Budget,
    bounds.CallerLimit,
    bounds.Scope,
    bounds.Team,
    bounds.Notify,
    alerts.Alert,
    alerts.AlertTarget,
    alerts.Incidents,
    bounds.Shedding,
    bounds.CacheStore,
    data.Data,
    data.DataRules,
    data.Samples,
    data.SampleStore,
    data.StoredResponses,
    bounds.Drills,
    egress.Egress,
    secrets.OutsideStore,
    secrets.Process,
    shape.Defaults,
    shape.Health,
    people.SignIn,
    people.Oidc,
    people.RoleClaim,
    people.TeamClaim,
    people.Jwt,
    shape.Errors,
)
_INTRO = """# The registry: `trunkline.yaml`

This page is made from the source by `python -m trunkline.registry.reference`; do not edit it.

One file says what can be called and how. It is YAML 1.2 (JSON is accepted): `no`, `on` and `2026-10-01` are text, a duplicate
key is an error, an unknown key is an error. For completion in an editor, begin the file with
`# yaml-language-server: $schema=trunkline.schema.json` after `python -m trunkline.registry.schema > trunkline.schema.json`.

**Durations** are `500ms`, `10s`, `1m`, `6h`, `90d`; **sizes** are `512KB`, `1MB` (1 KB = 1,024 bytes); both need their unit.

**References to secrets** are `env:NAME` (environment), `file:path#key` (a file, or one key of a JSON, YAML or .env file),
`store:NAME` (built-in store, `trunkline secrets set NAME`), and paths in outside stores: `vault:mount/path#key`, `aws-sm:id#key`,
`gcp-sm:project/name`, `azure-kv:vault/name`, `doppler:project/config/NAME`, `infisical:project/environment/NAME`,
`keyring:service/name`. `?version=` before the `#` chooses a version in stores that keep versions.
A secret itself in this file is an error, and is never shown.

**Environments.** `TRUNKLINE_ENV` chooses the overlay: `dev`, `staging` or `prod` (unset: `prod`). Mappings are merged key by key,
everything else replaces, `null` removes a key. All overlays are checked at each load, not only the one in use.

**Addresses.** `base_url` of the registry wins; without it, the variable with which the vendor's SDKs take another address (see the
catalog below); without it, the catalog. Plain HTTP is refused unless the host is this machine or `allow_http: true`. Loopback
and private addresses are reached only by integrations with `network: private` or such a literal address in `base_url`.
Link-local, metadata, multicast and unspecified addresses are never called, nor is Trunkline itself.
"""


def markdown() -> str:
    """The whole page."""
    parts = [_INTRO, "## Keys\n"]
    parts += ["\n".join(_section(part)) for part in _ORDER]
    parts += ["\n".join(_templates()), "\n".join(_timeouts()), "\n".join(_catalog()), "\n".join(_findings())]
    return "\n".join(parts).rstrip() + "\n"


def _section(part: type) -> Iterator[str]:
    info = inspect.type_info(part)
    assert isinstance(info, inspect.StructType)
    texts = descriptions(part)
    yield f"### {part.__name__}\n"
    yield f"{summary(part)}\n"
    yield "| key | value | default | meaning |"
    yield "|---|---|---|---|"
    for field in info.fields:
        meaning = texts.get(field.encode_name, "").replace("|", "\\|")
        yield f"| `{field.encode_name}` | {_kind(field.type)} | {_default(field)} | {meaning} |"
    yield ""


def _kind(kind: inspect.Type) -> str:
    match kind:
        case inspect.Metadata():
            title = (kind.extra_json_schema or {}).get("title")
            return str(title) if title else _kind(kind.type)
        case inspect.UnionType():
            return " or ".join(_kind(t) for t in kind.types if not isinstance(t, inspect.NoneType))
        case inspect.LiteralType():
            return ", ".join(f"`{value}`" for value in kind.values)
        case inspect.StructType():
            name = kind.cls.__name__
            return f"[{name}](#{name.lower()})"
        case inspect.ListType():
            return f"list of {_kind(kind.item_type)}"
        case inspect.DictType():
            return f"name -> {_kind(kind.value_type)}"
    plain = {
        inspect.StrType: "text",
        inspect.IntType: "whole number",
        inspect.FloatType: "number",
        inspect.BoolType: "true, false",
    }
    return plain.get(type(kind), "any value")


def _default(field: inspect.Field) -> str:
    if field.required:
        return "required"
    value: Any = field.default
    if value is NODEFAULT or value is None or value in ("", []):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _templates() -> Iterator[str]:
    yield "## Templates\n"
    yield "In the `body` of a fallback of kind `template`, `{{ /messages/0/content }}` stands for that part of the JSON request (a JSON"
    yield "pointer), and these names for facts of the call:\n"
    yield f"{', '.join(f'`{name}`' for name in FACTS)}."
    yield ""
    yield "`code`, `message` and `retry_at` are of the failure, `time` is now (RFC 3339, UTC)."
    yield ""


def _timeouts() -> Iterator[str]:
    yield "## Default timeouts\n"
    yield "| | connect | first_byte | idle | total |"
    yield "|---|---|---|---|---|"
    for name, t in (("AI vendors, and APIs with a dialect", AI_TIMEOUTS), ("all others", PLAIN_TIMEOUTS)):
        yield f"| {name} | {t.connect:g}s | {t.first_byte:g}s | {t.idle:g}s | {t.total:g}s |"
    yield ""


def _catalog() -> Iterator[str]:
    yield "## Catalog\n"
    yield "Vendors that need only their secret. *Variables*: of the key (the usual one first); *address from*: SDK variables that"
    yield "are heeded when the registry sets no `base_url`. What a vendor does with data is as of November 2026: check your contract.\n"
    yield "| name | vendor | address | variables | address from | version | AI dialects | operations | models | data handling |"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for name in catalog.names():
        e = catalog.entry(name)
        version = e.api_version.value if e.api_version else ""
        cells = (
            f"`{name}`",
            f"[{e.title}]({e.docs})",
            f"`{e.base_url}`" if e.base_url else "set `base_url`",
            ", ".join(f"`{v}`" for v in e.env) + ("" if e.key.needed else " (not needed)"),
            ", ".join(f"`{v}`" for v in (e.address.env if e.address else ())),
            f"`{version}`" if version else "",
            ", ".join(d.name for d in e.dialects),
            str(len(e.operations)),
            str(len(e.models)) if e.models else "",
            _handling(e.handling),
        )
        yield f"| {' | '.join(cells)} |"
    yield ""


def _handling(told: vendor.Handling | None) -> str:
    if told is None:
        return ""
    trains = {True: "trains on it", False: "does not train on it", None: ""}[told.trains]
    dpa = f"[agreement]({told.dpa})" if told.dpa.startswith("http") else told.dpa
    kept = f"kept: {told.retention}" if told.retention else ""
    return "; ".join(filter(None, (kept, trains, told.region and f"region: {told.region}", dpa)))


def _findings() -> Iterator[str]:
    yield "## Findings of `trunkline check`\n"
    yield "Errors refuse the file; each names file, line, column, item, value and cure. What follows never stops a start.\n"
    yield "| finding | severity | meaning |"
    yield "|---|---|---|"
    for code, rule in sorted(RULES.items()):
        yield f"| `{code}` | {rule.severity} | {rule.about} |"
    yield ""
    yield f"A runbook answers five questions, each under a heading of its own: {', '.join(QUESTIONS)}."


if __name__ == "__main__":
    sys.stdout.write(markdown())
