"""`name = value` wherever settings stand: env files, YAML, TOML, INI, properties, JSON. Line by line, so that broken and
templated files can be read too, and every value has its line.

Not for: what a name or a value means (`secrets_seen.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

LONGEST_VALUE = 8192


class Setting(NamedTuple):
    """One name with its value, unquoted, and the names above it."""

    name: str
    value: str
    line: int
    parents: tuple[str, ...] = ()
    commented: bool = False


_ENV = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.]*)\s*=(.*)")
_COMMENTED = re.compile(r"\s*#\s*(?:export\s+)?([A-Z][A-Z0-9_]{2,})=(.*)")


def env(text: str) -> list[Setting]:
    """An env file. Commented variables count: in an example they say what could be set, elsewhere what was."""
    found: list[Setting] = []
    lines = text.split("\n")
    skip = 0
    for number, line in enumerate(lines, 1):
        if number <= skip:
            continue
        match = _ENV.match(line)
        commented = match is None and (match := _COMMENTED.match(line)) is not None
        if match is None:
            continue
        value = match[2].strip()
        if value[:1] in "\"'" and value and value.count(value[0]) == 1:
            value, skip = _long_value(lines, number, value)
        found.append(Setting(match[1], _unquoted(value), number, (), commented))
    return found


def _long_value(lines: list[str], number: int, value: str) -> tuple[str, int]:
    """A quoted value that goes on over lines; as it stands if its quote is never closed."""
    quote, parts = value[0], [value]
    for later in range(number, min(number + 200, len(lines))):
        parts.append(lines[later])
        if quote in lines[later]:
            return "\n".join(parts), later + 1
    return value, 0


def _unquoted(value: str) -> str:
    value = value[:LONGEST_VALUE]
    if value[:1] in ("'", '"'):
        end = value.find(value[0], 1)
        return value[1:end] if end > 0 else value[1:]
    return re.split(r"\s+#", value, maxsplit=1)[0].rstrip().rstrip(",;")


_YAML = re.compile(r"(\s*)((?:- +)*)(?:\"([^\"]+)\"|'([^']+)'|([A-Za-z_$][\w.$/@-]*))\s*:(?:\s+(.*)|)$")
_YAML_ITEM = re.compile(r"(\s*)- +[\"']?([A-Za-z_][A-Za-z0-9_]*)=(.*)")
_YAML_NAME = re.compile(r"(\s*)- +[\"']?([A-Z][A-Z0-9_]+)[\"']?\s*(?:#.*)?$")
"""In a list of variables: one that is handed through from outside."""
_NAMES = ("name", "key")


def yaml(text: str) -> list[Setting]:
    """Pairs of a YAML file, with the keys above them; `- NAME=value` items; `name:`/`value:` pairs as one setting."""
    found: list[Setting] = []
    above: list[tuple[int, str]] = []
    named: dict[int, str] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if (item := _YAML_ITEM.match(line)) is not None:
            parents = tuple(key for depth, key in above if depth <= len(item[1]))
            found.append(Setting(item[2], _unquoted(item[3].rstrip("\"'")), number, parents))
            continue
        if (passed := _YAML_NAME.match(line)) is not None:
            parents = tuple(key for depth, key in above if depth <= len(passed[1]))
            if parents[-1:] == ("environment",):
                found.append(Setting(passed[2], "", number, parents))
            continue
        match = _YAML.match(line)
        if match is None:
            continue
        depth = len(match[1]) + len(match[2])
        key = match[3] or match[4] or match[5]
        while above and above[-1][0] >= depth:
            above.pop()
        value = _unquoted((match[6] or "").strip())
        parents = tuple(name for _, name in above)
        if match[2]:
            named.pop(depth, None)
        if key.lower() in _NAMES and value:
            named[depth] = value
        elif key.lower() == "value" and depth in named:
            found.append(Setting(named.pop(depth), value, number, parents))
        found.append(Setting(key, value, number, parents))
        above.append((depth, key))
    return found


_SECTION = re.compile(r"\s*\[+\s*([^\]]+?)\s*\]+\s*(?:[#;].*)?$")
_PAIR = re.compile(r"\s*(?:\"([^\"]+)\"|'([^']+)'|([A-Za-z_][\w.-]*))\s*[=:]\s*(.*)$")


def pairs(text: str) -> list[Setting]:
    """TOML, INI, properties: `name = value` below `[section]`."""
    found: list[Setting] = []
    section: tuple[str, ...] = ()
    for number, line in enumerate(text.split("\n"), 1):
        if line.lstrip().startswith(("#", ";", "!")):
            continue
        if (head := _SECTION.match(line)) is not None:
            section = tuple(part.strip("\"' ") for part in head[1].split("."))
            continue
        match = _PAIR.match(line)
        if match is not None:
            found.append(
                Setting(match[1] or match[2] or match[3], _unquoted(match[4].strip()), number, section)
            )
    return found


_MEMBER = re.compile(r'"((?:[^"\\\n]|\\.)*+)"\s*:\s*(?:"((?:[^"\\\n]|\\.)*+)"|(\{)|(\[)|[^\s"{\[])|([}\]])')


def json(text: str) -> list[Setting]:
    """Text members of a JSON file (comments and trailing commas do not matter), with the names above them."""
    found: list[Setting] = []
    above: list[str] = []
    line, at = 1, 0
    for match in _MEMBER.finditer(text):
        line += text.count("\n", at, match.start())
        at = match.start()
        if match[5]:
            if above:
                above.pop()
        elif match[3] or match[4]:
            above.append(match[1])
        elif match[2] is not None:
            found.append(Setting(match[1], match[2][:LONGEST_VALUE], line, tuple(above)))
    return found


def read(suffix: str, text: str) -> Iterator[Setting]:
    """The settings of a file, by how it ends."""
    if suffix in (".yml", ".yaml"):
        yield from yaml(text)
    elif suffix in (".json", ".jsonc", ".json5"):
        yield from json(text)
    else:
        yield from pairs(text)
