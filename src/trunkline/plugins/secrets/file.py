"""`file:path#key`: a value in a file, read anew when the file changes.

With a key the file is JSON, YAML or `NAME=value` lines, told by its ending; the key is a name or a path of names joined by
`.` or `/`. Without a key the whole file, stripped, is the value. Relative paths start at the folder of the registry.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from trunkline.plugins.secrets import SecretUnavailable

SIZE_LIMIT = 1 << 20


class File:
    """Reads values from files below or outside `root`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def fetch(self, rest: str) -> str:
        ref = f"file:{rest}"
        path, key = self._split(rest)
        text = _read(ref, path)
        value = text.strip() if not key else _member(ref, path, text, key)
        if not value:
            raise SecretUnavailable(ref, "the value there is empty", f"Write the secret into {path}.")
        return value

    def stamp(self, rest: str) -> object:
        path, _ = self._split(rest)
        try:
            seen = path.stat()
        except OSError:
            return None
        return (seen.st_mtime_ns, seen.st_size, seen.st_ino)

    def version(self, rest: str) -> str:
        return ""

    def _split(self, rest: str) -> tuple[Path, str]:
        name, _, key = rest.partition("#")
        return self._root / Path(name).expanduser(), key


def _read(ref: str, path: Path) -> str:
    try:
        if path.stat().st_size > SIZE_LIMIT:
            raise SecretUnavailable(
                ref, "the file is larger than 1 MB", "Point the reference at a file of secrets."
            )
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SecretUnavailable(ref, f"there is no file {path}", "Create it, or correct the path.") from None
    except PermissionError:
        raise SecretUnavailable(
            ref, f"{path} may not be read", "Give this user the right to read it (mode 0600)."
        ) from None
    except (OSError, UnicodeDecodeError) as problem:
        why = f"{path} cannot be read ({type(problem).__name__})"
        raise SecretUnavailable(ref, why, "Point the reference at a readable text file.") from None


def _member(ref: str, path: Path, text: str, key: str) -> str:
    try:
        tree = _parse(path, text)
    except ValueError as problem:
        raise SecretUnavailable(ref, f"{path} is not well-formed {problem}", "Correct the file.") from None
    value = _descend(tree, key)
    if value is None:
        raise SecretUnavailable(
            ref, f"{path} has no value at {key}", "Add it there, or correct what follows the #."
        )
    if not isinstance(value, (str, int, float)) or isinstance(value, bool):
        raise SecretUnavailable(
            ref, f"the value at {key} in {path} is no text", "Name the text itself after the #."
        )
    return str(value).strip()


def _parse(path: Path, text: str) -> Any:
    """Raises ValueError naming only the format: parser messages may quote the secret."""
    ending = path.suffix.lower()
    if ending == ".json":
        try:
            return json.loads(text)
        except ValueError:
            raise ValueError("JSON") from None
    if ending in (".yaml", ".yml"):
        import yaml

        try:
            return yaml.safe_load(text)
        except yaml.YAMLError:
            raise ValueError("YAML") from None
    return parse_dotenv(text)


def _descend(tree: Any, key: str) -> Any:
    if isinstance(tree, dict) and key in tree:
        return tree[key]
    for name in key.replace("/", ".").strip(".").split("."):
        if not isinstance(tree, dict) or name not in tree:
            return None
        tree = tree[name]
    return tree


def parse_dotenv(text: str) -> dict[str, str]:
    """`NAME=value` lines; `export`, comments and one pair of quotes are understood, nothing is expanded."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        name, value = name.strip(), value.strip()
        if not equals or not name or name.startswith("#"):
            continue
        quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "'\""
        found[name] = value[1:-1] if quoted else value.partition(" #")[0].rstrip()
    return found
