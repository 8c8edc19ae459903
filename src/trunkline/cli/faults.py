"""`trunkline faults`: makes integrations of a gateway outside of production fail on demand."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from trunkline.cli import exits
from trunkline.cli.drill import refuse_production
from trunkline.cli.main import Subcommands
from trunkline.cli.place import environment_here, json_option, place_options, state_here
from trunkline.cli.show import json_out, say, table

if TYPE_CHECKING:
    from trunkline.core.faults import Fault
    from trunkline.core.service import Service

LATENCY_MS = 2000.0
_SPOKEN = {
    "rate_limit": "rate_limit",
    "rate_limit_bare": "rate_limit_bare",
    "quota": "quota",
    "server_error": "server_error",
    "overloaded": "overloaded",
    "auth_invalid": "auth",
    "error_in_200": "overloaded",
    "error_first": "overloaded",
    "error_after": "overloaded",
}
"""Fault -> the vendor's failure."""
_PASSING = {"error_first": 1, "error_after": 3, "cut": 2}
"""Events of a stream that pass before it strikes."""
NAMES = {
    "rate_limit": "429 with Retry-After, in the vendor's own shape",
    "rate_limit_bare": "429 that names no time",
    "quota": "the quota is used up",
    "server_error": "500",
    "overloaded": "503, or 529 where the vendor says so",
    "auth_invalid": "the credential is refused",
    "refused": "no connection",
    "never": "accepts and never answers",
    "latency": "the vendor's answer, --ms later",
    "cut": "the vendor's answer, broken off",
    "error_first": "a stream that ends with an error event before any content",
    "error_after": "a stream that ends with an error event after content",
    "error_in_200": "status 200 with the vendor's error inside",
    "bad_json": "status 200 and JSON that is none",
}


@click.group(cls=Subcommands)
def faults() -> None:
    """Make integrations fail on demand, in dev and staging only. Answers that were struck carry `x-trunkline-fault`."""


@faults.command("set")
@click.argument("integration")
@click.argument("fault")
@click.option(
    "--share",
    type=click.FloatRange(0, 1, min_open=True),
    default=1.0,
    help="Share of attempts it strikes; 1 unless told.",
)
@click.option(
    "--for", "length", default="10m", help="How long, e.g. 10m, 2h; `never`: until cleared. 10m unless told."
)
@click.option(
    "--ms",
    type=click.FloatRange(0),
    default=None,
    help="Delay before it strikes; of `latency` 2000 unless told.",
)
@place_options
def set_(integration: str, fault: str, share: float, length: str, ms: float | None) -> int:
    """Put a fault in force; live within a second.

    FAULT is one of: rate_limit, rate_limit_bare, quota, server_error, overloaded, auth_invalid, refused, never, latency, cut,
    error_first, error_after, error_in_200, bad_json. INTEGRATION `store:journal` takes disk_full: the record acts as on a full disk.

    Exit codes: 0 done, 2 no such integration or fault, 3 the registry is invalid, 4 production.
    """
    from trunkline.control import faults as control
    from trunkline.control.periods import instant, rfc3339

    refuse_production(environment_here(), what="Faults", cure="")
    now = time.time()
    try:
        until = instant(length, now)
    except ValueError as problem:
        raise click.BadParameter(str(problem), param_hint="--for") from None
    control.put(state_here(must_exist=True), _asked(integration, fault, share, ms, now, until), now)
    say(
        f"{integration}: {fault} for {share:.0%} of attempts until {rfc3339(until) or 'it is cleared'}; "
        f"`trunkline faults clear {integration}` lifts it."
    )
    return exits.OK


@faults.command()
@click.argument("integration", required=False)
@place_options
def clear(integration: str | None) -> int:
    """Lift the faults of an integration, or all."""
    from trunkline.control import faults as control

    lifted = control.clear(state_here(must_exist=True), integration or "", time.time())
    say(f"Lifted {lifted} fault{'s'[: lifted != 1]}." if lifted else "No such fault was set.")
    return exits.OK


@faults.command("list")
@json_option
@place_options
def list_(as_json: bool) -> int:
    """The faults in force."""
    from trunkline.control import faults as control
    from trunkline.control.periods import ago, rfc3339

    now = time.time()
    there = control.listed(state_here(must_exist=True), now)
    if as_json:
        json_out([_shown(one, rfc3339(one.until)) for one in there])
        return exits.OK
    rows = [
        (f.integration, f.fault, f"{f.share:.0%}", ago(f.until, now) if f.until else "until cleared")
        for f in there
    ]
    table(("integration", "fault", "share", "ends"), rows, empty="No fault is set.")
    return exits.OK


def _shown(fault: Fault, until: str | None) -> dict[str, Any]:
    return {"integration": fault.integration, "fault": fault.fault, "share": fault.share, "until": until}


def _asked(integration: str, fault: str, share: float, ms: float | None, now: float, until: float) -> Fault:
    """The fault with all that is needed to play it. Raises UsageError naming what there is."""
    from trunkline.core.faults import DISK_FULL, JOURNAL, Fault

    if integration == JOURNAL:
        if fault != DISK_FULL:
            raise click.UsageError(f"{JOURNAL} takes the fault {DISK_FULL!r} only, not {fault!r}.")
        return Fault(integration=JOURNAL, fault=fault, play="disk_full", since=now, until=until)
    service = _service(integration)
    if fault not in NAMES:
        known = "; ".join(f"{name} ({text})" for name, text in NAMES.items())
        raise click.UsageError(f"There is no fault {fault!r}. Known: {known}.")
    return timed(made(service, fault), share=share, now=now, until=until, ms=ms)


def timed(fault: Fault, *, share: float, now: float, until: float, ms: float | None) -> Fault:
    """How often, from when to when, and how late it strikes."""
    from msgspec.structs import replace

    delay = LATENCY_MS if ms is None and fault.play == "latency" else ms or 0.0
    return replace(fault, share=share, since=now, until=until, ms=delay)


def made(service: Service, name: str) -> Fault:
    """A fault in the words of the integration's vendor."""
    from trunkline.core.faults import Fault, Play
    from trunkline.simulator.spoken import broken_json, played_by, spoken

    passing = _PASSING.get(name, 0)
    plain: dict[str, Play] = {"refused": "refused", "never": "never", "latency": "latency", "cut": "cut"}
    if name in plain:
        return Fault(integration=service.name, fault=name, play=plain[name], after=passing)
    vendor = played_by(service.vendor, [dialect.name for dialect in service.dialects])
    if name == "bad_json":
        json = [("content-type", "application/json")]
        body = broken_json(vendor).decode()
        return Fault(integration=service.name, fault=name, play="answer", status=200, fields=json, body=body)
    said = spoken(vendor, _SPOKEN[name])
    inside = name in ("error_in_200", "error_first", "error_after")
    return Fault(
        integration=service.name,
        fault=name,
        play="event" if passing else "answer",
        after=passing,
        status=200 if inside else said.status,
        fields=said.fields[:1] if inside else said.fields,
        body=said.body,
        events=said.events if passing else {},
    )


def _service(name: str) -> Service:
    from trunkline.cli.integrations import known

    there = {service.name: service for service in known()[0].services}
    if name not in there:
        raise click.UsageError(
            f"There is no integration {name!r}. Known: {', '.join(there) or 'none'}, store:journal."
        )
    return there[name]
