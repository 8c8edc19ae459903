"""Errors about outside stores, and about processes that get secrets into their environment.

Not for: an integration's credential (`verify_access.py`).
"""

from __future__ import annotations

import re

import msgspec

from trunkline.core.outside import StoreSettings

from . import references
from .address import judge
from .document import Place
from .layer import Scribe
from .patterns import NAME
from .quantity import seconds
from .shape import Registry
from .shape_secrets import OutsideStore
from .verify_bounds import texts

LEAST_CACHE_S = 5.0
_OF = {
    "region": ("aws-sm",),
    "project": ("gcp-sm", "infisical"),
    "namespace": ("vault",),
    "auth": ("vault",),
    "role": ("vault",),
    "mount": ("vault",),
}
"""Keys that mean something to some stores only."""
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OURS = ("TRUNKLINE_", "LD_", "DYLD_")
_NEVER = ("PATH", "HOME", "SHELL", "USER", "PYTHONPATH", "NODE_OPTIONS", "IFS")


def verify_secrets(registry: Registry, scribe: Scribe) -> None:
    """Writes every error."""
    for store, own in registry.stores.items():
        _store(store, own, scribe)
    for name, process in registry.processes.items():
        place: Place = ("processes", name)
        if not NAME.fullmatch(name):
            cure = "Use small letters, digits, `-` and `_`."
            scribe.error(place, "bad-name", f"`{name}` is no name.", cure, at_key=True)
        for variable, ref in process.env.items():
            _variable(variable, ref, (*place, "env", variable), scribe)


def settings_of(own: OutsideStore, folder: str) -> StoreSettings:
    """A store as who fetches works with it; `folder` is that of the registry."""
    values = {name: getattr(own, name) for name in StoreSettings.__struct_fields__ if hasattr(own, name)}
    values["auth"] = own.auth or ""
    if own.ca_file and not own.ca_file.startswith("/"):
        values["ca_file"] = f"{folder}/{own.ca_file}"
    if own.cache:
        values["cache_s"] = seconds(own.cache)
    return StoreSettings(**values)


def _store(name: str, own: OutsideStore, scribe: Scribe) -> None:
    place: Place = ("stores", name)
    if own.address:
        found = judge(own.address.replace("{vault}", "vault"), allow_http=own.allow_http, listeners=())
        if found.fault:
            scribe.error((*place, "address"), "bad-address", found.fault, found.cure, value=own.address)
    if own.cache and seconds(own.cache) < LEAST_CACHE_S:
        said = "The store would be asked again without a pause."
        scribe.error((*place, "cache"), "bad-value", said, "Give at least `5s`.", value=own.cache)
    for key, stores in _OF.items():
        if getattr(own, key) and name not in stores:
            said = f"`{key}` means nothing to {name}."
            scribe.error((*place, key), "unused-key", said, "Remove it.", at_key=True)
    for at, text in texts(msgspec.to_builtins(own), place):
        if references.looks_secret(text) or (at[-1] != "ca_file" and re.match(r"(hvs|hvb|s)\.\w{16}", text)):
            said = "A credential stands here (it is not shown)."
            scribe.error(at, "literal-secret", said, "Remove it, and replace the credential.")


def _variable(variable: str, ref: str, place: Place, scribe: Scribe) -> None:
    if not _VARIABLE.fullmatch(variable):
        said = f"`{variable}` is no name of a variable."
        scribe.error(place, "bad-name", said, "Use letters, digits and `_`.", at_key=True)
    elif variable in _NEVER or variable.startswith(_OURS):
        said = f"`{variable}` changes how programs are run."
        scribe.error(place, "bad-name", said, "Give the secret another variable.", at_key=True)
    problem = references.problem(ref)
    if problem:
        scribe.error(place, problem.code, problem.message, problem.cure)
