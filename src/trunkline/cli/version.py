"""`trunkline version`."""

from __future__ import annotations

import click

from trunkline.cli.place import json_option
from trunkline.cli.show import json_out


@click.command()
@json_option
def version(as_json: bool) -> None:
    """Print the version of Trunkline (and with --json that of Python)."""
    import platform

    import trunkline

    if as_json:
        json_out({"trunkline": trunkline.__version__, "python": platform.python_version()})
    else:
        click.echo(f"trunkline {trunkline.__version__}")
