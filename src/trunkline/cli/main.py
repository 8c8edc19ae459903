"""`trunkline`: finds the command, runs it, and turns whatever goes wrong into one clear text and an exit code.

Only click is imported before a command is known. Not for: the commands (one file each beside this one).
"""

from __future__ import annotations

import difflib
import importlib
import os
import sys

import click

from trunkline.cli import exits
from trunkline.cli.place import place_options

COMMANDS = {
    "serve": ("serve:serve", "Start Trunkline: gateway, console and their supervision."),
    "init": ("init:init", "Read a project: write its registry and a plan to move it here."),
    "scan": ("scan:scan", "Check a project: scattered credentials, undeclared hosts, calls past the proxy."),
    "check": ("check:check", "Validate and lint the registry."),
    "reload": ("check:reload", "Put a changed registry live now and wait for it."),
    "explain": ("explain:explain", "What would become of a call, without making it."),
    "call": ("call:call", "Make one call through the running gateway."),
    "keys": ("keys:keys", "Create, list, rotate and revoke caller keys."),
    "teams": ("teams:teams", "Teams: who shares keys, calls and budgets."),
    "users": ("users:users", "People with roles, and who is locked out."),
    "console": ("console:console", "One-time links into the console; its sessions."),
    "audit": ("audit:audit", "Who changed what; the regular review."),
    "secrets": ("secrets:secrets", "Set, list, rotate and remove credentials; who uses one."),
    "run": ("run:run", "Run a command with the secrets it may have."),
    "integrations": ("integrations:integrations", "What can be called, and in which state it is."),
    "models": ("models:models", "Models that can be named in calls: abilities, prices, ends; search."),
    "prices": ("prices:prices", "What calls cost that are no model calls, with sources."),
    "health": ("health:health", "Health of the running Trunkline."),
    "cache": ("cache:cache", "Kept answers: how many, how useful; have them forgotten."),
    "budgets": ("budgets:budgets", "Where budgets stand; test of notices."),
    "usage": ("usage:usage", "Calls, tokens and cost, grouped."),
    "logs": ("logs:logs", "Recorded calls: search, follow, show."),
    "unknown": ("unknown:unknown", "Calls that may or may not have happened: list, show, resolve."),
    "tasks": ("tasks:tasks", "Deferred calls: list, show, cancel, run anew."),
    "data-map": ("data_map:data_map", "Which integration receives which data."),
    "trace": ("trace:trace", "Who received a person's data; deletion requests."),
    "erase": ("erase:erase", "Take a person out of our own stores."),
    "doctor": ("doctor:doctor", "Check this installation; each finding with its cure."),
    "findings": (
        "findings:findings",
        "Everything that a person should look at: list, show, acknowledge, resolve.",
    ),
    "incidents": (
        "incidents:incidents",
        "What failed, since when and for whom: list, show, note, export a review.",
    ),
    "alerts": ("alerts:alerts", "Who is told of incidents and findings: rules, test, notices."),
    "drill": ("drill:drill", "Prove on an isolated copy that fallbacks work; writes a report."),
    "faults": ("faults:faults", "Make integrations fail on demand, outside of production."),
    "bench": ("bench:bench", "Measure speed beside other gateways."),
    "backup": ("backup:backup", "Write one file with everything worth keeping."),
    "restore": ("backup:restore", "Bring a backup back."),
    "contracts": ("contracts:contracts", "Shapes of vendors' APIs: what has changed, checks, cassettes."),
    "runbook": ("runbook:runbook", "What to do when an integration fails."),
    "completion": ("completion:completion", "Print the completion script of a shell."),
    "version": ("version:version", "The version of Trunkline."),
}
"""Name -> (module:attribute below trunkline.cli, line for the list of commands)."""


class Commands(click.Group):
    """A group whose commands are imported when they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        found = COMMANDS.get(cmd_name)
        if found is None:
            return None
        module, _, attribute = found[0].partition(":")
        command: click.Command = getattr(importlib.import_module(f"trunkline.cli.{module}"), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            ctx.fail(unknown_command(args[0], list(COMMANDS)))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


class Subcommands(click.Group):
    """A group of one file's commands that also says what was probably meant."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            ctx.fail(unknown_command(args[0], list(self.commands)))
        return super().resolve_command(ctx, args)


def unknown_command(word: str, known: list[str]) -> str:
    """The sentence for a command that does not exist."""
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"There is no command {word!r}. " + (
        f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(known)}."
    )


def known_commands() -> dict[str, list[str]]:
    """Every command with its subcommands; imports all of them."""
    with click.Context(trunkline) as context:
        found = {name: trunkline.get_command(context, name) for name in COMMANDS}
    return {name: list(getattr(command, "commands", {})) for name, command in found.items()}


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@place_options
def trunkline() -> None:
    """One registry, one proxy and one ledger for every external API that you depend on.

    Settings may also be given as TRUNKLINE_* variables. Exit codes: 0 done, 1 failed, 2 usage, 3 invalid
    configuration, 4 not allowed, 5 vendor, 6 budget, 7 unavailable, 130 interrupted.
    """


def main(arguments: list[str] | None = None) -> None:
    """Entry point; always ends in SystemExit with a documented code."""
    raise SystemExit(run(arguments))


def run(arguments: list[str] | None = None) -> int:
    """Runs one command; answers its exit code."""
    try:
        status = trunkline.main(args=arguments, prog_name="trunkline", standalone_mode=False)
        sys.stdout.flush()
        return status if isinstance(status, int) else exits.OK
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.ClickException as problem:
        problem.show()
        return exits.USAGE if isinstance(problem, click.UsageError) else exits.FAILED
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        return exits.INTERRUPTED
    except BrokenPipeError:
        # Who read our output has had enough (`| head`); Python's own flush at exit must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exits.OK
    except Exception as problem:
        return explain(problem)


DAMAGED = ("file is not a database", "disk image is malformed", "no such table")
"""What SQLite says of a file that was overwritten, cut or emptied."""


def explain(problem: Exception) -> int:
    """Says on stderr what went wrong; answers the exit code. A traceback only for a defect, and only if asked for."""
    if any(sign in str(getattr(problem, "orig", "")) for sign in DAMAGED):
        click.echo(
            f"Error: a database of the state folder is damaged ({getattr(problem, 'orig', '')}). Keep a copy of the folder, and bring "
            "a backup back: trunkline restore FILE.",
            err=True,
        )
        return exits.INVALID
    for kind in type(problem).__mro__:
        if kind.__name__ in exits.BY_FAILURE:
            text = str(getattr(problem, "orig", problem))
            click.echo(f"Error: {text}", err=True)
            return exits.BY_FAILURE[kind.__name__]
    if isinstance(problem, OSError):
        where = f" ({problem.filename})" if problem.filename else ""
        click.echo(f"Error: {problem.strerror or problem}{where}", err=True)
        return exits.FAILED
    if os.environ.get("TRUNKLINE_DEBUG"):
        raise problem
    click.echo(f"Error: a defect of Trunkline: {type(problem).__name__}: {problem}", err=True)
    click.echo("Run it again with TRUNKLINE_DEBUG=1 for the details to report.", err=True)
    return exits.FAILED
