"""The values of credentials in one file, for moving them into the store and for nothing else.

Who calls this hands them on at once and shows none. Not for: finding credentials in a project (`gather.py`).
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from . import code, settings_files, settings_lines
from .lexer import language_of, read
from .names import judge
from .secrets_seen import Forms, Keeper, Seen, is_placeholder
from .tokens import is_token
from .tree import File, decoded, is_env_file
from .vendors import Vendors

LARGEST = 4 << 20


class ValueProblem(Exception):
    """A value cannot be read; names file, line and cure, never the value."""


class Value(NamedTuple):
    """A credential with its value. Its `repr` has none."""

    name: str
    line: int
    value: str

    def __repr__(self) -> str:
        return f"Value({self.name!r}, line {self.line})"


def named(path: Path, vendors: Vendors) -> list[Value]:
    """Every name with a value in a file of settings (env, YAML, JSON, TOML, properties); the last of a name wins.

    Raises ValueProblem.
    """
    file = _file(path)
    if language_of(file.name, file.suffix) is not None:
        raise ValueProblem(f"{path} is code; name the line with --line N (`trunkline scan` tells which).")
    if is_env_file(file.name):
        settings = [setting for setting in settings_lines.env(file.text) if not setting.commented]
    else:
        settings = list(settings_lines.read(file.suffix, file.text))
    return list(
        {
            setting.name: Value(setting.name, setting.line, setting.value)
            for setting in settings
            if setting.value
        }.values()
    )


def is_credential(value: Value, vendors: Vendors) -> bool:
    """Whether name or form say that it is one, and it is no placeholder."""
    if is_placeholder(value.value):
        return False
    return (
        is_token(value.value)
        or judge(value.name, vendors, plain=True).secret
        or bool(vendors.of_key(value.value)[0])
    )


def in_line(path: Path, line: int, vendors: Vendors) -> Value:
    """The one credential that stands in a line of code or settings. Raises ValueProblem."""
    file = _file(path)
    forms, keeper = Forms(vendors), Keeper(vendors)
    language = language_of(file.name, file.suffix)
    kind = settings_files.kind_of(file.path) or "settings"
    seen: list[Seen] = []
    if language is not None:
        seen = list(code.valued(read(file.text, language, file.path), forms))
    else:
        seen = list(settings_files.seen_in(file, kind, forms))
    here = [one for one in seen if one.line == line]
    fit = {
        one.value: one
        for one in here
        if (made := keeper.kept(one, file, "source" if language else kind)) and made.valued
    }
    if not fit:
        raise ValueProblem(
            f"{path}:{line} holds nothing that looks like a credential. Is it the right line? Or `trunkline secrets set NAME`."
        )
    if len(fit) > 1:
        raise ValueProblem(
            f"{path}:{line} holds {len(fit)} values that look like credentials; set each with `trunkline secrets set NAME`."
        )
    one = next(iter(fit.values()))
    return Value(one.name, one.line, one.value)


def _file(path: Path) -> File:
    try:
        if path.stat().st_size > LARGEST:
            raise ValueProblem(f"{path} is larger than {LARGEST >> 20} MB; it is no file of settings.")
        text = decoded(path.read_bytes())
    except OSError as problem:
        raise ValueProblem(f"{path} cannot be read ({problem.strerror}).") from None
    if text is None:
        raise ValueProblem(f"{path} is a binary file.")
    return File(path.as_posix(), text, "code", False)
