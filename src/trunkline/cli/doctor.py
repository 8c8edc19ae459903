"""`trunkline doctor`: checks this installation and prints each finding with its cure."""

from __future__ import annotations

import os

import click

from trunkline.cli import exits
from trunkline.cli.place import json_option, place_options, settings_here, state_here
from trunkline.cli.show import json_out, say, table


@click.command()
@json_option
@place_options
def doctor(as_json: bool) -> int:
    """Check this installation: state, keys, ports, processes, disk, Python. Changes nothing.

    Exit codes: 0 all well, 1 findings.
    """
    from trunkline.control.diagnosis import diagnose

    found = diagnose(state_here(), settings_here(), os.environ)
    wrong = [check for check in found if check.verdict in ("warn", "fail")]
    if as_json:
        json_out({"ok": not wrong, "checks": found})
    else:
        table(("check", "verdict", "what"), [(check.name, check.verdict, check.text) for check in found])
        for check in wrong:
            say(f"{check.name}: {check.cure}")
    return exits.FAILED if wrong else exits.OK
