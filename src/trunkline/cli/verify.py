"""`trunkline secrets verify`: does the vendor take this credential? One free call with it, before or after it serves.

Not for: the rotation that does this by itself (`rotate.py`).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from trunkline.cli import exits
from trunkline.cli.place import json_option, place_options, settings_here, state_here
from trunkline.cli.show import json_out, table

if TYPE_CHECKING:
    from trunkline.control.state import State
    from trunkline.core.service import Credential, Service
    from trunkline.ops.probes.trying import Found
    from trunkline.registry.load import Loaded


@click.command()
@click.argument("name")
@click.option(
    "--at",
    "integration",
    default="",
    metavar="INTEGRATION",
    help="Where to try one that the registry does not use there yet.",
)
@click.option(
    "--version", type=int, default=None, help="A version of a stored secret; the one that serves unless told."
)
@json_option
@place_options
def verify(name: str, integration: str, version: int | None, as_json: bool) -> int:
    """Prove a credential with the vendor's free call: a stored secret, or any reference, e.g. `vault:secret/stripe?version=4#key`.

    Exit codes: 0 taken, 5 refused, 7 nobody could tell.
    """
    import asyncio

    from trunkline.registry.load import load

    state, settings = state_here(must_exist=True), settings_here()
    loaded = load(settings.config_path, environment=settings.env, environ=os.environ)
    ref = name if ":" in name else f"store:{name}"
    value = _value(state, loaded, ref, version)
    places = _places(loaded, ref, integration)
    found = asyncio.run(_tried(state, places, value))
    pairs = [(service.name, one) for (service, _), one in zip(places, found, strict=True)]
    if as_json:
        json_out([{"integration": name, "ok": one.ok, "said": one.said} for name, one in pairs])
    else:
        words = {True: "taken", False: "refused", None: "unknown"}
        table(("integration", "", "said"), [(name, words[one.ok], one.said) for name, one in pairs])
    if any(one.ok is False for one in found):
        return exits.UPSTREAM
    return exits.OK if all(one.ok for one in found) else exits.UNAVAILABLE


def _value(state: State, loaded: Loaded, ref: str, version: int | None) -> str:
    """The value now, audited."""
    from trunkline.control import audit, secrets
    from trunkline.control.lint import value_now

    if version is not None:
        if not ref.startswith("store:"):
            raise click.UsageError(
                "--version is for stored secrets; write ?version= into the reference of another store."
            )
        return secrets.value_of(state, ref.removeprefix("store:"), version, actor="cli")
    value = value_now(loaded, os.environ, state, ref)
    detail: dict[str, Any] = {"fingerprint": secrets.fingerprint(state, value), "why": "verify"}
    audit.append(state, "cli", "secret.fetch", ref, detail)
    return value


def _places(loaded: Loaded, ref: str, integration: str) -> list[tuple[Service, Credential]]:
    from trunkline.core.service import Credential
    from trunkline.ops.probes.trying import members_of

    services = {service.name: service for service in loaded.snapshot.services}
    if integration:
        if integration not in services:
            raise click.BadParameter(f"there is no integration {integration!r}", param_hint="--at")
        return [(services[integration], Credential(ref=ref))]
    found = [(service, member) for service in services.values() for member in members_of(service, ref)]
    if not found:
        raise click.UsageError(f"No integration uses {ref}; say where to try it: --at INTEGRATION.")
    return found


async def _tried(state: State, places: list[tuple[Service, Credential]], value: str) -> list[Found]:
    from trunkline.console.published import Published
    from trunkline.console.watching import Watching
    from trunkline.ops.hits import Hits
    from trunkline.ops.probes.trying import Found, can_try, try_value
    from trunkline.wire.client import Client

    place = Watching(state.path, Published(state.path), Hits(), environ=os.environ).place
    wire = Client()
    try:
        return [
            (await try_value(wire, place, service, member, value))[0]
            if can_try(service)
            else Found(None, "it has no free call that proves a credential")
            for service, member in places
        ]
    finally:
        await wire.close()
