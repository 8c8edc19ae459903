"""Reads a whole folder and puts together what its files show.

Not for: what is found in one file (`code.py`, `settings_files.py`, `manifests.py`), nor for what it means (`services.py`).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from . import code, manifests, settings_files
from .clients import Made
from .found import Credential, Found, Import
from .lexer import language_of
from .secrets_seen import Forms, Keeper, Seen
from .tree import File, Limits, Tree, is_env_file
from .vendors import Vendors, load


class Look(msgspec.Struct, kw_only=True):
    """What a folder shows. `made` holds the places of clients with the offsets that a change needs."""

    root: Path
    found: Found
    made: list[Made]


def look(
    root: Path,
    *,
    vendors: Vendors | None = None,
    salt: bytes = b"",
    limits: Limits | None = None,
    clock: Callable[[], float] = time.monotonic,
    said: Callable[[int], None] = lambda _: None,
    only: str = "",
) -> Look:
    """Reads the folder (or, with `only`, the one file below it). The same `salt` makes the marks of two runs comparable."""
    known = vendors or load()
    reader = _Reader(known, Keeper(known, salt))
    tree = Tree(
        root,
        lambda path, name: is_wanted(path, name) and (not only or path == only),
        limits=limits,
        clock=clock,
        said=said,
    )
    for file in tree.files():
        if not only or file.path == only:
            reader.read(file)
    found = reader.found
    found = msgspec.structs.replace(found, files=tree.read, bytes_read=tree.bytes_read, skipped=tree.skipped)
    return Look(root=root, found=_settled(found), made=reader.made)


PROSE = (".md", ".markdown", ".mdx", ".rst", ".adoc", ".txt")
"""Read for vendors' keys alone: people paste them there."""
OTHER_TEXT = frozenset(
    (
        *(
            ".sh",
            ".bash",
            ".zsh",
            ".fish",
            ".ps1",
            ".bat",
            ".cmd",
            ".ipynb",
            ".html",
            ".htm",
            ".xml",
            ".sql",
            ".http",
            ".rest",
        ),
        *(
            ".rs",
            ".cs",
            ".swift",
            ".dart",
            ".ex",
            ".exs",
            ".pl",
            ".lua",
            ".jl",
            ".r",
            ".c",
            ".cc",
            ".cpp",
            ".m",
            ".tfstate",
        ),
    )
)
OTHER_NAMES = ("Dockerfile", "Containerfile", "Makefile", "Procfile", ".npmrc", ".pypirc", ".netrc")
"""Read for vendors' keys alone, too: scripts, images, notebooks and languages whose clients are not known."""
_NAMED = re.compile(r"([A-Za-z_][A-Za-z0-9_]{2,})[\"']?\s*[=:]\s*\\?[\"']?$")


def _is_other(name: str) -> bool:
    suffix = "." + name.rsplit(".", 1)[-1].lower() if "." in name[1:] else ""
    return suffix in OTHER_TEXT or name in OTHER_NAMES or name.startswith("Dockerfile.")


def is_wanted(path: str, name: str) -> bool:
    """Whether a file may hold anything."""
    suffix = "." + name.rsplit(".", 1)[-1].lower() if "." in name[1:] else ""
    return (
        language_of(name, suffix) is not None
        or manifests.manager_of(path) != ""
        or settings_files.kind_of(path) is not None
        or is_env_file(name)
        or suffix in PROSE
        or _is_other(name)
    )


class _Reader:
    """Collects over all files."""

    def __init__(self, vendors: Vendors, keeper: Keeper) -> None:
        self._vendors = vendors
        self._keeper = keeper
        self._forms = Forms(vendors)
        self.found = Found(credentials=[], hosts=[], imports=[], sites=[], set_names=[])
        self.made: list[Made] = []

    def read(self, file: File) -> None:
        if manifests.manager_of(file.path):
            self.found.imports.extend(manifests.of_file(file, self._vendors))
        language = language_of(file.name, file.suffix)
        if language is not None:
            shown = code.look(file, language, self._vendors, self._keeper, self._forms)
            self.found.imports.extend(shown.imports)
            self.found.hosts.extend(shown.hosts)
            self.found.credentials.extend(shown.credentials)
            self.made.extend(shown.made)
        kind = settings_files.kind_of(file.path)
        if kind is not None:
            set_here = settings_files.look(file, kind, self._vendors, self._keeper, self._forms)
            self.found.hosts.extend(set_here.hosts)
            self.found.credentials.extend(set_here.credentials)
            self.found.set_names.extend(set_here.set_names)
        if language is None and kind is None and file.suffix in PROSE:
            self.found.credentials.extend(self._pasted(file))
        elif language is None and kind is None and _is_other(file.name):
            self.found.credentials.extend(self._by_form(file))

    def _by_form(self, file: File) -> Iterator[Credential]:
        """Keys by a vendor's form, each with the name that stands before it."""
        for offset, value in self._forms.places(file.text):
            before = file.text[max(0, offset - 100) : offset].rsplit("\n", 1)[-1]
            named = _NAMED.search(before)
            line = file.text.count("\n", 0, offset) + 1
            made = self._keeper.kept(Seen(named[1] if named else "", value, line, False), file, "settings")
            if made is not None:
                yield made

    def _pasted(self, file: File) -> Iterator[Credential]:
        """Keys in prose: only by a vendor's form, and no sandbox keys, which manuals show."""
        prose = file._replace(role="docs")
        for offset, value in self._forms.places(file.text):
            line = file.text.count("\n", 0, offset) + 1
            made = self._keeper.kept(Seen("", value, line, False), prose, "prose")
            if made is not None and made.live is not False:
                yield made


def _settled(found: Found) -> Found:
    """What can only be told once everything is read: a Ruby constant counts where a package of its vendor is asked for."""
    asked = {one.vendor for one in found.imports if one.language == "gem"}
    has_gems = any(one.language == "gem" for one in found.imports)

    def counts(one: Import) -> bool:
        return one.language != "ruby" or not has_gems or one.vendor in asked

    return msgspec.structs.replace(
        found, imports=[one for one in found.imports if counts(one)], set_names=sorted(set(found.set_names))
    )
