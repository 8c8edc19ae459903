"""The parts of a reference to an outside store, `path?version=3#key`, and taking one value out of what the store gave. Pure.

Not for: talking to stores (one file each beside this one).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from trunkline.plugins.secrets import SecretUnavailable

_NAMES_SHOWN = 10


class Place(NamedTuple):
    """Where in a store a value lies."""

    ref: str
    path: str
    options: Mapping[str, str]
    """What stands after `?`: `version`, with AWS also `stage`."""
    key: str


def place(scheme: str, rest: str, *, known: tuple[str, ...] = ("version",)) -> Place:
    """Takes a reference apart. Raises SecretUnavailable for an option that this store does not know."""
    before, _, key = rest.partition("#")
    path, _, query = before.partition("?")
    options = dict(parse_qsl(query))
    for name in options:
        if name not in known:
            cure = f"Known: {', '.join(known)}." if known else "Write the path alone."
            raise SecretUnavailable(f"{scheme}:{rest}", f"`?{name}=` means nothing to this store", cure)
    return Place(f"{scheme}:{rest}", path.strip("/"), options, key)


def member(at: Place, text: str) -> str:
    """A whole value, or with a key one member of it, which must then be a JSON object."""
    if not at.key:
        return _said(at, text)
    try:
        tree = json.loads(text)
    except ValueError:
        tree = None
    if not isinstance(tree, dict):
        raise SecretUnavailable(
            at.ref, f"the value there is no JSON object, so it has no #{at.key}", "Take the # off."
        )
    return field(at, tree)


def field(at: Place, tree: Mapping[str, Any]) -> str:
    """One member of what is kept under a path; without a key the only one that there is."""
    if not at.key:
        if len(tree) != 1:
            raise SecretUnavailable(at.ref, f"there are {len(tree)} values under it", _one_of(tree))
        return _said(at, next(iter(tree.values())))
    found: Any = tree
    for name in [at.key] if at.key in tree else at.key.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    if found is None:
        raise SecretUnavailable(at.ref, f"there is no #{at.key} under it", _one_of(tree))
    return _said(at, found)


def _said(at: Place, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise SecretUnavailable(at.ref, "the value there is no text", "Name the text itself after the #.")
    text = str(value).strip()
    if not text:
        raise SecretUnavailable(at.ref, "the value there is empty", "Write the secret into the store.")
    return text


def _one_of(tree: Mapping[str, Any]) -> str:
    names = ", ".join(sorted(map(str, tree))[:_NAMES_SHOWN])
    return f"Name one after a #; there are: {names}." if names else "Write the secret into the store."
