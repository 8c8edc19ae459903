"""Reads OpenAPI descriptions for commands, and puts them side by side with the lock.

Not for: what a description means (`ops/contracts/openapi.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trunkline.ops.contracts.openapi import Described, DescriptionInvalid

if TYPE_CHECKING:
    from trunkline.control.state import State
    from trunkline.core.service import Service
    from trunkline.ops.contracts.change import Change
    from trunkline.ops.contracts.lock import Lock


@lru_cache(maxsize=1)
def document(file: str) -> Any:
    """A description, from JSON or YAML. Raises DescriptionInvalid."""
    import yaml

    from trunkline.core.codec import DecodeError, from_json

    try:
        content = Path(file).read_bytes()
    except OSError as problem:
        raise DescriptionInvalid(f"{file} cannot be read: {problem.strerror}.") from None
    if content.lstrip()[:1] == b"{":
        try:
            return from_json(content)
        except DecodeError as problem:
            raise DescriptionInvalid(f"{file} is no valid JSON: {problem}") from None
    try:
        return yaml.load(content, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 (a safe one)
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        raise DescriptionInvalid(f"{file}:{mark.line + 1 if mark else 1} is no valid YAML or JSON.") from None


def paths(file: str) -> list[tuple[str, str]]:
    """Method and path of every operation."""
    from trunkline.ops.contracts.openapi import outline

    try:
        return list(outline(document(file)))
    except DescriptionInvalid as problem:
        raise DescriptionInvalid(f"{file}: {problem}") from None


def described_of(file: str, names: Mapping[str, str]) -> Iterator[Described]:
    """The operations that have a name here."""
    from trunkline.ops.contracts.openapi import described

    return described(document(file), lambda method, path: f"{method} {path}" in names)


def named_here(
    service: Service, file: str, lock: Lock, state: State, *, everything: bool = False
) -> dict[str, str]:
    """`METHOD /path` of the description -> the name of the operation here, of those in use."""
    from trunkline.ops.contracts import merge_lock, store

    locked = lock.integrations.get(service.name)
    used = {
        *store.read(state.path, service.name).operations,
        *(locked.operations if locked is not None else ()),
    }
    return merge_lock.named(service, used, paths(file), everything=everything)


def against_lock(service: Service, file: str, lock: Lock) -> Iterator[tuple[str, Change]]:
    """How a description differs from what was accepted: operation and change. What was learned from calls is compared as far as
    both can tell.
    """
    from trunkline.ops.contracts import lock as locks
    from trunkline.ops.contracts import merge_lock
    from trunkline.ops.contracts.change import Change
    from trunkline.ops.contracts.compared import compared

    one = lock.integrations.get(service.name)
    if one is None:
        return
    names = merge_lock.named(service, one.operations, paths(file))
    seen = set()
    for told in described_of(file, names):
        name = names[f"{told.method} {told.path}"]
        seen.add(name)
        if told.ending not in ("", one.operations[name].deprecated):
            yield name, Change(part="request", place="", kind="deprecated", now=told.ending, harm="risky")
        for change in compared(locks.contract_of(one.operations[name]), told.contract):
            yield name, change
    for name in sorted(set(one.operations) - seen):
        if one.operations[name].call and "@" not in name:
            yield name, Change(part="request", place="", kind="operation removed", harm="breaking")
