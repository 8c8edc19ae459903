"""`trunkline integrations`: what can be called, and in which state it is."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from trunkline.cli import exits
from trunkline.cli.main import Subcommands
from trunkline.cli.place import json_option, place_options, settings_here, state_here
from trunkline.cli.show import json_out, say, table

if TYPE_CHECKING:
    from trunkline.core.service import Service, Snapshot
    from trunkline.registry.load import Loaded

STATS_FRESH_S = 10.0


@click.group(cls=Subcommands, invoke_without_command=True)
@json_option
@place_options
@click.pass_context
def integrations(context: click.Context, as_json: bool) -> None:
    """What can be called, and in which state it is. Reads what is live, or the registry if nothing runs."""
    if context.invoked_subcommand is None:
        _list(as_json)


@integrations.command("list")
@json_option
@place_options
def list_(as_json: bool) -> None:
    """List all integrations."""
    _list(as_json)


@integrations.command()
@click.argument("name")
@json_option
@place_options
def show(name: str, as_json: bool) -> int:
    """Show one integration with everything that holds for it, its breakers among it."""
    import msgspec

    snapshot, missing = known()
    service = next((s for s in snapshot.services if s.name == name), None)
    if service is None:
        return _unknown(name, [s.name for s in snapshot.services])
    row = _row(service, missing)
    if as_json:
        json_out({**row, "breakers": _circuits(name), "settings": msgspec.to_builtins(service)})
        return exits.OK
    row["timeouts"] = " / ".join(
        f"{getattr(service.timeout, part):g}s" for part in ("connect", "first_byte", "idle", "total")
    )
    row["limits"] = ", ".join(_limit(limit) for limit in service.limits) or "none"
    row["operations"] = f"{len(service.operations)}: " + " ".join(
        operation.name for operation in service.operations[:12]
    )
    row["models"] = len(service.models)
    for circuit in _circuits(name):
        place = f"{circuit['credential']} {circuit['model'] or ''}".rstrip()
        row[f"breaker of {place}"] = circuit["state"] + (f": {circuit['why']}" if circuit.get("why") else "")
    table(
        ("field", "value"),
        [(key, " ".join(value) if isinstance(value, list) else value) for key, value in row.items()],
    )
    return exits.OK


@integrations.command()
@click.argument("name")
@click.option(
    "--reason", default="", help="Shown to those whose calls are refused, and kept in the audit log."
)
@place_options
def disable(name: str, reason: str) -> int:
    """Refuse all calls to an integration within 2 seconds, and end those that are running.

    Calls with a fallback are served by it. Works without console and database; holds over restarts, until `enable`.
    """
    return _switch(name, dead=True, reason=reason)


@integrations.command()
@click.argument("name")
@place_options
def enable(name: str) -> int:
    """Let a disabled integration be called again."""
    return _switch(name, dead=False)


def _switch(name: str, *, dead: bool, reason: str = "") -> int:
    from trunkline.control import kills
    from trunkline.control.published import read_snapshot

    state = state_here()
    there = read_snapshot(state)
    names = [service.name for service in there.services] if there is not None else []
    known = names or [service.name for service in _registered().services]
    if name not in known and name not in kills.disabled(state):
        return _unknown(name, known)
    kills.append(state, "integration", name, dead=dead, why=reason)
    if dead:
        say(f"{name} is disabled: its calls are refused. `trunkline integrations enable {name}` ends that.")
    else:
        say(f"{name} may be called again.")
    if later := kills.told(state):
        say(later)
    return exits.OK


def _unknown(name: str, known: list[str]) -> int:
    from trunkline.core.text import nearest

    near = nearest(name, known)
    say(f"There is no integration {name!r}." + (f" Did you mean {near!r}?" if near else ""))
    return exits.FAILED


def _circuits(name: str) -> list[dict[str, Any]]:
    """The breakers of an integration as the running gateway told them last."""
    import time

    from trunkline.core import codec

    state = state_here()
    try:
        told = codec.pack_decoder(dict[str, Any]).decode((state.path / "gateway.stats").read_bytes())
    except (OSError, codec.DecodeError):
        return []
    fresh = time.time() - float(told.get("at", 0.0)) < STATS_FRESH_S
    found: list[dict[str, Any]] = told.get("circuits", {}).get(name, []) if fresh else []
    return found


def _list(as_json: bool) -> None:
    snapshot, missing = known()
    rows = [_row(service, missing) for service in snapshot.services]
    if as_json:
        json_out(rows)
        return
    columns = ("name", "state", "owner", "criticality", "secret", "version")
    table(
        columns,
        [[row[column] for column in columns] for row in rows],
        empty="The registry names no integration.",
    )
    for row in rows:
        if row["problem"]:
            say(f"{row['name']}: {row['problem']}")


def _row(service: Service, missing: dict[str, str]) -> dict[str, Any]:
    refs = [credential.ref for credential in service.credentials]
    lacking = [ref for ref in refs if ref in missing]
    state, problem = "ready", service.problem
    switched_off = _switched_off()
    if service.name in switched_off:
        state, problem = "disabled", switched_off[service.name] or "switched off by `integrations disable`"
    elif not service.enabled:
        state = "disabled"
    elif service.simulated:
        state = "simulated"
    elif service.problem:
        state = "misconfigured"
    elif refs and len(lacking) == len(refs):
        state, problem = "secret missing", " ".join(f"{ref}: {missing[ref]}" for ref in lacking)
    return {
        "name": service.name,
        "vendor": service.vendor or None,
        "title": service.title or service.name,
        "state": state,
        "problem": problem or None,
        "base_url": service.base_url,
        "owner": service.owner or None,
        "criticality": service.criticality,
        "secret": ("none used" if service.simulated else "none needed")
        if not refs
        else f"{len(refs) - len(lacking)}/{len(refs)} present",
        "refs": refs,
        "version": service.api_version.value if service.api_version else None,
        "data": service.data,
    }


def _switched_off() -> dict[str, str]:
    from trunkline.control import kills

    return kills.disabled(state_here())


def _limit(limit: Any) -> str:
    if limit.concurrency:
        return f"{limit.concurrency} at once"
    return f"{limit.requests or limit.tokens} {'requests' if limit.requests else 'tokens'} per {limit.per:g}s"


def known() -> tuple[Snapshot, dict[str, str]]:
    """What is published and which references are missing; without a running Trunkline, what the registry says."""
    from trunkline.control.claim import is_claimed
    from trunkline.control.published import read_sealed, read_snapshot

    state = state_here()
    snapshot = read_snapshot(state)
    if snapshot is not None and is_claimed(state):
        sealed = read_sealed(state, state.master_key())
        return snapshot, sealed.missing if sealed else {}
    from trunkline.control.lint import missing_of

    loaded = _loaded()
    return loaded.snapshot, missing_of(loaded, os.environ, state)


def _loaded() -> Loaded:
    from trunkline.registry.load import load

    settings = settings_here()
    return load(settings.config_path, environment=settings.env, environ=os.environ)


def _registered() -> Snapshot:
    return _loaded().snapshot
