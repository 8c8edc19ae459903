"""Values behind references, for who publishes or proves them: every place where credentials may live, asked again only when needed.

Each value that is fetched gets an audit row. Not for: changing the built-in store (`secrets.py`), nor for when outside stores are asked
(`stores.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

import msgspec

from trunkline.control import audit, kills
from trunkline.control.secrets import fingerprint
from trunkline.control.state import State
from trunkline.plugins.secrets import SecretUnavailable, Source, resolve, scheme_of, store
from trunkline.plugins.secrets.env import Env
from trunkline.plugins.secrets.file import File


class OutsideSources(Protocol):
    """Whoever asks outside stores."""

    def sources(self) -> dict[str, Source]:
        """A source for each kind of store."""


class Resolved(msgspec.Struct, frozen=True, kw_only=True):
    """Outcome of resolving references: values, and for the rest why not. `deliberate` were removed or killed by a person."""

    values: dict[str, str]
    missing: dict[str, str]
    deliberate: list[str] = []
    versions: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"Resolved({sorted(self.values)}, missing={sorted(self.missing)})"


def sources(
    state: State, environ: Mapping[str, str], root: Path, outside: OutsideSources | None = None
) -> dict[str, Source]:
    """Every place where credentials may live; outside stores only where they are given."""

    def find(name: str) -> tuple[int, store.Envelope | None] | None:
        from trunkline.ledger import control_tables as tables

        with state.view() as connection:
            head, rows = tables.find_secret(connection, name), tables.secret_history(connection, name)
        if head is None:
            return None
        row = next((row for row in rows if row["version"] == head["current"]), None)
        if row is None or head["removed_at"] or not row["ciphertext"]:
            return head["current"], None
        return row["version"], store.Envelope(row["ciphertext"], row["wrapped_key"], row["kek_id"])

    own: dict[str, Source] = {
        "env": Env(environ),
        "file": File(root),
        "store": store.Store(find, state.master_key),
    }
    return own if outside is None else {**own, **outside.sources()}


class Resolver:
    """Resolves references for publishing; asks a source again only when its stamp says that the value may have changed."""

    def __init__(
        self, state: State, environ: Mapping[str, str], root: Path, outside: OutsideSources | None = None
    ) -> None:
        self._state = state
        self._sources = sources(state, environ, root, outside)
        self._seen: dict[str, tuple[object, str]] = {}

    def stamps(self, refs: Iterable[str]) -> tuple[object, ...]:
        """Changes when a value behind the references may have changed."""
        return tuple(self._stamp(ref) for ref in refs)

    def resolve(self, refs: Iterable[str], *, actor: str = "serve") -> Resolved:
        """Values of all references; those fetched anew get an audit row each."""
        killed = kills.killed(self._state, "credential")
        values: dict[str, str] = {}
        missing: dict[str, str] = {}
        deliberate: list[str] = []
        fetched: list[audit.Entry] = []
        for ref in sorted({ref for ref in refs if ref}):
            try:
                if ref in killed:
                    cure = f"Bring it back with `trunkline secrets revive {ref}`."
                    raise SecretUnavailable(ref, "it was killed", cure, deliberate=True)
                values[ref], fresh = self._value(ref)
                if fresh:
                    fetched.append(
                        audit.Entry(
                            actor, "secret.fetch", ref, {"fingerprint": fingerprint(self._state, values[ref])}
                        )
                    )
            except SecretUnavailable as problem:
                missing[ref] = f"{problem.why}. {problem.cure}"
                if problem.deliberate:
                    deliberate.append(ref)
        if fetched:
            with self._state.change() as connection:
                audit.add(connection, self._state, fetched)
        versions = {ref: version for ref in values if (version := self._version(ref))}
        return Resolved(values=values, missing=missing, deliberate=deliberate, versions=versions)

    def _value(self, ref: str) -> tuple[str, bool]:
        stamp = self._stamp(ref)
        seen = self._seen.get(ref)
        if seen is not None and seen[0] == stamp:
            return seen[1], False
        self._seen.pop(ref, None)
        value = resolve(ref, self._sources)
        self._seen[ref] = (stamp, value)
        return value, True

    def _version(self, ref: str) -> str:
        scheme, rest = scheme_of(ref)
        return self._sources[scheme].version(rest)

    def _stamp(self, ref: str) -> object:
        scheme, rest = scheme_of(ref)
        source = self._sources.get(scheme)
        return source.stamp(rest) if source is not None and rest else None
