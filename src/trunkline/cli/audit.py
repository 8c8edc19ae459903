"""`trunkline audit`: the chain of changes, logins and secret access, and the regular review."""

from __future__ import annotations

import csv
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trunkline.cli import exits
from trunkline.cli.main import Subcommands
from trunkline.cli.place import json_option, place_options, state_here
from trunkline.cli.show import json_out, say, table
from trunkline.cli.when import micros
from trunkline.cli.who import by_option

if TYPE_CHECKING:
    from trunkline.control.state import State
    from trunkline.ops.baseline.facts import Kill, Route

_COLUMNS = ("seq", "time", "at", "actor", "action", "subject", "detail", "hash")
_SINCE = click.option(
    "--since", metavar="TIME", help="From then on: 7d (so long ago), a date, or an instant."
)
_UNTIL = click.option("--until", metavar="TIME", help="Until then.")


@click.group(cls=Subcommands)
@place_options
def audit() -> None:
    """Who changed what, who came in, which secret was fetched; and the review that uses it.

    The rows are chained by hashes and sealed with a key of the installation: one that is changed, put in, taken out or cut off shows.
    """


@audit.command()
@_SINCE
@_UNTIL
@click.option("--actor", help="Who, e.g. user:ana or cli:root.")
@click.option("--action", help="What, e.g. key.create; or all of a sort: key.")
@click.option("--subject", help="To which thing, e.g. the id of a key.")
@click.option(
    "--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="The newest so many."
)
@json_option
@place_options
def log(
    since: str | None,
    until: str | None,
    actor: str | None,
    action: str | None,
    subject: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """Show the newest rows, oldest first."""
    from trunkline.control import audit as control

    wanted = control.Search(
        since=(micros(since, "--since") or 0) / 1e6,
        until=(micros(until, "--until") or 0) / 1e6,
        actor=actor or "",
        action=action or "",
        subject=subject or "",
    )
    rows = control.search(state_here(must_exist=True), wanted, limit=limit)
    if as_json:
        for row in rows:
            json_out(row)
        return
    shown = [
        (r["seq"], _when(r["at"]), r["actor"], r["action"], r["subject"], _short(r["detail"])) for r in rows
    ]
    table(("row", "at", "who", "what", "which", "detail"), shown, empty="No such rows.")


@audit.command()
@click.option(
    "--anchor",
    "anchors",
    multiple=True,
    metavar="TEXT",
    help="An anchor that was kept elsewhere; repeat for more.",
)
@click.option(
    "--export",
    "earlier",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="An earlier export (jsonl): its rows must still be here.",
)
@json_option
@place_options
def verify(anchors: tuple[str, ...], earlier: Path | None, as_json: bool) -> int:
    """Check the whole chain; says the first row that is wrong, what stands there, and what to do.

    Exit codes: 0 whole, 1 not.
    """
    from trunkline.control import anchor
    from trunkline.control import audit as control

    state = state_here(must_exist=True)
    kept = [anchor.parse(state, text) for text in anchors]
    verdict = control.verify(state, *kept)
    problem = verdict.problem or (_differs(state, earlier) if earlier is not None else "")
    ok = verdict.ok and not problem
    if as_json:
        told = {**verdict._asdict(), "cure": control.CURE if problem else ""}
        json_out({**told, "ok": ok, "problem": problem})
    elif ok:
        say(f"The chain is whole: {verdict.rows} rows, anchored up to row {verdict.anchored}.")
    else:
        say(f"The chain does not hold: {problem}. {verdict.rows} rows before are in order.")
        if verdict.record:
            say(f"There stands now: {verdict.record}")
        say(control.CURE)
    return exits.OK if ok else exits.FAILED


@audit.command()
@click.option("--format", "form", type=click.Choice(["jsonl", "csv"]), default="jsonl", show_default=True)
@_SINCE
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="File; stdout unless told.")
@place_options
def export(form: str, since: str | None, output: Path | None) -> None:
    """Write the rows with their hashes, oldest first.

    A row's hash is SHA-256 over the hash before it and the JSON list of seq, at, actor, action, subject and detail (as text, keys in
    order), so that anyone can check an export.
    """
    from trunkline.control import audit as control

    state = state_here(must_exist=True)
    rows = control.entries(state, since=(micros(since, "--since") or 0) / 1e6)
    stream = output.open("x", newline="") if output is not None else sys.stdout
    try:
        _write(rows, form, stream)
    finally:
        if output is not None:
            stream.close()
    tip = control.tip(state)
    say(f"{len(rows)} rows. Anchor of the last one, to be kept elsewhere: {tip or 'none'}")


@audit.command()
@place_options
def anchor() -> None:
    """Print where the chain ends now. Kept elsewhere, it shows (`verify --anchor`) when the end was taken off."""
    from trunkline.control import audit as control

    tip = control.tip(state_here(must_exist=True))
    if tip is None:
        say("There are no rows yet.")
    else:
        click.echo(str(tip))


@audit.command()
@click.option(
    "--keep",
    multiple=True,
    metavar="ID",
    help="Who may stay: id or name of a key, user or token; repeat for more.",
)
@click.option("--revoke", multiple=True, metavar="ID", help="Who may not: ended at once; repeat for more.")
@click.option("--no-kill", is_flag=True, help="Do not measure how fast a key can be killed.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the page to a file.")
@by_option
@json_option
@place_options
def baseline(
    keep: tuple[str, ...],
    revoke: tuple[str, ...],
    no_kill: bool,
    output: Path | None,
    who: str,
    as_json: bool,
) -> int:
    """The review of everything, as Markdown: secrets, identity on every route, records, rotation, kill time, keys, access, and more.

    Due monthly from ten engineers on (`team_size` in the registry), else quarterly. A running Trunkline has a key of its own made and
    killed, to see how long that takes. Exit codes: 0 nothing to do, 1 findings.
    """
    from trunkline.control import baseline as control
    from trunkline.ops.baseline.text import markdown

    state = state_here(must_exist=True)
    for line in control.decide(state, keep=keep, revoke=revoke, actor=f"cli:{who}"):
        say(line)
    review = control.made(state, routes(), _kill(state, no_kill))
    if as_json:
        json_out(review)
    elif output is None:
        click.echo(markdown(review), nl=False)
    if output is not None:
        output.write_text(markdown(review))
        say(f"Written to {output}.")
    say(f"{review.open} findings. When they are dealt with: trunkline audit sign-off --by NAME")
    return exits.FAILED if review.open else exits.OK


@audit.command("sign-off")
@click.option("--by", required=True, metavar="NAME", help="Who signs.")
@click.option("--note", default="", help="What was agreed, e.g. on findings that stay open.")
@click.option("--no-kill", is_flag=True, help="Do not measure how fast a key can be killed.")
@json_option
@place_options
def sign_off(by: str, note: str, no_kill: bool, as_json: bool) -> None:
    """Review once more and sign: its digest and what is open become a row of the chain, and the next one is dated."""
    from trunkline.control import baseline as control

    state = state_here(must_exist=True)
    review = control.made(state, routes(), _kill(state, no_kill))
    signed = control.sign_off(state, review, by=by, note=note, actor=f"cli:{by}")
    if as_json:
        json_out(signed)
    else:
        say(
            f"Signed off by {signed.by} with {signed.findings} findings open. The next review is due on {signed.due}."
        )


@audit.command()
@json_option
@place_options
def reviews(as_json: bool) -> None:
    """List the reviews that were signed off."""
    from trunkline.control import baseline as control

    found = control.sign_offs(state_here(must_exist=True))
    if as_json:
        json_out(found)
        return
    rows = [(one.at[:10], one.by, one.findings, one.due, one.note, one.digest[:16]) for one in found]
    table(
        ("on", "by", "findings open", "next due", "note", "digest"),
        rows,
        empty="No review was signed off yet.",
    )


def routes() -> list[Route]:
    """Every route of gateway and console, with who may, from the tables that they are served by."""
    from trunkline.cli import reference_routes
    from trunkline.console.endpoints import ENDPOINTS
    from trunkline.ops.baseline.facts import Route

    found = [
        Route(plane="calls", route=f"{row.method} {row.path.strip('`')}", identity=row.identity)
        for row in reference_routes.rows()
    ]
    return found + [
        Route(
            plane="console",
            route=f"{one.method} {one.path}",
            identity="none" if one.role == "open" else one.role,
        )
        for one in ENDPOINTS
    ]


def _kill(state: State, not_asked: bool) -> Kill:
    from trunkline.cli.running import request
    from trunkline.control import baseline as control
    from trunkline.control.running import NotRunning, running_facts
    from trunkline.ops.baseline.facts import Kill

    if not_asked:
        return Kill(why="it was not asked for")
    try:
        facts = running_facts(state)
    except NotRunning:
        return Kill(why="Trunkline is not running")

    def works(key: str) -> bool:
        with request(facts, "GET", "/health", [("x-trunkline-key", key)]) as answer:
            answer.read()
            return answer.status != 401

    return control.measured_kill(state, works)


def _differs(state: State, earlier: Path) -> str:
    """What of an earlier export is no longer so; empty if nothing."""
    from trunkline.control import audit as control
    from trunkline.core import codec

    hashes = {row["seq"]: row["hash"] for row in control.entries(state)}
    for n, line in enumerate(earlier.read_text().splitlines(), start=1):
        try:
            row = codec.from_json(line)
            same = hashes.get(row["seq"]) == row["hash"]
        except (codec.DecodeError, KeyError, TypeError):
            raise click.BadParameter(
                f"line {n} of {earlier} is no row of an export", param_hint="--export"
            ) from None
        if not same:
            return f"row {row['seq']} is not what it was in {earlier.name}"
    return ""


def _write(rows: list[dict[str, Any]], form: str, stream: Any) -> None:
    from trunkline.control import audit as control
    from trunkline.core import codec
    from trunkline.core.text import no_formula

    if form == "jsonl":
        for row in rows:
            stream.write(codec.to_json({**row, "time": _when(row["at"])}).decode() + "\n")
        return
    writer = csv.writer(stream)
    writer.writerow(_COLUMNS)
    for row in rows:
        cells = {
            **row,
            "time": _when(row["at"]),
            "at": repr(row["at"]),
            "detail": control.text_of(row["detail"]),
        }
        told = (cells[name] for name in _COLUMNS)
        writer.writerow([no_formula(cell) if isinstance(cell, str) else cell for cell in told])


def _when(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _short(detail: dict[str, Any]) -> str:
    told = ", ".join(f"{name}={value}" for name, value in detail.items() if value not in ("", [], None))
    return told if len(told) <= 80 else told[:77] + "..."
