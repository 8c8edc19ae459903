"""What was learned and seen of each integration's operations, kept in the state folder: one file per integration, replaced in one step.

Holds shapes and counts, never bodies. Written by the console alone, read by commands. Not for: what was accepted (`lock.py`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote

import msgspec

from trunkline.core.codec import DecodeError, pack_decoder, to_pack
from trunkline.ops.contracts.watch import Operation

FOLDER = "contracts"
OPERATIONS_MAX = 200
"""Of one integration; the one that was seen longest ago makes room."""
_ID = re.compile(
    r"\d+|[0-9a-fA-F-]{12,}|[A-Za-z]{1,12}_[A-Za-z0-9]{6,}|(?=[^/]*\d)[A-Za-z0-9_.~-]{10,}|.*[@%:].*"
)
_NAME = re.compile(r"[a-z]+\d?(_[a-z]+\d?)+")
"""Words joined, such as `payment_intents` and `oauth2_tokens`, which look like an id with its prefix."""


class Book(msgspec.Struct):
    """Everything of one integration. Under the empty name stand the errors of all its operations."""

    operations: dict[str, Operation] = {}

    def operation(self, name: str) -> Operation:
        """One operation, begun if it is not there."""
        found = self.operations.get(name)
        if found is None:
            if len(self.operations) >= OPERATIONS_MAX:
                del self.operations[min(self.operations, key=lambda each: self.operations[each].until_us)]
            found = self.operations[name] = Operation()
        return found


_decoder = pack_decoder(Book)


def read(state: Path, integration: str) -> Book:
    """What is kept of an integration; an empty book where there is none, or none that can be read."""
    try:
        return _decoder.decode(_path(state, integration).read_bytes())
    except (OSError, DecodeError):
        return Book()


def books(state: Path) -> Iterator[tuple[str, Book]]:
    """All of them by integration."""
    for path in sorted((state / FOLDER).glob("*.msgpack")):
        name = unquote(path.stem)
        yield name, read(state, name)


def write(state: Path, integration: str, book: Book) -> None:
    """Replaces what is kept."""
    path = _path(state, integration)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(to_pack(book))
    temporary.chmod(0o600)
    temporary.replace(path)


def _path(state: Path, integration: str) -> Path:
    return state / FOLDER / f"{quote(integration, safe='@-_')}.msgpack"


def called(operation: str, method: str, path: str) -> str:
    """The name of an operation: as declared, else method and path with ids as `{id}`."""
    if operation:
        return operation
    steps = [
        "{id}" if _ID.fullmatch(step) and not _NAME.fullmatch(step) else step for step in path.split("/")
    ]
    return f"{method} {'/'.join(steps)}"[:200]
