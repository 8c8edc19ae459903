"""Where credentials live: one file per source, each turning the part of a reference after its scheme into a value.

A reference is `scheme:rest`: `env:NAME`, `file:path#key`, `store:name`. Sources only read. Not for: deciding when to read,
auditing a read (`control/secrets.py`), or putting a credential on a request (`plugins/auth`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class SecretUnavailable(Exception):
    """A reference cannot be resolved now. `deliberate` marks one that a person removed or killed: no accident to guard against."""

    def __init__(self, ref: str, why: str, cure: str, *, deliberate: bool = False) -> None:
        super().__init__(f"{ref}: {why}. {cure}")
        self.ref = ref
        self.why = why
        self.cure = cure
        self.deliberate = deliberate


class Source(Protocol):
    """One place where credentials live."""

    def fetch(self, rest: str) -> str:
        """The value behind what follows the scheme. Raises SecretUnavailable."""
        ...

    def stamp(self, rest: str) -> object:
        """Something that changes when the value may have changed; cheap, and never the value itself."""
        ...


def scheme_of(ref: str) -> tuple[str, str]:
    """The scheme and the rest of a reference."""
    scheme, _, rest = ref.partition(":")
    return scheme, rest


def resolve(ref: str, sources: Mapping[str, Source]) -> str:
    """The value of one reference. Raises SecretUnavailable."""
    scheme, rest = scheme_of(ref)
    source = sources.get(scheme)
    if source is None or not rest:
        known = ", ".join(f"{name}:" for name in sources)
        raise SecretUnavailable(ref, "this is no reference to a secret", f"Begin it with one of {known}.")
    return source.fetch(rest)
