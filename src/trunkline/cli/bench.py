"""`trunkline bench`: runs the measurements of a source checkout."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click

from trunkline.cli import exits
from trunkline.cli.show import say


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def bench(arguments: tuple[str, ...]) -> int:
    """Measure speed beside other gateways. Needs a source checkout; arguments are handed on."""
    checkout = Path(__file__).parents[3]
    if not (checkout / "benchmarks" / "__main__.py").exists():
        say(
            "The measurements are part of the source checkout, not of the installed package: clone it and run `make bench`."
        )
        return exits.FAILED
    done = subprocess.run([sys.executable, "-m", "benchmarks", *arguments], cwd=checkout, check=False)  # noqa: S603 (ours)
    return done.returncode
