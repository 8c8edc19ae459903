"""`trunkline budgets`: where each budget stands, and whether those who are to be told can be told."""

from __future__ import annotations

import time

import click

from trunkline.cli import exits
from trunkline.cli.main import Subcommands
from trunkline.cli.place import json_option, place_options, state_here
from trunkline.cli.show import json_out, say, table

COLUMNS = ("budget", "of", "window", "limit", "spent", "reserved", "left", "forecast", "ends")


@click.group(cls=Subcommands, invoke_without_command=True)
@json_option
@place_options
@click.pass_context
def budgets(context: click.Context, as_json: bool) -> None:
    """Where each budget stands: spent, set aside for running calls, left, and what it comes to at the present rate. USD."""
    if context.invoked_subcommand is None:
        _show(as_json)


def _show(as_json: bool) -> None:
    from trunkline.cli.ledger_reading import up_to_date
    from trunkline.console.money import rows
    from trunkline.console.published import Published
    from trunkline.control.key_names import names
    from trunkline.ledger.usage import Rollups

    state = state_here(must_exist=True)
    up_to_date(state)
    rollups = Rollups(state.ledger)
    try:
        found = rows(Published(state.path), rollups, time.time())
    finally:
        rollups.close()
    if as_json:
        json_out(found)
        return
    known = names(state)
    table(
        COLUMNS,
        [
            [one.budget, known.get(one.of, one.of), one.window, *map(_usd, (one.limit_usd, one.spent_usd, one.reserved_usd)),
             *map(_usd, (one.left_usd, one.forecast_usd)), one.ends_at]
            for one in found
        ],
        empty="There is no budget. Add one to the registry (`budgets:`), or to a key (`keys create --budget-usd 20/month`).",
    )  # fmt: skip
    for one in found:
        of = known.get(one.of, one.of)
        name = f"{one.budget} ({of})" if of else one.budget
        if one.unpriced:
            say(f"{name}: the cost of {one.unpriced} calls is unknown, because what they used has no price.")
        if one.spent_usd >= one.limit_usd:
            say(f"{name}: used up; {'calls are refused' if one.hard else 'calls go on'} until {one.ends_at}.")
        elif one.forecast_usd > one.limit_usd:
            say(f"{name}: at the present rate it will not last until {one.ends_at}.")


def _usd(amount: float) -> str:
    """Calls to small models cost less than a hundredth of a cent."""
    return f"{amount:.4f}" if amount >= 1 or not amount else f"{amount:.6f}"


@budgets.command("test-notify")
@json_option
@place_options
@click.pass_context
def test_notify(context: click.Context, as_json: bool) -> None:
    """Sends a test notice to everybody whom the registry names (`notify:`) and says what became of it."""
    from trunkline.control import audit, published
    from trunkline.ops.notify import send
    from trunkline.ops.outbox import Outbox

    state = state_here(must_exist=True)
    snapshot = published.read_snapshot(state)
    if snapshot is None:
        say("Nothing is published yet. Start `trunkline serve` here first.")
        context.exit(exits.UNAVAILABLE)
    if not (snapshot.notify.webhook or snapshot.notify.email):
        say(
            "The registry names nobody to tell. Add `notify: {webhook: ..., webhook_secret: ...}` or `email`."
        )
        context.exit(exits.FAILED)
    sealed = published.read_sealed(state, state.master_key())

    def secret(ref: str) -> str:
        if sealed is None or ref not in sealed.values:
            raise ValueError(
                sealed.missing.get(ref, "it does not resolve") if sealed else "no secrets are published"
            )
        audit.append(state, "cli", "secret.open", ref, {"for": "test-notify"})
        return sealed.values[ref]

    # Due only later, so that the console does not send it, too.
    outbox, now = Outbox(state.path), time.time()
    notice = outbox.put(
        "test", {"text": "A test of Trunkline's notices: this is how they arrive."}, now=now, later_s=60.0
    )
    assert notice is not None
    delivery = send(snapshot.notify, notice.event, notice.payload, secret=secret, message_id=notice.id)
    # Whatever came of it, a test is not tried again.
    outbox.close(notice, delivery)
    if as_json:
        json_out(delivery)
    else:
        rows = [[one.channel, one.where, "sent" if one.ok else "FAILED", one.detail] for one in delivery.sent]
        table(("channel", "where", "", "why"), rows)
    context.exit(exits.OK if delivery.ok else exits.FAILED)
