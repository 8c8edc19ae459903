"""What is found in a project, as plain data. Nothing here holds the value of a credential.

Not for: finding it (`gather.py`), nor for what it means (`services.py`, `judge.py`).
"""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal["env", "source", "settings", "ci", "platform", "manifest", "prose"]
"""Of the file: variables of an environment; code; configuration; CI; Vercel, Netlify and the like; a list of packages."""
Role = Literal["code", "test", "example", "docs"]
"""What its place says that a file is for. What tests, examples and docs call, the product does not."""


class Place(msgspec.Struct, frozen=True, order=True):
    """Where something stands: path relative to the folder that was read, 1-based line."""

    path: str
    line: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """A credential by name, value, or both."""

    name: str
    """Of the variable or key; empty for a value that stands alone."""
    vendor: str = ""
    """Whose it is; empty if nobody's that is known."""
    own: bool = False
    """The product's own (session key, database password), not a vendor's."""
    place: Place
    kind: Kind
    role: Role = "code"
    valued: bool = False
    """A value stands there; otherwise only the name, a placeholder or a reference."""
    by: Literal["name", "form", "entropy"] = "name"
    """How it was known."""
    ignored: bool = False
    """Git ignores the file, so the value is not committed."""
    browser: bool = False
    """Its name hands it to browsers (NEXT_PUBLIC_, VITE_, ...)."""
    live: bool | None = None
    """Acts for real, by its vendor's form; None: the form does not tell."""
    last4: str = ""
    mark: str = ""
    """Keyed by the run (or the baseline): the same for the same value. Empty for values that could be guessed from it."""


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """A host to which a request is sent."""

    host: str
    """As written; `*.example.com` where its first part is only known when it runs."""
    scheme: str = "https"
    port: int = 0
    path: str = ""
    """What follows the host, up to anything variable, query or fragment."""
    vendor: str = ""
    place: Place
    role: Role = "code"
    kind: Kind = "source"
    why: str
    """What told that it is called and not only mentioned."""
    start: int = -1
    """Offset of the literal in its file, for the change of the client."""


class Import(msgspec.Struct, frozen=True, kw_only=True):
    """An SDK of a vendor that a file uses, or that a manifest asks for."""

    vendor: str
    module: str
    place: Place
    language: str
    kind: Kind = "source"
    role: Role = "code"


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """Where a client is made or an address is called, and what to change there."""

    vendor: str
    host: str = ""
    """Literal host to which it leads, where one is written."""
    place: Place
    language: str
    sdk: str
    """What is made or called, e.g. `OpenAI(...)` or `https://api.example.com`."""
    through: bool = False
    """It already goes through Trunkline (or to an address that is not written here)."""
    role: Role = "code"
    diff: list[str] = []
    """Lines of a unified diff; empty where the change cannot be written down exactly."""
    key: str = ""
    """What to do about the key, for people."""
    note: str = ""
    hidden: bool = False
    """A line of the diff held a credential, which is masked: it cannot be applied as it stands."""


class Skipped(msgspec.Struct, frozen=True, kw_only=True):
    """What was not read, and how much of it."""

    large: int = 0
    binary: int = 0
    unreadable: int = 0
    minified: int = 0
    ignored: int = 0
    stopped: str = ""
    """Why reading ended early; empty if it did not."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was found."""

    files: int = 0
    bytes_read: int = 0
    skipped: Skipped = Skipped()
    credentials: list[Credential] = []
    hosts: list[Host] = []
    imports: list[Import] = []
    sites: list[Site] = []
    set_names: list[str] = []
    """Variables that env files set, secret or not, e.g. `OPENAI_BASE_URL`."""
