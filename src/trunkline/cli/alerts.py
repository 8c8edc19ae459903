"""`trunkline alerts`: the rules and what they have told, a test, notices that were sent or given up."""

from __future__ import annotations

import click

from trunkline.cli import exits
from trunkline.cli.main import Subcommands
from trunkline.cli.place import json_option, place_options, state_here
from trunkline.cli.show import json_out, say, table
from trunkline.cli.who import by_option

RULES = ("rule", "takes", "to", "remind", "lasting")
FIRING = ("rule", "state", "severity", "kind", "integration", "title", "since", "told")
NOTICES = ("at", "state", "rule", "event", "tries", "what", "id")


@click.group(cls=Subcommands, invoke_without_command=True)
@json_option
@place_options
@click.pass_context
def alerts(context: click.Context, as_json: bool) -> None:
    """Who is told of incidents, findings and budgets (`alerts:` in the registry), and what they were told.

    Without a command, the rules and what lasts.
    """
    if context.invoked_subcommand is None:
        _list(as_json)


@alerts.command("list")
@json_option
@place_options
def list_(as_json: bool) -> None:
    """The rules, and what each has told that still lasts."""
    _list(as_json)


@alerts.command()
@click.argument("rule")
@by_option
@json_option
@place_options
@click.pass_context
def test(context: click.Context, rule: str, who: str, as_json: bool) -> None:
    """Tell every target of a rule that this is a test, and say what became of it.

    Exit codes: 0 everybody was told, 1 somebody was not.
    """
    from trunkline.control import alerting as control

    delivery = control.try_out(state_here(must_exist=True), rule, actor=f"cli:{who}")
    if as_json:
        json_out(delivery)
    else:
        rows = control.described(delivery)
        table(("target", "where", "", "why"), rows, empty=f"The rule {rule!r} has no targets.")
    context.exit(exits.OK if delivery.ok and delivery.sent else exits.FAILED)


@alerts.command()
@click.option("--failed", is_flag=True, help="Only those that were given up, or that nobody was there for.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@json_option
@place_options
def notices(failed: bool, limit: int, as_json: bool) -> None:
    """What was told, newest first, and what waits to be; with --json one object per line."""
    from trunkline.control import alerting as control
    from trunkline.control.periods import rfc3339

    found = control.notices(state_here(must_exist=True), failed=failed, limit=limit)
    if as_json:
        for one in found:
            json_out(one)
        return
    rows = [
        [rfc3339(one.at), one.state, one.rule or "notify", one.event, one.tries, one.payload.get("text", ""), one.id]
        for one in found
    ]  # fmt: skip
    table(NOTICES, rows, empty="Nothing was given up." if failed else "Nothing was told yet.")
    for one in found:
        for sent in one.sent:
            if not sent.ok:
                say(f"{one.id} {sent.channel} {sent.where}: {sent.detail}")


@alerts.command()
@click.argument("notice")
@by_option
@json_option
@place_options
def retry(notice: str, who: str, as_json: bool) -> None:
    """Send a notice again that was given up, to those who were not told."""
    from trunkline.control import alerting as control

    found = control.retry(state_here(must_exist=True), notice, actor=f"cli:{who}")
    if as_json:
        json_out(found)
    else:
        say(
            f"{found.id} is sent again while a console runs; `trunkline alerts notices` shows what became of it."
        )


def _list(as_json: bool) -> None:
    from trunkline.control import alerting as control
    from trunkline.control.periods import rfc3339

    found = control.standing(state_here(must_exist=True))
    if as_json:
        json_out(found)
        return
    rows = [
        [one.name, _takes(one), ", ".join(one.to), _every(one.remind_s), len(one.firing)] for one in found
    ]
    table(
        RULES,
        rows,
        empty="Nobody is told of anything. Add `alerts:` or `notify:` to the registry; docs/how-to/alerts.md says how.",
    )
    lasting = [
        [rule.name, "acknowledged" if one.acknowledged else one.state, one.severity, one.kind, one.integration, one.title,
         one.since, rfc3339(one.told_at) if one.told_at else "not yet"]
        for rule in found
        for one in rule.firing
    ]  # fmt: skip
    if found:
        click.echo()
        table(FIRING, lasting, empty="Nothing lasts that anybody was told of.")


def _takes(one: object) -> str:
    kinds, severity, integrations = (getattr(one, name) for name in ("kinds", "severity", "integrations"))
    what = f"{', '.join(kinds) or 'everything'} from {severity} on"
    return what + (f" of {', '.join(integrations)}" if integrations else "")


def _every(seconds: float) -> str:
    from trunkline.cli.health import short

    return f"every {short(seconds)}" if seconds else "never"
