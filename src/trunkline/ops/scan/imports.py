"""Which SDKs a file uses, by the way its language names them: modules, import paths, constants, namespaces, classes.

Not for: manifests (`manifests.py`), nor for what is called (`clients.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from .found import Import, Place
from .lexer import Source
from .tree import File
from .vendors import Vendors

_PYTHON = re.compile(
    r"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import[ \t]+(\([^)]*\)|[^\n]+)|import[ \t]+([\w., \t]+))",
    re.MULTILINE,
)
_JAVASCRIPT = re.compile(
    r"""(?:\b(?:import|export)\s+(?P<names>[\w*\s{},$]{1,2000}?)\s*\bfrom\s*|\bimport\s*|\b(?:require|import)\s*\(\s*)["'](?P<module>[@\w][^"'\n]*)["']"""
)
_GO = re.compile(r'^[ \t]*(?:import[ \t]+)?(?:[\w.]+[ \t]+)?"([\w-]+(?:\.[\w-]+)+/[^"\n]+)"', re.MULTILINE)
_JAVA = re.compile(r"^[ \t]*import[ \t]+(?:static[ \t]+)?([\w.]+)", re.MULTILINE)
_PHP = re.compile(
    r"(?:^[ \t]*use[ \t]+(?:function[ \t]+)?|new[ \t]+|[\s(!,=.])\\?([A-Z]\w*(?:\\[A-Z]\w*)+|[A-Z]\w+(?=::))",
    re.MULTILINE,
)


def of_file(source: Source, file: File, vendors: Vendors) -> list[Import]:
    """Every SDK that the file uses, once each, where it is first named."""
    found: dict[tuple[str, str], Import] = {}
    for module, offset, vendor in _named(source, vendors):
        place = Place(file.path, source.line_of(offset))
        made = Import(vendor=vendor, module=module, place=place, language=source.language, role=file.role)
        found.setdefault((vendor, ""), made)
    return list(found.values())


def _named(source: Source, vendors: Vendors) -> Iterator[tuple[str, int, str]]:
    """(module, offset, vendor) of each import."""
    if source.language == "python":
        yield from _python(source.code, vendors)
    elif source.language == "javascript":
        for match in _JAVASCRIPT.finditer(source.code):
            yield from _with_names(
                vendors, "javascript", match["module"], match["names"] or "", match.start()
            )
    elif source.language == "ruby":
        pattern = _constants(tuple(sorted(vendors.modules("ruby"))))
        for match in pattern.finditer(source.code):
            constant = match[0].lstrip(":")
            yield constant, match.start(), vendors.of_module("ruby", constant)
    else:
        pattern = {"go": _GO, "java": _JAVA, "php": _PHP}[source.language]
        for match in pattern.finditer(source.code):
            vendor = vendors.of_module(
                source.language,
                match[1] + ("::" if source.language == "php" and "\\" not in match[1] else ""),
            )
            if vendor:
                yield match[1], match.start(1), vendor


def _python(code: str, vendors: Vendors) -> Iterator[tuple[str, int, str]]:
    for match in _PYTHON.finditer(code):
        if match[1]:
            yield from _with_names(vendors, "python", match[1], match[2], match.start())
        else:
            for part in match[3].split(","):
                module = part.split(" as ")[0].strip()
                vendor = vendors.of_module("python", module)
                if vendor:
                    yield module, match.start(), vendor


def _with_names(
    vendors: Vendors, language: str, module: str, names: str, offset: int
) -> Iterator[tuple[str, int, str]]:
    """An import of names from a module; some names belong to another vendor than their module."""
    imported = re.findall(r"\w+", names)
    others = [
        vendor.name
        for vendor in vendors.known.values()
        if any(name in imported for name in vendor.row.names.get(language, {}).get(module, ()))
    ]
    for vendor_name in others:
        yield module, offset, vendor_name
    vendor_name = vendors.of_module(language, module)
    if not vendor_name and language == "python":
        vendor_name = next(
            (v for name in imported if (v := vendors.of_module(language, f"{module}.{name}"))), ""
        )
    if vendor_name and not (others and len(imported) == 1):
        yield module, offset, vendor_name


@lru_cache(maxsize=4)
def _constants(modules: tuple[tuple[str, str], ...]) -> re.Pattern[str]:
    names = "|".join(
        re.escape(prefix) + ("" if prefix[-1] in ".:" else r"\b")
        for prefix, _ in sorted(modules, key=lambda m: -len(m[0]))
    )
    return re.compile(rf"(?<![\w:.@\"'/])(?:::)?(?:{names})|(?<=[\s(!,=\[]::)(?:{names})")
