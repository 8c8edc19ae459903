"""Why a lock cannot be taken as it is: the line, the item, the value, the cure. Locks are merged and edited by hand. Pure.

Not for: what a lock holds (`lock.py`), which calls this with its own types.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

CURE = "Restore it from version control, or remove it and run `trunkline contracts accept`."
MERGE_CURE = (
    "Take one side as it is (`git checkout --ours` or `--theirs`), then run `trunkline contracts accept`."
)
MEND_CURE = "Mend that line, or restore the file from version control."
TYPES = frozenset(("null", "boolean", "integer", "number", "string", "array", "object"))
_SEEN = re.compile(r"\d{1,12}/\d{1,12}|required|optional")
_MARKS = re.compile(r"^(<{7}|={7}|>{7}|\|{7})( |$)", re.MULTILINE)
_AT = re.compile(r" - at .*$")

Path = tuple[Any, ...]
Children = Mapping[type, Mapping[str, tuple[type, bool]]]
"""Of each type the members that hold others: their type, and whether by name."""


class Fault(NamedTuple):
    """What is wrong at a place of the file. `path`: the names that lead there."""

    path: Path
    why: str


def merging(text: str) -> int:
    """The line of the first mark that an unfinished merge has left; 0 for none."""
    found = _MARKS.search(text)
    return text.count("\n", 0, found.start()) + 1 if found else 0


def loaded(text: str) -> Any:
    """The YAML. Raises yaml.YAMLError, for a name that comes twice, too: one of the two would be lost without a word."""
    import yaml  # not before there is a lock: the console is to stay small

    safe = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Loader(safe):  # type: ignore[misc, valid-type]
        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
            names: set[str] = set()
            for key, _ in node.value:
                if str(key.value) in names:
                    said = f"`{key.value}` comes twice"
                    raise yaml.constructor.ConstructorError(None, None, said, key.start_mark)
                names.add(str(key.value))
            made: dict[Hashable, Any] = super().construct_mapping(node, deep)
            return made

    return yaml.load(text, Loader=Loader)  # noqa: S506 (a safe one)


def misfit(tree: Any, kind: type, children: Children, path: Path = ()) -> Fault | None:
    """The smallest part that is not of the type that it should be."""
    try:
        msgspec.convert(tree, kind)
    except msgspec.ValidationError as problem:
        said = why = str(problem)
    else:
        return None
    for name, (inner, named) in children.get(kind, {}).items() if isinstance(tree, dict) else ():
        held = tree.get(name)
        parts = (
            held.items() if named and isinstance(held, dict) else [(None, held)] if held is not None else ()
        )
        for key, part in () if named and not isinstance(held, dict) else parts:
            here = (*path, name) if key is None else (*path, name, key)
            if found := misfit(part, inner, children, here):
                return found
    if re.match(r"Expected `str`, got `(bool|int|float|date|datetime)`", why):
        why = f"{_AT.sub('', why)}; in quotes it is a text"
    member = re.search(r"at `\$\.(\w+)|unknown field `([^`]+)`", said)
    return Fault((*path, member[1] or member[2]) if member else path, _AT.sub("", why))


def unlikely(path: Path, place: Any) -> Iterator[Fault]:
    """What is of the right type in the line of a place, and cannot be."""
    if not _SEEN.fullmatch(place.seen):
        yield Fault((*path, "seen"), "it is `N/M` (there in N of M units), `required` or `optional`")
    if place.missing < 0:
        yield Fault((*path, "missing"), "it is a number of units")
    types = place.type.split("|") if isinstance(place.type, str) else list(place.type)
    if unknown := sorted({one for one in types if one} - TYPES):
        yield Fault((*path, "type"), f"{unknown[0]!r} is none of {', '.join(sorted(TYPES))}")
    for name in ("type", "format", "words"):
        counts = getattr(place, name)
        if isinstance(counts, dict) and any(count < 0 for count in counts.values()):
            yield Fault((*path, name), "counts are not below 0")


def told(shown: str, text: str, tree: Any, fault: Fault) -> str:
    """A fault for people."""
    line = _line(text, fault.path)
    where = ".".join(map(str, fault.path))
    value = tree
    for step in fault.path:
        value = value.get(step) if isinstance(value, dict) else None
    scalar = isinstance(value, str | int | float | bool)
    shape = f" is {str(value)[:80]!r}" if scalar else ""
    item = f"`{where}`" if where else "the file"
    return f"{shown}{f':{line}' if line else ''}: {item}{shape}: {fault.why}. {MEND_CURE if where else CURE}"


def _line(text: str, path: Path) -> int:
    """The line in which a path ends, or as far along it as the file goes."""
    import yaml

    node, line = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)), 0
    for step in path:
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        found = next(((key, value) for key, value in pairs if key.value == str(step)), None)
        if found is None:
            break
        line, node = found[0].start_mark.line + 1, found[1]
    return line
