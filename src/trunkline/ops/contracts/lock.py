"""`trunkline.lock`: the contracts that were accepted, as text that reads well in a diff. Lies beside the registry and is committed.

One line per place, everything sorted, so that the same content is always the same text. Places are paths; `.` is the whole body.
Not for: what is seen day by day (`store.py`).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from trunkline.ops.contracts import lock_faults
from trunkline.ops.contracts.evidence import Evidence, Place, Tally
from trunkline.ops.contracts.judge import CODES, is_set
from trunkline.ops.contracts.watch import Contract

NAME = "trunkline.lock"
DECLARED = 60
"""A description of an API counts as so many units."""
HEAD = """\
# The shapes of the APIs that are used, as they were accepted: `trunkline contracts accept` writes this file, commit it.
# Each line is a place in a body: in how many of the units seen it was there, its types, formats and words.
"""
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_-]*([.][A-Za-z0-9_-]+)*")
_PLACE = re.compile(r"/[A-Za-z0-9_/.\[\]{}<>~-]*")
_YAML_WORDS = frozenset(("null", "true", "false", "yes", "no", "on", "off", "y", "n"))


class LockInvalid(Exception):
    """The lock cannot be read; says what and where, and the cure."""


class Locked(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """One place as it is written."""

    seen: str
    """`117/120`, or from a description `required` or `optional`."""
    missing: int = 0
    type: str | dict[str, int] = ""
    format: str | dict[str, int] = ""
    words: dict[str, int] | list[str] = {}


class LockedPart(msgspec.Struct, forbid_unknown_fields=True):
    """The replies, the requests, one kind of event, ..."""

    units: int
    places: dict[str, Locked] = {}
    maps: list[str] = []


class LockedOperation(msgspec.Struct, forbid_unknown_fields=True):
    """One operation. `call`: method and path."""

    call: str = ""
    parts: dict[str, LockedPart] = {}
    deprecated: str = ""
    """What a description says of its end: a day, or `yes`."""


class LockedIntegration(msgspec.Struct, forbid_unknown_fields=True):
    """One integration; `errors` are those of all its operations."""

    api_version: str = ""
    operations: dict[str, LockedOperation] = {}
    errors: LockedOperation | None = None


class Lock(msgspec.Struct, forbid_unknown_fields=True):
    """The whole file."""

    version: Literal[1] = 1
    integrations: dict[str, LockedIntegration] = {}


VERSION = 1
_CHILDREN: lock_faults.Children = {
    Lock: {"integrations": (LockedIntegration, True)},
    LockedIntegration: {"operations": (LockedOperation, True), "errors": (LockedOperation, False)},
    LockedOperation: {"parts": (LockedPart, True)},
    LockedPart: {"places": (Locked, True)},
}


ERRORS = ""
"""Name under which the errors of an integration stand among its operations."""


def read(path: Path) -> Lock:
    """The lock; an empty one where there is no file. Raises LockInvalid."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return Lock()
    except (OSError, UnicodeDecodeError) as problem:
        raise LockInvalid(f"{path} cannot be read: {problem}") from None
    return parse(text, str(path))


def parse(text: str, shown: str = NAME) -> Lock:
    """The lock out of its text. Raises LockInvalid."""
    import yaml  # not before there is a lock: the console is to stay small

    if line := lock_faults.merging(text):
        raise LockInvalid(
            f"{shown}:{line} holds the marks of a merge that was not finished. {lock_faults.MERGE_CURE}"
        )
    try:
        tree = lock_faults.loaded(text) or {}
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        line_told = f":{mark.line + 1}" if mark is not None else ""
        why = getattr(problem, "problem", None) or "it cannot be read"
        raise LockInvalid(f"{shown}{line_told} is no valid YAML: {why}. {lock_faults.CURE}") from None
    version = tree.get("version", VERSION) if isinstance(tree, dict) else VERSION
    if version != VERSION:
        raise LockInvalid(
            f"{shown} is of version {version!r} of this format; this Trunkline reads {VERSION}. {lock_faults.CURE}"
        )
    if fault := lock_faults.misfit(tree, Lock, _CHILDREN):
        raise LockInvalid(lock_faults.told(shown, text, tree, fault))
    lock = msgspec.convert(tree, Lock)
    if fault := next(_unlikely(lock), None):
        raise LockInvalid(lock_faults.told(shown, text, tree, fault))
    return lock


def _unlikely(lock: Lock) -> Iterator[lock_faults.Fault]:
    for path, operation in _operations(lock):
        for name, part in operation.parts.items():
            here = (*path, "parts", name)
            if part.units < 0:
                yield lock_faults.Fault((*here, "units"), "it is a number of units")
            for place, locked in part.places.items():
                yield from lock_faults.unlikely((*here, "places", place), locked)


def _operations(lock: Lock) -> Iterator[tuple[lock_faults.Path, LockedOperation]]:
    for name, one in lock.integrations.items():
        for called, operation in one.operations.items():
            yield ("integrations", name, "operations", called), operation
        if one.errors is not None:
            yield ("integrations", name, "errors"), one.errors


def found(lock: Lock, integration: str, name: str) -> LockedOperation | None:
    """What the lock says of an operation, or with an empty name of an integration's errors."""
    one = lock.integrations.get(integration)
    if one is None:
        return None
    return one.errors if name == ERRORS else one.operations.get(name)


def contract_of(locked: LockedOperation) -> Contract:
    """What an operation's lock says, ready to be compared with what is seen."""
    return {name: _evidence(part) for name, part in locked.parts.items()}


def _evidence(part: LockedPart) -> Evidence:
    places = {"" if place == "." else place: _place(locked) for place, locked in part.places.items()}
    return Evidence(part.units, places, list(part.maps))


def _place(locked: Locked) -> Place:
    if locked.seen in ("required", "optional"):
        return declared_place(
            locked.seen == "required", _shares(locked.type), _shares(locked.format), locked.words
        )
    there, _, of = locked.seen.partition("/")
    seen, n = int(there or 0), int(of or there or 0)
    facts = {"+": Tally(seen), **({"-": Tally(locked.missing)} if locked.missing else {})}
    for family, said in (("t:", locked.type), ("f:", locked.format), ("v:", locked.words)):
        shares = said if isinstance(said, dict) else dict.fromkeys(_shares(said), seen)
        facts |= {f"{family}{name}": Tally(count) for name, count in shares.items()}
    if not locked.words:
        facts["~"] = Tally(0)
    return Place(n, facts)


def _shares(said: str | dict[str, int] | list[str]) -> list[str]:
    return said.split("|") if isinstance(said, str) and said else list(said)


def declared_place(required: bool, types: list[str], formats: list[str], words: Iterable[str]) -> Place:
    """A place as a description has it: what it allows may come at any time, and may never come."""
    facts = {"+": Tally(DECLARED if required else 1), **({} if required else {"-": Tally(1)})}
    known = list(words)
    for family, names in (("t:", types), ("f:", formats), ("v:", known)):
        facts |= {f"{family}{name}": Tally(DECLARED) for name in names}
    if not known:
        facts["~"] = Tally(0)
    return Place(DECLARED, facts, declared=True)


def locked_operation(method: str, path: str, contract: Contract) -> LockedOperation:
    """An operation as it is written."""
    parts = {
        name: _locked_part(evidence, name in CODES) for name, evidence in contract.items() if evidence.units
    }
    return LockedOperation(f"{method} {path}".strip(), parts)


def _locked_part(evidence: Evidence, codes: bool) -> LockedPart:
    places = {
        place or ".": _locked(known, codes) for place, known in evidence.places.items() if known.count("+")
    }
    return LockedPart(evidence.units, places, sorted(evidence.maps))


def _locked(place: Place, codes: bool) -> Locked:
    types, formats, words = (place.having(family) for family in ("t:", "f:", "v:"))
    kept = words if codes or is_set(place) else {}
    if place.declared:
        seen = "optional" if place.count("-") else "required"
        return Locked(seen, 0, "|".join(sorted(types)), "|".join(sorted(formats)), sorted(kept) or {})
    there = place.count("+")
    plain = {"text", "empty"}.issuperset(formats)
    return Locked(
        f"{there}/{place.n}",
        place.count("-"),
        _short(types, there),
        "" if plain else _short(formats, there),
        kept,
    )


def _short(shares: dict[str, int], there: int) -> str | dict[str, int]:
    if not shares:
        return ""
    if len(shares) == 1 and next(iter(shares.values())) == there:
        return next(iter(shares))
    return dict(sorted(shares.items()))


def text(lock: Lock) -> str:
    """The file."""
    lines = [HEAD.rstrip("\n"), "version: 1", "integrations:" if lock.integrations else "integrations: {}"]
    for name, integration in sorted(lock.integrations.items()):
        lines.append(f"  {_scalar(name)}:")
        lines.append(f"    api_version: {_scalar(integration.api_version)}")
        lines.append("    operations:" if integration.operations else "    operations: {}")
        for called, operation in sorted(integration.operations.items()):
            lines.append(f"      {_scalar(called)}:")
            lines += (f"        {line}" for line in _operation(operation))
        if integration.errors is not None:
            lines.append("    errors:")
            lines += (f"      {line}" for line in _operation(integration.errors))
    return "\n".join(lines) + "\n"


def operation_text(operation: LockedOperation) -> str:
    """One operation alone."""
    return "\n".join(_operation(operation)) + "\n"


def mark_of(operation: LockedOperation) -> str:
    """Tells whether two operations are written alike."""
    return hashlib.sha256(operation_text(operation).encode()).hexdigest()[:16]


def _operation(operation: LockedOperation) -> Iterator[str]:
    yield f"call: {_scalar(operation.call)}"
    if operation.deprecated:
        yield f"deprecated: {json.dumps(operation.deprecated)}"
    yield "parts:" if operation.parts else "parts: {}"
    for name, part in sorted(operation.parts.items()):
        yield f"  {_scalar(name)}:"
        yield f"    units: {part.units}"
        if part.maps:
            yield f"    maps: [{', '.join(json.dumps(place) for place in part.maps)}]"
        yield "    places:" if part.places else "    places: {}"
        for place, locked in sorted(part.places.items()):
            key = place if _PLACE.fullmatch(place) or place == "." else json.dumps(place)
            yield f"      {key}: {{{', '.join(_members(locked))}}}"


def _members(locked: Locked) -> Iterator[str]:
    yield f"seen: {locked.seen}"
    if locked.missing:
        yield f"missing: {locked.missing}"
    for name, said in (("type", locked.type), ("format", locked.format), ("words", locked.words)):
        if isinstance(said, dict) and said:
            inner = ", ".join(f"{_scalar(word)}: {count}" for word, count in sorted(said.items()))
            yield f"{name}: {{{inner}}}"
        elif isinstance(said, list) and said:
            yield f"{name}: [{', '.join(map(_scalar, said))}]"
        elif said:
            yield f"{name}: {_scalar(said)}"


def _scalar(value: Any) -> str:
    plain = isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _YAML_WORDS
    return str(value) if plain else json.dumps(value)
