"""Which SDKs a project asks for, by its lists of packages: npm, PyPI, RubyGems, Composer, Go modules, Maven and Gradle.

Not for: lock files, which also name what others need.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from . import settings_lines
from .found import Import, Place
from .tree import File
from .vendors import Vendors

_GEM = re.compile(r"^\s*(?:gem|spec\.add_(?:runtime_)?dependency)\s*\(?\s*[\"']([\w.-]+)[\"']", re.MULTILINE)
_GO = re.compile(r"^\s*(?:require\s+)?([\w.-]+\.[a-z]+/\S+)\s+v\S+(?!.*// indirect)", re.MULTILINE)
_MAVEN = re.compile(
    r"<dependency>\s*<groupId>\s*([\w.-]+)\s*</groupId>\s*<artifactId>\s*([\w.-]+)\s*</artifactId>"
)
_GRADLE = re.compile(r"[\"']([\w.-]+):([\w.-]+)(?::[^\"'\s]*)?[\"']")
_REQUIREMENT = re.compile(
    r"^\s*[\"']?([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*(?:[=<>~!@;,\"'#]|$)", re.MULTILINE
)

SELF_LOADING = frozenset(("gem", "composer", "maven"))
"""What these ask for is loaded without an import in the sources."""


def manager_of(path: str) -> str:
    """The package manager whose list a file is; empty if it is none."""
    name = path.rsplit("/", 1)[-1]
    if name in ("package.json", "composer.json", "go.mod", "Gemfile", "pyproject.toml", "Pipfile", "pom.xml"):
        return {
            "package.json": "npm",
            "composer.json": "composer",
            "go.mod": "go",
            "Gemfile": "gem",
            "pom.xml": "maven",
        }.get(name, "pypi")
    if name.endswith((".gradle", ".gradle.kts")):
        return "maven"
    if name.endswith(".gemspec"):
        return "gem"
    return (
        "pypi"
        if re.fullmatch(r"requirements[\w.-]*\.(?:txt|in)", name)
        or ("/requirements/" in f"/{path}" and name.endswith(".txt"))
        else ""
    )


def of_file(file: File, vendors: Vendors) -> list[Import]:
    """The SDKs that a list of packages asks for."""
    manager = manager_of(file.path)
    found: dict[str, Import] = {}
    for package, line in _packages(manager, file.text):
        vendor = vendors.of_package(manager, package) or _by_import(manager, package, vendors)
        if vendor:
            place = Place(file.path, line)
            made = Import(
                vendor=vendor, module=package, place=place, language=manager, kind="manifest", role=file.role
            )
            found.setdefault(vendor, made)
    return list(found.values())


def _packages(manager: str, text: str) -> Iterator[tuple[str, int]]:
    """(package, line) of what is asked for to run, as far as the list tells that from what is needed to build."""
    if manager in ("npm", "composer"):
        wanted = ("dependencies", "require", "optionalDependencies", "peerDependencies")
        for setting in settings_lines.json(text):
            if setting.parents[-1:] and setting.parents[-1] in wanted:
                yield setting.name, setting.line
        return
    pattern = {"gem": _GEM, "go": _GO, "pypi": _REQUIREMENT}.get(manager)
    if pattern is not None:
        for match in pattern.finditer(text):
            yield match[1], text.count("\n", 0, match.start(1)) + 1
        return
    for pattern in (_MAVEN, _GRADLE):
        for match in pattern.finditer(text):
            yield f"{match[1]}:{match[2]}", text.count("\n", 0, match.start()) + 1


def _by_import(manager: str, package: str, vendors: Vendors) -> str:
    """Where package and import have the same name."""
    if manager == "npm":
        return vendors.of_module("javascript", package)
    if manager == "go":
        return vendors.of_module("go", package)
    if manager == "pypi":
        plain = package.lower().replace("-", "_")
        return vendors.of_module("python", plain) or vendors.of_module("python", plain.replace("_", "."))
    return ""
