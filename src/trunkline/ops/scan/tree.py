"""Which files of a folder are read, and their text: bounded in number, size and time, never twice, never outside the folder.

Left out: what git ignores (but not env files, which are meant to be ignored and are where credentials lie), packages of others,
build results, binaries, large and minified files. Symbolic links to folders are not followed. Not for: what stands in the files.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from .found import Role, Skipped
from .ignore import Rules

SKIPPED_FOLDERS = frozenset(
    (
        *(
            ".git",
            ".hg",
            ".svn",
            ".idea",
            ".vscode",
            ".trunkline",
            ".yarn",
            ".pnpm-store",
            ".gradle",
            ".mvn",
            ".terraform",
        ),
        *("node_modules", "bower_components", "vendor", "Pods", "site-packages", "third_party", "thirdparty"),
        *(
            "__pycache__",
            ".venv",
            "venv",
            ".tox",
            ".nox",
            ".mypy_cache",
            ".pytest_cache",
            ".ruff_cache",
            ".eggs",
        ),
        *(
            "dist",
            "build",
            "out",
            "target",
            "coverage",
            ".next",
            ".nuxt",
            ".svelte-kit",
            ".output",
            ".turbo",
            ".cache",
        ),
        *(".vercel", ".netlify", ".serverless", ".aws-sam", "storybook-static"),
    )
)
LOOKED_INTO = frozenset((".vercel", ".netlify"))
"""Of these, env files are read all the same."""
TEST_FOLDERS = frozenset(
    (
        "test",
        "tests",
        "__tests__",
        "spec",
        "specs",
        "e2e",
        "cypress",
        "fixtures",
        "testdata",
        "__mocks__",
        "mocks",
        "testing",
        ".ci",
    )
)
TEST_ENDS = ("_test", ".test", ".spec", "_spec", ".cy", ".stories", "-test", "_tests", "Test", "Tests", "IT")
EXAMPLE_FOLDERS = frozenset(
    ("example", "examples", ".examples", "sample", "samples", "demo", "demos", "cookbook")
)
DOCS_FOLDERS = frozenset(
    ("doc", "docs", "documentation", "locale", "locales", "i18n", "translations", "lang")
)
MINIFIED_LINE = 1500


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much is read at most."""

    files: int = 200_000
    file_bytes: int = 1 << 20
    total_bytes: int = 1 << 30
    seconds: float = 300.0


class File(NamedTuple):
    """One file that is read."""

    path: str
    """From the root, with `/`."""
    text: str
    role: Role
    ignored: bool

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[-1]

    @property
    def suffix(self) -> str:
        name = self.name
        return "." + name.rsplit(".", 1)[1].lower() if "." in name[1:] else ""


class Tree:
    """Walks a folder. `wanted(path, name)` says which files may matter; `said(files)` is told how many were read."""

    def __init__(
        self,
        root: Path,
        wanted: Callable[[str, str], bool],
        *,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.monotonic,
        said: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.root = root
        self.read = 0
        self.bytes_read = 0
        self._wanted = wanted
        self._limits = limits or Limits()
        self._clock = clock
        self._said = said
        self._skipped: dict[str, int] = {}
        self._stopped = ""
        self._end = clock() + self._limits.seconds

    @property
    def skipped(self) -> Skipped:
        return Skipped(**self._skipped, stopped=self._stopped)

    def files(self) -> Iterator[File]:
        """Every file that is to be read, in order of its path; ends early when a bound is reached."""
        yield from self._folder("", Rules(), ignored=False)

    def _folder(self, folder: str, rules: Rules, *, ignored: bool) -> Iterator[File]:
        here = self.root / folder
        rules = rules.within(folder, _rules_text(here / ".gitignore"))
        try:
            entries = sorted(os.scandir(here), key=lambda entry: entry.name)
        except OSError:
            self._count("unreadable")
            return
        for entry in entries:
            if self._stopped:
                return
            path = f"{folder}/{entry.name}" if folder else entry.name
            if _is_folder(entry):
                yield from self._below(path, entry.name, rules, ignored)
            elif is_env_file(entry.name) or (not ignored and self._wanted(path, entry.name)):
                yield from self._file(path, entry, rules, ignored=ignored)

    def _below(self, path: str, name: str, rules: Rules, ignored: bool) -> Iterator[File]:
        if name in SKIPPED_FOLDERS and name not in LOOKED_INTO:
            return
        left_out = ignored or name in LOOKED_INTO or rules.ignores(path, folder=True)
        if path.count("/") < 64:
            yield from self._folder(path, rules, ignored=left_out)

    def _file(self, path: str, entry: os.DirEntry[str], rules: Rules, *, ignored: bool) -> Iterator[File]:
        ignored = ignored or rules.ignores(path, folder=False)
        if ignored and not is_env_file(entry.name):
            self._count("ignored")
            return
        text = self._text(entry)
        if text is None or self._is_over(len(text)):
            return
        self.read += 1
        self.bytes_read += len(text)
        self._said(self.read)
        yield File(path, text, role_of(path), ignored)

    def _text(self, entry: os.DirEntry[str]) -> str | None:
        try:
            facts = entry.stat(follow_symlinks=False)
            if not stat.S_ISREG(facts.st_mode):  # what a link leads to is read where it lies, if it lies here
                return None
            if facts.st_size > self._limits.file_bytes:
                self._count("large")
                return None
            raw = Path(entry.path).read_bytes()
        except OSError:
            self._count("unreadable")
            return None
        text = decoded(raw)
        if text is None:
            self._count("binary")
            return None
        if is_minified(text):
            self._count("minified")
            return None
        return text

    def _count(self, what: str) -> None:
        self._skipped[what] = self._skipped.get(what, 0) + 1

    def _is_over(self, size: int) -> bool:
        if self.read >= self._limits.files:
            self._stopped = f"after {self.read} files"
        elif self.bytes_read + size > self._limits.total_bytes:
            self._stopped = f"after {self.bytes_read >> 20} MB"
        elif self._clock() > self._end:
            self._stopped = f"after {self._limits.seconds:g} s"
        return bool(self._stopped)


def decoded(raw: bytes) -> str | None:
    """The text of a file in whatever encoding it is; None for a binary one."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _plain_lines(raw.decode("utf-16", "replace"))
    if b"\0" in raw[:8192]:
        return None
    return _plain_lines(raw.decode("utf-8-sig", "replace"))


def _plain_lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def is_minified(text: str) -> bool:
    """Lines that nobody writes: most of it stands in lines longer than a screenful."""
    if len(text) < 2 * MINIFIED_LINE:
        return False
    return len(text) / (text.count("\n") + 1) > MINIFIED_LINE / 5


def role_of(path: str) -> Role:
    """What a file is for, by where it lies."""
    *folders, name = path.split("/")
    stem = name.rsplit(".", 1)[0]
    if any(folder.lower() in TEST_FOLDERS for folder in folders) or stem.endswith(TEST_ENDS):
        return "test"
    if name.startswith(("test_", "conftest.", "jest.", "vitest.", "playwright.", "cypress.")) or stem in (
        "tests",
        "spec_helper",
    ):
        return "test"
    if any(folder.lower() in EXAMPLE_FOLDERS for folder in folders):
        return "example"
    if any(folder.lower() in DOCS_FOLDERS for folder in folders):
        return "docs"
    return "code"


NO_ENV_ENDS = (
    ".py",
    ".js",
    ".ts",
    ".mjs",
    ".cjs",
    ".tsx",
    ".md",
    ".rb",
    ".go",
    ".java",
    ".php",
    ".yml",
    ".yaml",
    ".json",
    ".sh",
    ".html",
    ".css",
    ".txt",
    ".png",
)


def is_env_file(name: str) -> bool:
    """`.env`, `.env.local`, `.example.env`, `env.sample`, `prod.env`, `.envrc`, `.dev.vars`."""
    lower = name.lower()
    if lower.endswith(NO_ENV_ENDS):
        return False
    if lower in (".envrc", ".flaskenv", ".dev.vars") or lower.endswith(".env") or ".env." in lower:
        return True
    return lower.startswith((".env-", ".env_", "env.", "dotenv."))


def is_example_env(name: str) -> bool:
    """An env file that only shows which variables there are."""
    return any(word in name.lower() for word in ("example", "sample", "template", "dist", "default"))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _rules_text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace") if path.is_file() and path.stat().st_size < 1 << 20 else ""
    except OSError:
        return ""
