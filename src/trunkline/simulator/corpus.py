"""Errors by name: `rate_limit` at any vendor becomes that vendor's own status, headers and body.

A name is looked for in the vendor's rows, then in its family's, then among those that all know, dressed in its shape. Not for:
the rows themselves (`corpus_ai.py`, `corpus_business.py`) or how bodies are dressed (`failures.py`).
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from time import gmtime, strftime, time
from typing import TYPE_CHECKING

import msgspec

from trunkline.simulator.failures import Failure
from trunkline.simulator.faults import Fault

if TYPE_CHECKING:
    from trunkline.simulator.vendors import Profile


@cache
def rows() -> dict[str, dict[str, Failure]]:
    """By vendor or family, and under an empty name what all know. Imported when first asked: most runs see no error at once."""
    ai, business = (import_module(f"trunkline.simulator.corpus_{part}") for part in ("ai", "business"))
    return {"": business.DEFAULTS, **business.ROWS, **ai.ROWS}


def names() -> set[str]:
    """Every name that some vendor knows."""
    return {"status", "redirect", "rate_limit_bare", *(name for known in rows().values() for name in known)}


def find(profile: Profile, name: str) -> Failure | None:
    """The row for a name at a vendor, or None."""
    known = rows()
    owners = (profile.name, profile.family, profile.shape, "")
    return next((known[owner][name] for owner in owners if name in known.get(owner, {})), None)


def named(profile: Profile, name: str) -> Failure:
    """The row for a name at a vendor; `server_error` when there is none."""
    return find(profile, name) or rows()[""]["server_error"]


def failure(profile: Profile, fault: Fault) -> Failure | None:
    """The failure that a fault asks for, or None when the fault is not of this sort.

    `status` takes `status`, `headers` and `body` literally; `redirect` (F26) leads `to` another host, with `status` 302. Named
    ones take `retry_after` (seconds, sent as they are), `retry_after_date` (seconds from now, sent as an HTTP-date),
    `retry_after_ms`, `message` and more `headers`.
    """
    args = fault.args
    headers = tuple((str(name), str(value)) for name, value in dict(args.get("headers", {})).items())
    if fault.name == "status":
        body = args.get("body", {"error": {"code": "simulated", "message": "Simulated failure."}})
        return Failure(int(fault.number("status", 500)), "", fields=headers, body=body)
    if fault.name == "redirect":
        where = fault.text("to", "http://169.254.169.254/latest/meta-data/")
        return Failure(int(args.get("status", 302)), "", fields=(("location", where), *headers), body="")
    bare = fault.name == "rate_limit_bare"
    found = find(profile, "rate_limit" if bare else fault.name)
    if found is None:
        return None
    told = [] if bare else list(found.fields)
    if "retry_after" in args:
        told = [*_without(told, "retry-after"), ("retry-after", str(args["retry_after"]))]
    if "retry_after_date" in args:
        told = [
            *_without(told, "retry-after"),
            ("retry-after", _http_date(time() + float(args["retry_after_date"]))),
        ]
    if "retry_after_ms" in args:
        told = _without(_without(told, "retry-after"), "retry-after-ms")
        told.append(("retry-after-ms", str(args["retry_after_ms"])))
    return msgspec.structs.replace(
        found, fields=(*told, *headers), message=str(args.get("message", found.message))
    )


def _http_date(instant: float) -> str:
    return strftime("%a, %d %b %Y %H:%M:%S GMT", gmtime(instant))


def _without(fields: list[tuple[str, str]], name: str) -> list[tuple[str, str]]:
    return [field for field in fields if field[0] != name]


def refused_credential(profile: Profile, missing: bool) -> Failure:
    """What the vendor says to a request without a credential, or with one that it does not accept."""
    return (missing and find(profile, "auth_missing")) or named(profile, "auth")
