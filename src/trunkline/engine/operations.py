"""Which declared operation a request is: method and path against templates such as `/v1/charges/{id}`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from trunkline.core.service import Operation

_PARAMETER = re.compile(r"\{(\w+)(\+?)\}")
_REMEMBERED = 4096


class Matcher:
    """Looks up the operation of a request. Literal paths win over templates; templates are tried in their order."""

    __slots__ = ("_cache", "_literal", "_templates")

    def __init__(self, operations: Sequence[Operation]) -> None:
        self._literal: dict[tuple[str, bytes], Operation] = {}
        self._templates: list[tuple[str, re.Pattern[bytes], Operation]] = []
        self._cache: dict[tuple[str, bytes], Operation | None] = {}
        for operation in operations:
            if "{" in operation.path:
                self._templates.append((operation.method, _compile(operation.path), operation))
            else:
                self._literal[operation.method, operation.path.encode()] = operation

    def find(self, method: str, path: bytes) -> Operation | None:
        """`path` without query. None for what is not declared."""
        key = (method, path)
        hit = self._literal.get(key)
        if hit is not None or not self._templates:
            return hit
        if key in self._cache:
            return self._cache[key]
        found = next(
            (o for m, pattern, o in self._templates if m == method and pattern.fullmatch(path)), None
        )
        if len(self._cache) < _REMEMBERED:
            self._cache[key] = found
        return found


def _compile(template: str) -> re.Pattern[bytes]:
    out, position = "", 0
    for hit in _PARAMETER.finditer(template):
        out += re.escape(template[position : hit.start()]) + ("(.+)" if hit[2] else "([^/]+)")
        position = hit.end()
    return re.compile((out + re.escape(template[position:])).encode())


def undeclared(method: str) -> Operation:
    """The repeat rule of an operation that nobody declared (spec F1)."""
    if method in ("GET", "HEAD", "OPTIONS"):
        return _READ
    return _KEYED if method in ("PUT", "DELETE") else _ACT


_READ = Operation(name="", method="*", path="", repeat="always")
_KEYED = Operation(name="", method="*", path="", repeat="with_key")
_ACT = Operation(name="", method="*", path="", repeat="never")
