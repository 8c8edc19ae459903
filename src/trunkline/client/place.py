"""Where calls of the Python interface go: to an address, to the Trunkline that runs here, or into this process.

Not for: calling (`aio.py`).
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import NamedTuple

from trunkline.client.attached import Attached
from trunkline.client.remote import Remote
from trunkline.client.transport import Transport
from trunkline.control.running import NotRunning, address, running_facts
from trunkline.control.state import State
from trunkline.settings import Settings, SettingsInvalid, read

URL, KEY = "TRUNKLINE_URL", "TRUNKLINE_KEY"


class Place(NamedTuple):
    """What was given to find it; the environment says the rest (TRUNKLINE_URL, TRUNKLINE_KEY, TRUNKLINE_STATE_DIR, ...)."""

    url: str | None = None
    key: str | None = None
    config: str | Path | None = None
    state_dir: str | Path | None = None
    env: str | None = None
    ca_file: str | None = None


async def open_transport(place: Place) -> Transport:
    """Raises ValueError, with the cure, for what cannot be used."""
    url, key = place.url or os.environ.get(URL), place.key or os.environ.get(KEY) or ""
    if url:
        return Remote(url, key, ca_file=place.ca_file)
    settings = _settings(place)
    state = State(settings.state_path)
    running = _running(state)
    if running is None:
        from trunkline.client import inside

        return await inside.opened(settings)
    if not key:
        raise ValueError(
            f"Trunkline runs on {settings.state_path} ({running}): to use it give `key=` or set {KEY} "
            "(`trunkline keys create --name NAME` makes one); to stay in this process give another state_dir"
        )
    return Attached(partial(_running, state), running, partial(Remote, key=key, ca_file=place.ca_file))


def _settings(place: Place) -> Settings:
    """What was given, else TRUNKLINE_* as for `trunkline serve`. Raises ValueError for settings that cannot be used."""
    given = {"config": place.config, "state_dir": place.state_dir, "env": place.env}
    try:
        return read(os.environ, {name: str(value) for name, value in given.items() if value is not None})
    except SettingsInvalid as problem:
        raise ValueError(str(problem)) from None


def _running(state: State) -> str | None:
    """The address of the gateway on this state folder; None where none runs."""
    try:
        facts = running_facts(state)
    except NotRunning:
        return None
    host, port = address(facts)
    shown = f"[{host}]" if ":" in host else host
    return f"{'https' if facts.get('tls') else 'http'}://{shown}:{port}"
