"""`trunkline init`: reads a project and writes its registry and a plan.

Not for: finding (`ops/scan`), nor for the same as a check in CI (`scan.py`).
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trunkline.cli import exits
from trunkline.cli.place import json_option, place_options, settings_here
from trunkline.cli.reading import Progress, limits_of, limits_options
from trunkline.cli.show import json_out, say

if TYPE_CHECKING:
    from trunkline.ops.scan.gather import Look
    from trunkline.ops.scan.plan import Plan
    from trunkline.ops.scan.services import Service
    from trunkline.ops.scan.vendors import Vendors

PLAN = "trunkline-plan.md"
PROXY_URL = "http://127.0.0.1:4000"


@click.command()
@click.argument(
    "folder", metavar="[DIR]", default=".", type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.option("--dry-run", is_flag=True, help="Show registry and plan, and write nothing.")
@click.option(
    "--merge", is_flag=True, help="Add what is missing to a registry that is there; its comments stay."
)
@click.option("--force", is_flag=True, help="Write a registry that is there anew.")
@click.option(
    "--plan", "plan_file", metavar="FILE", help=f"The plan; {PLAN} beside the registry unless told."
)
@click.option(
    "--proxy-url",
    metavar="URL",
    default=PROXY_URL,
    help=f"Where clients will reach Trunkline; {PROXY_URL} unless told.",
)
@limits_options
@json_option
@place_options
def init(
    folder: Path,
    dry_run: bool,
    merge: bool,
    force: bool,
    plan_file: str | None,
    proxy_url: str,
    as_json: bool,
    **bounds: Any,
) -> int:
    """Read the project in DIR and write trunkline.yaml (every external API that it calls) and a plan.

    The plan moves each credential into the store, gives the change of each client, and lists what only people know. No value of a
    credential is ever shown or written. A registry that is there is not touched without --merge or --force.
    """
    if merge and force:
        raise click.UsageError("Give --merge or --force, not both.")
    from trunkline.ops.scan import gather, plan, services, vendors

    known = vendors.load()
    with Progress(as_json) as progress:
        look = gather.look(folder, vendors=known, limits=limits_of(bounds), said=progress.files)
    found = services.services_of(look.found, known)
    registry = _registry(folder)
    made = plan.made(look, found, known, registry=registry.name, proxy_url=proxy_url.rstrip("/"))
    plan_path = Path(plan_file) if plan_file else registry.with_name(PLAN)
    code, did = _write(
        registry, plan_path, found, made, known, dry_run=dry_run, merge=merge, force=force, quiet=as_json
    )
    if as_json:
        json_out({"plan": made, "registry": str(registry), "plan_file": str(plan_path), "written": did})
    else:
        _summary(look, made, did, plan_path)
    return code


def _registry(folder: Path) -> Path:
    """The registry of the project: `--config` if it was given, else trunkline.yaml in its folder."""
    config = settings_here().config_path
    return config if config.name != "trunkline.yaml" or config.parent != Path() else folder / config


def _write(
    registry: Path,
    plan_path: Path,
    found: list[Service],
    made: Plan,
    known: Vendors,
    *,
    dry_run: bool,
    merge: bool,
    force: bool,
    quiet: bool,
) -> tuple[int, list[str]]:
    """Writes what may be written; answers the exit code and what was written."""
    from trunkline.ops.scan import plan_text, registry_text

    there = registry.read_text("utf-8") if registry.exists() else ""
    if not found and not there:
        return exits.OK, []
    new = registry_text.text_of(found)
    code = exits.OK
    if there and not force:
        new = registry_text.merged(there, _missing(registry, found))
        if new == there:
            say(f"{registry} declares everything that was found.")
        elif not merge:
            _show_diff(registry, there, new, quiet)
            code = exits.OK if dry_run else exits.FAILED
    pages = [(plan_path, plan_text.markdown(made))]
    if new != there and (not there or merge or force):
        pages.insert(0, (registry, new))
    if dry_run:
        if not quiet:
            _show(pages)
        return code, []
    for path, text in pages:
        path.write_text(text, "utf-8")
    return code, [str(path) for path, _ in pages]


def _missing(registry: Path, found: list[Service]) -> list[Service]:
    """Services that the registry declares neither by name, nor by vendor, nor by host."""
    from trunkline.cli.reading import declared_in

    declared = declared_in(registry)
    return [
        service
        for service in found
        if service.name not in declared.hosts.values()
        and not (service.vendor in declared.vendors and service.name == service.vendor)
        and (not service.hosts or any(declared.of(host) is None for host in service.hosts))
    ]


def _show(pages: list[tuple[Path, str]]) -> None:
    for path, text in pages:
        click.echo(f"--- {path}\n{text}")


def _show_diff(registry: Path, there: str, new: str, quiet: bool) -> None:
    if not quiet:
        lines = difflib.unified_diff(
            there.splitlines(), new.splitlines(), str(registry), f"{registry} with --merge", lineterm=""
        )
        click.echo("\n".join(lines))
    say(f"{registry} is there and was not changed. --merge adds the above, --force writes it anew.")


def _summary(look: Look, made: Plan, did: list[str], plan_path: Path) -> None:
    found = look.found
    say(
        f"Read {found.files} files ({found.bytes_read / 1e6:.1f} MB)."
        + (f" Not read: {made.not_read}." if made.not_read else "")
    )
    if not made.integrations:
        say(
            "No call to an external API was found, so nothing was written. `trunkline serve --simulate-missing` writes an example registry."
        )
        return
    open_sites = [site for site in made.sites if not site.through]
    exact = sum(bool(site.diff) for site in open_sites)
    say(
        f"Found {len(made.integrations)} integrations, {len(made.moves)} credentials to move, "
        f"{len(open_sites)} places where clients change ({exact} with the exact lines)."
    )
    if did:
        say(f"Wrote {' and '.join(did)}. Next: read {plan_path}, then `trunkline check`.")
