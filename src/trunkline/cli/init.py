"""`trunkline init`: reads a project and writes its registry and a plan.

Not for: finding (`ops/scan`), nor for the same as a check in CI (`scan.py`).
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from trunkline.cli import exits
from trunkline.cli.place import json_option, place_options, settings_here
from trunkline.cli.reading import Progress, limits_of, limits_options
from trunkline.cli.show import json_out, say

if TYPE_CHECKING:
    from trunkline.ops.scan.gather import Look
    from trunkline.ops.scan.plan import Plan
    from trunkline.ops.scan.services import Service

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
@click.option(
    "--patch",
    "patch_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Also write every exact change of a client as a patch, for `git apply --unidiff-zero FILE`.",
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
    patch_file: Path | None,
    as_json: bool,
    **bounds: Any,
) -> int:
    """Read the project in DIR and write trunkline.yaml (every external API that it calls) and a plan.

    The plan moves each credential into the store, gives the change of each client, and lists what only people know. No value of a
    credential is ever shown or written. A registry that is there is not touched without --merge or --force.
    """
    if merge and force:
        raise click.UsageError("Give --merge or --force, not both.")
    from trunkline.ops.scan import gather, plan, plan_text, services, vendors

    known = vendors.load()
    with Progress(as_json) as progress:
        look = gather.look(folder, vendors=known, limits=limits_of(bounds), said=progress.files)
    found = services.services_of(look.found, known)
    registry = _registry(folder)
    url = proxy_url.rstrip("/")
    made = plan.made(look, found, known, registry=registry.name, proxy_url=url)
    outcome = _registry_text(registry, found, merge=merge, force=force)
    plan_path = Path(plan_file) if plan_file else registry.with_name(PLAN)
    pages: list[tuple[Path, str]] = []
    if found or outcome.there:
        pages = [
            *([(registry, outcome.text)] if outcome.write else []),
            (plan_path, plan_text.markdown(made)),
        ]
    left: list[str] = []
    if patch_file is not None:
        text, left = plan.patch(look, found, known, url)
        pages.append((patch_file, text))
    _tell_of_registry(registry, outcome, quiet=as_json)
    _put(pages, dry_run=dry_run, quiet=as_json)
    written = [] if dry_run else [str(path) for path, _ in pages]
    if as_json:
        json_out(
            {
                "plan": made,
                "registry": str(registry),
                "plan_file": str(plan_path),
                "written": written,
                "by_hand": left,
            }
        )
    else:
        _summary(look, made, written, plan_path, left)
    return exits.FAILED if outcome.refused and not dry_run else exits.OK


class Outcome(NamedTuple):
    """What becomes of the registry."""

    there: str
    """Its text before; empty if there is none."""
    text: str
    write: bool
    refused: bool
    """Something is missing in it, but it may not be touched."""


def _registry(folder: Path) -> Path:
    """The registry of the project: `--config` if it was given, else trunkline.yaml in its folder."""
    config = settings_here().config_path
    return config if config.name != "trunkline.yaml" or config.parent != Path() else folder / config


def _registry_text(registry: Path, found: list[Service], *, merge: bool, force: bool) -> Outcome:
    from trunkline.ops.scan import registry_text

    there = registry.read_text("utf-8") if registry.exists() else ""
    if not there or force:
        text = registry_text.text_of(found)
        return Outcome(there, text, write=bool(found) and text != there, refused=False)
    missing = [one for one in _missing(registry, found) if not registry_text.is_asked(there, one)]
    text = registry_text.merged(there, missing)
    return Outcome(there, text, write=merge and text != there, refused=not merge and text != there)


def _tell_of_registry(registry: Path, outcome: Outcome, *, quiet: bool) -> None:
    if outcome.refused:
        if not quiet:
            names = (str(registry), f"{registry} with --merge")
            lines = difflib.unified_diff(
                outcome.there.splitlines(), outcome.text.splitlines(), *names, lineterm=""
            )
            click.echo("\n".join(lines))
        say(f"{registry} is there and was not changed. --merge adds the above, --force writes it anew.")
    elif outcome.there and outcome.text == outcome.there:
        say(f"{registry} declares everything that was found.")


def _put(pages: list[tuple[Path, str]], *, dry_run: bool, quiet: bool) -> None:
    """Writes the files; with `dry_run` shows them."""
    for path, text in pages:
        if not dry_run:
            path.write_text(text, "utf-8")
        elif not quiet:
            click.echo(f"--- {path}\n{text}")


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


def _summary(look: Look, made: Plan, written: list[str], plan_path: Path, left: list[str]) -> None:
    found = look.found
    not_read = f" Not read: {made.not_read}." if made.not_read else ""
    say(f"Read {found.files} files ({found.bytes_read / 1e6:.1f} MB).{not_read}")
    if not made.integrations:
        say("No call to an external API was found, so no registry is proposed.")
        return
    open_sites = [site for site in made.sites if not site.through]
    exact = sum(bool(site.diff) for site in open_sites)
    say(
        f"Found {len(made.integrations)} integrations, {sum(not move.spare for move in made.moves)} credentials to move, "
        f"{len(open_sites)} places where clients change ({exact} with the exact lines)."
    )
    if left:
        say(
            f"Left out of the patch, since their lines hold credentials: {', '.join(left)}. The plan shows them masked."
        )
    if written:
        say(f"Wrote {', '.join(written)}. Next: read {plan_path}, then `trunkline check`.")
