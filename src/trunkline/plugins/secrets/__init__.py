"""Where credentials live: one file per source, each turning the part of a reference after its scheme into a value.

A reference is `scheme:rest`: `env:NAME`, `file:path#key`, `store:name`, or a path in an outside store (`vault:...`). Sources only read.
Not for: deciding when to read and what to do when a store is down (`control/stores.py`), auditing a read (`control/secrets.py`), or putting
a credential on a request (`plugins/auth`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol, runtime_checkable


class SecretUnavailable(Exception):
    """A reference cannot be resolved now. `deliberate` marks one that a person removed or killed: no accident to guard against."""

    def __init__(self, ref: str, why: str, cure: str, *, deliberate: bool = False) -> None:
        super().__init__(f"{ref}: {why}. {cure}")
        self.ref = ref
        self.why = why
        self.cure = cure
        self.deliberate = deliberate


class StoreDown(Exception):
    """An outside store gave no answer about a secret: away, sealed, too busy, or it does not let us in. What was known before holds on."""

    def __init__(self, why: str, cure: str = "", *, away: bool = False) -> None:
        super().__init__(f"{why}. {cure}".rstrip(". ") + ".")
        self.why = why
        self.cure = cure or "It is asked again by itself."
        self.away = away
        """Nobody answers there at all: further questions would only wait."""


class Given(NamedTuple):
    """What an outside store answered."""

    value: str
    version: str = ""
    """As the store counts or names it, short enough to be shown; empty for stores without versions."""
    ttl_s: float = 0.0
    """How long the store itself lets it live; 0: nothing is said."""
    lease: str = ""
    """Names a lease that can be prolonged."""

    def __repr__(self) -> str:
        return f"Given(version={self.version!r}, ttl_s={self.ttl_s}, lease={bool(self.lease)})"


class Outside(Protocol):
    """A store on the network or of the operating system. Blocking, and slow at times: asked by a thread, never on the way of a call."""

    def fetch(self, rest: str) -> Given:
        """The value behind what follows the scheme. Raises SecretUnavailable when the store says no, StoreDown when it says nothing."""
        ...


@runtime_checkable
class Leasing(Outside, Protocol):
    """A store whose values may have a lease."""

    def renew(self, lease: str) -> float:
        """Prolongs a lease; answers the seconds that it has now, 0 when it cannot be prolonged. Raises StoreDown."""
        ...


class Source(Protocol):
    """One place where credentials live."""

    def fetch(self, rest: str) -> str:
        """The value behind what follows the scheme. Raises SecretUnavailable."""
        ...

    def stamp(self, rest: str) -> object:
        """Something that changes when the value may have changed; cheap, and never the value itself."""
        ...

    def version(self, rest: str) -> str:
        """The version of the value that `fetch` gives, as people count it; empty where there is none."""
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
