"""`trunkline serve`: flags to settings, the first key, the banner, then the supervisor."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from trunkline.cli.place import place_options, settings_here
from trunkline.cli.show import say

if TYPE_CHECKING:
    from trunkline.control.state import State
    from trunkline.settings import Settings


@click.command()
@click.option("--host", metavar="ADDR", help="Address of the data plane; 127.0.0.1 unless told.")
@click.option("--port", type=int, metavar="N", help="Port of the data plane; 4000 unless told.")
@click.option("--console-host", metavar="ADDR", help="Address of the console; 127.0.0.1 unless told.")
@click.option("--console-port", type=int, metavar="N", help="Port of the console; 4001 unless told.")
@click.option(
    "--console-hosts",
    multiple=True,
    metavar="NAME",
    help="Host name under which the console may be asked for, beside its address; repeat for more.",
)
@click.option(
    "--egress-port",
    type=int,
    metavar="N",
    help="Also run the CONNECT listener: clients reach declared hosts by it, and no others.",
)
@click.option(
    "--one-port",
    is_flag=True,
    default=None,
    help="Console under /console of the data plane's port; reads PORT.",
)
@click.option(
    "--drain",
    type=float,
    metavar="SECONDS",
    help="How long running calls may take to end at a stop; 35 unless told.",
)
@click.option(
    "--simulate-missing",
    is_flag=True,
    default=None,
    help="Play vendors whose key is missing by the simulator.",
)
@click.option(
    "--trusted-proxy",
    multiple=True,
    metavar="NET",
    help="Believe X-Forwarded-For from this network; repeat for more.",
)
@click.option(
    "--probes/--no-probes",
    default=None,
    help="Probe integrations with free calls and read their vendors' status pages; on unless told.",
)
@click.option("--open-metrics", is_flag=True, default=None, help="Serve /metrics without a key.")
@click.option("--tls-cert", metavar="FILE", help="Serve HTTPS with this certificate chain (PEM).")
@click.option("--tls-key", metavar="FILE", help="Its key (PEM).")
@click.option("--workers", type=int, metavar="N", help="Gateway processes; only 1 without a shared store.")
@place_options
def serve(**flags: Any) -> int:
    """Start Trunkline: gateway, console and their supervision.

    SIGTERM or Ctrl-C lets running calls end; a second Ctrl-C stops at once. SIGHUP reloads the registry.
    """
    from trunkline.cli import banner
    from trunkline.control.supervise import Supervisor

    for name in ("trusted_proxy", "console_hosts"):
        flags[name] = flags[name] or None
    settings = settings_here(flags)
    first_registry(settings)

    def ready(state: State, now: Settings) -> None:
        say(banner.text(state, now, first_key(state, now), show_link=_watched(now)))

    return Supervisor(settings, os.environ, say=say, ready=ready).run()


def _watched(settings: Settings) -> bool:
    """Whether what is said goes to a person (or to who plays with simulated vendors), not into a log."""
    return settings.simulate_missing or sys.stderr.isatty()


def first_registry(settings: Settings) -> None:
    """Writes the example registry where there is none, for `--simulate-missing` only; else the missing file is an error."""
    if settings.config_path.exists() or not settings.simulate_missing:
        return
    from trunkline.registry import example

    settings.config_path.write_text(example.first_run())
    say(f"Wrote {settings.config_path}: the registry of what can be called. Edit it while Trunkline runs.")


def first_key(state: State, settings: Settings) -> str:
    """The first caller key, made once; empty unless somebody who may see it is looking."""
    from trunkline.control import keys

    if not _watched(settings) or keys.list_keys(state):
        return ""
    return keys.create(state, keys.Wish(name="first", scopes=["*"])).key
