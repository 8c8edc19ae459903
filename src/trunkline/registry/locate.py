"""Where an integration is: the registry's address, else an SDK's variable, else the catalog's (rulings 20 and 21). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from .address import judge
from .catalog import Address, Entry
from .item import secret_of
from .shape import Integration
from .shape_vendor import PoolMember


class Located(NamedTuple):
    """The address of one integration. `problem` means that this integration cannot be called, `missing` that it has none."""

    base_url: str = ""
    private: bool = False
    variable: str = ""
    """The variable that gave the address."""
    problem: str = ""
    missing: str = ""


def located(
    name: str, own: Integration, entry: Entry | None, environ: Mapping[str, str], listeners: tuple[str, ...]
) -> Located:
    """The address of an integration whose own `base_url` was found to be good."""
    marked = own.network or (entry.network if entry else "public")
    if any(m.base_url and judge(m.base_url, listeners=()).private for m in _pool(own)):
        marked = "private"  # a literal private address of a pool's member says so as plainly
    hints = (entry.address if entry else None) or Address()
    variable = next((v for v in hints.env if environ.get(v, "").strip()), "")
    if own.base_url:
        found = judge(own.base_url, allow_http=own.allow_http, listeners=listeners)
        return Located(found.url, found.private or marked == "private")
    if variable:
        return _from_variable(variable, environ[variable].strip(), own, hints, marked, listeners)
    if entry is not None and entry.base_url:
        return Located(entry.base_url, marked == "private")
    said = (
        f"`{name}` has no address: {entry.title} gives each customer one."
        if entry
        else f"`{name}` has no address."
    )
    by = f", or set {hints.env[0]}" if hints.env else ""
    return Located(missing=f"{said} Add `base_url: {hints.example or 'https://api.example.com'}`{by}.")


def _pool(own: Integration) -> list[PoolMember]:
    secret = secret_of(own)
    return secret if isinstance(secret, list) else []


def _from_variable(
    variable: str, text: str, own: Integration, hints: Address, marked: str, listeners: tuple[str, ...]
) -> Located:
    found = judge(text, allow_http=own.allow_http, listeners=listeners)
    if found.fault:
        problem = f"The address in {variable} is refused: {found.fault} Unset {variable}, or set `base_url` in the registry."
        return Located(found.url, variable=variable, problem=problem)
    url = found.url
    if hints.suffix:
        if not url.endswith(hints.suffix):
            said = f"{variable} is `{url}`, which does not end with `{hints.suffix}`, so the paths below it are unknown."
            return Located(url, variable=variable, problem=f"{said} Set `base_url` in the registry instead.")
        url = url.removesuffix(hints.suffix)
    return Located(url, found.private or marked == "private", variable)
