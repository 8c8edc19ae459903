"""A YAML (or JSON) file as plain values that still know where they stood, so that every error can name line and column.

Differs from PyYAML's own loading on purpose: YAML 1.2 scalars (`no`, `on` and `2026-10-01` are text), a duplicate key is
an error, keys are text, no tags, no recursion, and a bound on what anchors may expand to.
Not for: what the values mean (`shape.py`), nor for editing a file (its comments are gone here).
"""

from __future__ import annotations

import json
import math
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from .findings import Finding, RegistryInvalid

try:
    from yaml._yaml import CParser as _Parser
except ImportError:  # PyYAML without libyaml: same nodes, slower
    from ._pure import PureParser as _Parser  # type: ignore[assignment]

Place = tuple[str | int, ...]
"""Path of an item inside a document, e.g. `("integrations", "crm", "limits", 0)`."""

MAX_BYTES = 4 << 20
MAX_ITEMS = 200_000
_SURROGATES = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_TAG = "tag:yaml.org,2002:"


_IMPLICIT: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("int", re.compile(r"[-+]?[0-9]+")),
    ("float", re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")),
    ("bool", re.compile(r"true|True|TRUE|false|False|FALSE")),
    ("null", re.compile(r"~|null|Null|NULL|")),
)
_MAY_BE_IMPLICIT = frozenset("+-.0123456789tTfF~nN")


class _Composer(_Parser):
    """Text to nodes, with the implicit types of YAML 1.2's core schema only."""

    def descend_resolver(self, current_node: Node | None, current_index: Any) -> None:
        """No types by path here."""

    def ascend_resolver(self) -> None:
        """No types by path here."""

    def resolve(self, kind: type[Node], value: Any, implicit: Any) -> str:
        if kind is not ScalarNode:
            return _TAG + ("map" if kind is MappingNode else "seq")
        if implicit[0] and (not value or value[0] in _MAY_BE_IMPLICIT):
            for name, pattern in _IMPLICIT:
                if pattern.fullmatch(value):
                    return _TAG + name
        return _TAG + "str"


class Document:
    """One parsed file: `data` holds the values, `find` the place of any of them."""

    def __init__(self, file: str, root: Node | None, data: Any) -> None:
        self.file = file
        self.data = data
        self._root = root

    def find(self, place: Place, *, key: bool = False) -> tuple[int, int, int]:
        """(line, column, depth) of the item, or of its nearest known ancestor; `depth` tells how much of `place` was found.

        With `key`, the place of the last key instead of its value.
        """
        node, mark, depth = self._root, None, 0
        for depth, part in enumerate(place):
            pair = _child(node, part)
            if pair is None:
                break
            mark = pair[0].start_mark if key and depth == len(place) - 1 else pair[1].start_mark
            node = pair[1]
        else:
            depth = len(place)
        mark = mark or (self._root.start_mark if self._root is not None else None)
        return (mark.line + 1, mark.column + 1, depth) if mark is not None else (1, 1, 0)


def _child(node: Node | None, part: str | int) -> tuple[Node, Node] | None:
    if isinstance(node, MappingNode):
        return next(((k, v) for k, v in reversed(node.value) if k.value == part), None)
    if isinstance(node, SequenceNode) and isinstance(part, int) and 0 <= part < len(node.value):
        return node.value[part], node.value[part]
    return None


def read(path: Path, shown: str = "") -> Document:
    """Reads and parses a file. Raises RegistryInvalid."""
    file = shown or str(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise _invalid(
            file,
            "unreadable",
            f"cannot be read: {error.strerror}.",
            "Give the right --config, or write one, e.g. `{version: 1, integrations: {openai: {secret: env:OPENAI_API_KEY}}}`.",
        ) from None
    if len(raw) > MAX_BYTES:
        raise _invalid(
            file, "too-large", f"holds {len(raw)} bytes; at most {MAX_BYTES} are read.", "Split it."
        )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - raw.rfind(b"\n", 0, error.start)
        raise _invalid(
            file, "bad-encoding", "is not UTF-8 here.", "Save it as UTF-8.", line, column
        ) from None
    return parse(text, file)


def parse(text: str, file: str) -> Document:
    """Parses text. Raises RegistryInvalid with the place of each fault."""
    if text.lstrip()[:1] in ("{", "["):
        text = text.replace(
            "\t", " "
        )  # JSON may be indented with tabs; inside its strings a raw tab cannot stand
        text = _SURROGATES.sub(lambda pair: json.loads(f'"{pair[0]}"'), text)
    composer = None
    try:
        composer = _Composer(text)
        root = composer.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        said = " ".join(filter(None, (error.context, error.problem)))
        raise _invalid(
            file, "bad-yaml", f"is no valid YAML: {said}.", "Correct it there or just above.", line, column
        ) from None
    except yaml.YAMLError as error:
        said = str(getattr(error, "reason", "")) or "unreadable character"
        raise _invalid(file, "bad-yaml", f"is no valid YAML: {said}.", "Remove the character.") from None
    finally:
        if composer is not None:
            composer.dispose()
    build = _Build(file)
    data = build.value(root, ()) if root is not None else None
    if build.findings:
        raise RegistryInvalid(build.findings)
    return Document(file, root, data)


def _invalid(
    file: str, code: str, message: str, cure: str, line: int = 0, column: int = 0
) -> RegistryInvalid:
    finding = Finding(
        severity="error",
        code=code,
        file=file,
        line=line,
        column=column,
        message=f"The file {message}",
        cure=cure,
    )
    return RegistryInvalid([finding])


class _Build:
    """Turns nodes into values and collects what is wrong with the nodes themselves."""

    def __init__(self, file: str) -> None:
        self.findings: list[Finding] = []
        self._file = file
        self._items = 0
        self._open: set[int] = set()

    def value(self, node: Node, place: Place) -> Any:
        self._items += 1
        if self._items > MAX_ITEMS:
            if self._items == MAX_ITEMS + 1:
                self._fault(node, place, "too-large", f"More than {MAX_ITEMS} items.", "Use fewer anchors.")
            return None
        if isinstance(node, ScalarNode):
            return self._scalar(node, place)
        if id(node) in self._open:
            self._fault(node, place, "recursive", "An anchor contains itself.", "Write the value out.")
            return None
        self._open.add(id(node))
        try:
            if isinstance(node, MappingNode):
                return self._mapping(node, place)
            return [self.value(child, (*place, n)) for n, child in enumerate(node.value)]
        finally:
            self._open.discard(id(node))

    def _scalar(self, node: ScalarNode, place: Place) -> Any:
        tag, text = node.tag.removeprefix(_TAG), node.value
        if tag == "str":
            return text
        if tag == "null":
            return None
        if tag == "bool" and text.lower() in ("true", "false"):
            return text.lower() == "true"
        if tag in ("int", "float") and len(text) <= 64:
            with suppress(ValueError):
                number = int(text) if tag == "int" else float(text)
                if math.isfinite(number):
                    return number
        if tag in ("int", "float", "bool"):
            self._fault(
                node,
                place,
                "bad-value",
                f"This is no usable value of type {tag}.",
                "Correct it, or put it in quotes.",
            )
        else:
            self._fault(node, place, "bad-tag", f"The tag {tag} is not known.", "Remove it.")
        return None

    def _mapping(self, node: MappingNode, place: Place) -> dict[str, Any]:
        out: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        first: dict[str, Node] = {}
        for key, child in node.value:
            if not isinstance(key, ScalarNode):
                self._fault(
                    key, place, "bad-key", "A key must be plain text.", "Write a name before the colon."
                )
                continue
            name = key.value
            if name == "<<" and not key.style:
                value = self.value(child, place)
                for one in reversed(value if isinstance(value, list) else [value]):
                    merged.update(one if isinstance(one, dict) else {})
                continue
            if name in first:
                line = first[name].start_mark.line + 1
                said = f"`{name}` stands here a second time; the first is in line {line}."
                self._fault(key, (*place, name), "duplicate-key", said, "Remove one of the two.")
                continue
            first[name] = key
            out[name] = self.value(child, (*place, name))
        return {**merged, **out} if merged else out

    def _fault(self, node: Node, place: Place, code: str, message: str, cure: str) -> None:
        self.findings.append(
            Finding(
                severity="error",
                code=code,
                file=self._file,
                line=node.start_mark.line + 1,
                column=node.start_mark.column + 1,
                item=dotted(place),
                message=message,
                cure=cure,
            )
        )


def dotted(place: Place) -> str:
    """`integrations.crm.limits[0]`"""
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
