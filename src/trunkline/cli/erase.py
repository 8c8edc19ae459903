"""`trunkline erase`: take a person out of our own stores."""

from __future__ import annotations

import click

from trunkline.cli.place import json_option, place_options, state_here
from trunkline.cli.show import json_out, say, table
from trunkline.cli.trace import EMAIL, SUBJECT, given
from trunkline.cli.who import by_option


@click.command()
@SUBJECT
@EMAIL
@click.option("--yes", is_flag=True, help="Do it. Without it only what would be done is shown.")
@click.option(
    "--anyway", is_flag=True, help="Also if vendors were not put on a list before (`trunkline trace --open`)."
)
@by_option
@json_option
@place_options
def erase(subject: str, email: str, yes: bool, anyway: bool, who: str, as_json: bool) -> None:
    """Take a person out of the ledger, kept answers, deferred calls and sampled bodies; without --yes only count. Audited.

    Vendors are not asked by this: see `trunkline trace`.
    """
    from trunkline.cli.ledger_reading import up_to_date
    from trunkline.control import erase as control
    from trunkline.control import trace

    if not subject and not email:
        raise click.UsageError("Name the person: --subject ID or --email ADDR.")
    state = state_here(must_exist=True)
    email = given(email)
    person = trace.person(state, subject=subject, email=email)
    up_to_date(state)
    found = control.erase(
        state, person, identifier=subject or email, act=yes, anyway=anyway, actor=f"cli:{who}"
    )
    if as_json:
        json_out(found)
        return
    table(
        ("store", "found", "erased", "how"),
        [(one.store, one.found, one.erased, one.how) for one in found.stores],
    )
    say("\nWhat stays:")
    for line in found.stays:
        say(f"- {line}")
    if not yes:
        say("\nNothing was changed. Do it with --yes.")
