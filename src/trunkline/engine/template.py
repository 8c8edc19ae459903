"""Answers that the registry declares, filled with parts of the request and facts of the call; pure.

In JSON a text that is just one placeholder becomes the value itself, of whatever type (`"total": "{{ /total }}"` may become
`"total": 19.5`); within a longer text a value stands as text, escaped. What is not there is null, or nothing within a text. Which
placeholders there are, and what is wrong with others, is said in core/template.py.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from trunkline.core.codec import DecodeError, from_json, to_json
from trunkline.core.template import PLACEHOLDER
from trunkline.engine.pointer import found

Write = Callable[[Any], str]


class Hole(NamedTuple):
    """A place to fill: a pointer into the request or the name of a fact, and how a value is written there."""

    name: str
    write: Write


class Template:
    """A declared body, taken apart once."""

    __slots__ = ("parts",)

    def __init__(self, body: str, content_type: str) -> None:
        self.parts: list[str | Hole] = []
        end, in_text = 0, False
        kind = content_type.lower()
        for hit in PLACEHOLDER.finditer(body):
            before, name, write = body[end : hit.start()], hit[1], as_text
            end = hit.end()
            if "json" in kind:
                in_text = _ends_in_text(before, in_text)
                name = _unescaped(name) if in_text else name
                write = _json_text if in_text else _json_value
                if in_text and before.endswith('"') and body.startswith('"', end):
                    before, end, in_text, write = before[:-1], end + 1, False, _json_value
            elif "html" in kind or "xml" in kind:
                write = _markup
            self.parts += [before, Hole(name, write)]
        self.parts.append(body[end:])

    def fill(self, request: bytes, facts: Mapping[str, Any]) -> bytes:
        """The body for one call. `request` is the caller's body; one that is no JSON holds nothing that a pointer finds."""
        tree = None
        if any(isinstance(part, Hole) and part.name.startswith("/") for part in self.parts):
            tree = _tree(request)
        return "".join(
            part if isinstance(part, str) else part.write(_value(part.name, tree, facts))
            for part in self.parts
        ).encode()


def _value(name: str, tree: Any, facts: Mapping[str, Any]) -> Any:
    if not name.startswith("/"):
        return facts.get(name)
    values = list(found(tree, name))
    return values if "*" in name.split("/") else next(iter(values), None)


def _tree(request: bytes) -> Any:
    try:
        return from_json(request)
    except DecodeError:
        return None


def _ends_in_text(piece: str, in_text: bool) -> bool:
    """Whether a JSON string is open at the end of a piece of JSON, given whether one was at its begin."""
    escaped = False
    for character in piece:
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = in_text
        elif character == '"':
            in_text = not in_text
    return in_text


def _unescaped(name: str) -> str:
    """A name as it is meant, where it stands inside JSON."""
    try:
        return str(from_json(f'"{name}"')) if "\\" in name else name
    except DecodeError:
        return name


def as_text(value: Any) -> str:
    """A value within a text: nothing for null, JSON for what is no text."""
    if value is None:
        return ""
    return value if isinstance(value, str) else to_json(value).decode()


def _json_value(value: Any) -> str:
    return to_json(value).decode()


def _json_text(value: Any) -> str:
    return to_json(as_text(value)).decode()[1:-1]


def _markup(value: Any) -> str:
    return html.escape(as_text(value))
