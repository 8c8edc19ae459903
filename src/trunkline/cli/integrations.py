"""`trunkline integrations` and `trunkline models`: what can be called, and in which state it is."""

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
    """Show one integration with everything that holds for it."""
    import msgspec

    from trunkline.core.text import nearest

    snapshot, missing = known()
    service = next((s for s in snapshot.services if s.name == name), None)
    if service is None:
        near = nearest(name, [s.name for s in snapshot.services])
        say(f"There is no integration {name!r}." + (f" Did you mean {near!r}?" if near else ""))
        return exits.FAILED
    if as_json:
        json_out({**_row(service, missing), "settings": msgspec.to_builtins(service)})
        return exits.OK
    row = _row(service, missing)
    row["timeouts"] = " / ".join(
        f"{getattr(service.timeout, part):g}s" for part in ("connect", "first_byte", "idle", "total")
    )
    row["limits"] = ", ".join(_limit(limit) for limit in service.limits) or "none"
    row["operations"] = f"{len(service.operations)}: " + " ".join(
        operation.name for operation in service.operations[:12]
    )
    row["models"] = len(service.models)
    table(
        ("field", "value"),
        [(key, " ".join(value) if isinstance(value, list) else value) for key, value in row.items()],
    )
    return exits.OK


@click.command()
@click.option("--integration", metavar="NAME", help="Only those of one integration.")
@json_option
@place_options
def models(integration: str | None, as_json: bool) -> None:
    """The models that can be named in calls, with their prices."""
    snapshot, _ = known()
    found: list[dict[str, Any]] = [
        {
            "id": f"{service.name}/{model.id}",
            "kind": model.kind,
            "context": model.context or None,
            "input_usd_per_million": model.price.input if model.price else None,
            "output_usd_per_million": model.price.output if model.price else None,
            "price_date": model.price.date if model.price else None,
        }
        for service in snapshot.services
        if service.enabled and integration in (None, service.name)
        for model in service.models
    ]
    aliases = [{"id": alias.name, "target": alias.target} for alias in snapshot.aliases]
    if as_json:
        json_out({"models": found, "aliases": aliases})
        return
    rows: list[list[Any]] = [[alias["id"], f"-> {alias['target']}", "", "", ""] for alias in aliases]
    rows += [
        [m["id"], m["kind"], m["context"], m["input_usd_per_million"], m["output_usd_per_million"]]
        for m in found
    ]
    table(
        ("model", "kind", "context", "$/M in", "$/M out"),
        rows,
        empty="No models: no AI integration is registered.",
    )


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
    if not service.enabled:
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


def _limit(limit: Any) -> str:
    if limit.concurrency:
        return f"{limit.concurrency} at once"
    return f"{limit.requests or limit.tokens} {'requests' if limit.requests else 'tokens'} per {limit.per:g}s"


def known() -> tuple[Snapshot, dict[str, str]]:
    """What is published and which references are missing; without a running Trunkline, what the registry says."""
    from trunkline.control.claim import is_claimed
    from trunkline.control.publish import read_sealed, read_snapshot

    state, settings = state_here(), settings_here()
    snapshot = read_snapshot(state)
    if snapshot is not None and is_claimed(state):
        sealed = read_sealed(state, state.master_key())
        return snapshot, sealed.missing if sealed else {}
    from trunkline.control.lint import missing_of
    from trunkline.registry.load import load

    loaded = load(settings.config_path, environment=settings.env, environ=os.environ)
    return loaded.snapshot, missing_of(loaded, os.environ, state)
