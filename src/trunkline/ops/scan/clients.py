"""Where a file makes clients of SDKs, and whether they already lead through Trunkline.

How clients are made is data (`clients.yaml`). Not for: addresses in code (`hosts.py`), nor for writing the change (`changes.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Literal

import msgspec
import yaml

from .context import enclosed
from .found import Import, Place, Site
from .hosts import addresses, is_nobody
from .lexer import Source
from .tree import File
from .vendors import Vendors

TABLE = Path(__file__).with_name("clients.yaml")
ENV_READ = re.compile(
    r"""(?:\bprocess\.env|\bimport\.meta\.env|\bBun\.env|\bENV|\benviron|\$_ENV|\$_SERVER)
            (?:\.(?:get|fetch)\(\s*["']|\.|\[\s*["'])([A-Z][A-Za-z0-9_]+)
        | \b(?:getenv|Getenv|LookupEnv|env|env\.str|envsecret|config|get_env|require_env|requireEnv|getEnv
            |Deno\.env\.get|System\.getenv)\(\s*["']([A-Z][A-Z0-9_]+)["']""",
    re.VERBOSE,
)
"""Reading a variable of the environment, in any of the languages."""


STEP = re.compile(r"\s*(?:\.|->)\s*\w+\s*\(")
"""One step of a chain of calls."""


_VLLM = re.compile(r"://(?:localhost|127\.0\.0\.1|host\.docker\.internal):8000\b")
"""Where vLLM listens unless told; so does much else, so the file must speak of it."""


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way of making a client."""

    vendor: str
    language: str
    calls: list[str] = []
    required: str = ""
    """JavaScript: `require("x")(...)`."""
    assign: str = ""
    then: str = ""
    then_call: str = ""
    style: Literal["", "keywords", "object", "options", "builder"] = ""
    base: str = ""
    base_form: str = "%s"
    key: str = ""
    key_form: str = "%s"
    path: str | None = None
    own: str = ""
    old: dict[str, str] = {}
    needs: str = ""
    note: str = ""
    quote: bool = False
    """Keys of the object are quoted and joined by `=>`."""


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A place where a client is made, with what the change needs."""

    site: Site
    row: Row | None
    """None: a literal address that is called."""
    start: int
    """Offset of the call's name, the setting, or the address."""
    opening: int = -1
    """Offset of the bracket of its arguments."""
    closing: int = -1
    address: str = ""
    """The literal address that is called."""


def of_file(source: Source, file: File, imports: list[Import], vendors: Vendors) -> list[Made]:
    """Every client that the file makes. A name counts only where the file imports something of its vendor."""
    used = {one.vendor for one in imports}
    found: dict[int, Made] = {}
    for row in _rows().get(source.language, ()):
        if not _may_stand(row, source, used):
            continue
        for start, opening, shown in _places(row, source.code):
            if start not in found:
                found[start] = _made(row, source, file, vendors, start, opening, shown)
    return sorted(found.values(), key=lambda made: made.start)


def _may_stand(row: Row, source: Source, used: set[str]) -> bool:
    if row.needs and row.needs not in source.text:
        return False
    relatives = {row.vendor, *(("openai",) if row.vendor == "azure-openai" else ())}
    return (
        bool(relatives & used)
        or bool(row.required)
        or (source.language == "java" and not used.isdisjoint(relatives))
    )


def _places(row: Row, code: str) -> Iterator[tuple[int, int, str]]:
    """(offset, offset of the opening bracket or -1, what is shown of it)."""
    for match in _pattern(row).finditer(code):
        opening = match.end() - 1 if code[match.end() - 1] == "(" else -1
        yield match.start("it"), opening, match["it"]


@lru_cache(maxsize=256)
def _compiled(text: str) -> re.Pattern[str]:
    return re.compile(text)


def _pattern(row: Row) -> re.Pattern[str]:
    if row.assign:
        return _compiled(rf"(?<![\w.:$])(?P<it>{re.escape(row.assign)})\s*=(?![=>])")
    if row.required:
        return _compiled(rf"(?P<it>require\(\s*[\"']{re.escape(row.required)}[\"']\s*\))\s*\(")
    names = "|".join(re.escape(call) for call in sorted(row.calls, key=len, reverse=True))
    generic = r"(?:<[^<>()\n]{0,80}>)?" if row.language == "javascript" else ""
    ends = r"(?:\s*\(|(?=[ \t]+(?:do\b|[\w\"'@:])))" if row.language == "ruby" else r"\s*\("
    return _compiled(rf"(?<![\w$])(?:[\w$]+\.|\\?(?:\w+\\)*|::)?(?P<it>{names}){generic}{ends}")


def _made(
    row: Row, source: Source, file: File, vendors: Vendors, start: int, opening: int, shown: str
) -> Made:
    closing = enclosed(source.code, opening) if opening >= 0 else -1
    body = source.code[opening + 1 : closing] if closing > 0 else ""
    if row.style == "builder":
        body = _chain(source.code, closing + 1)
    vendor, host, through = _leads(row, body, vendors)
    if through and row.vendor == "openai" and _VLLM.search(body) and "vllm" in source.text.lower():
        vendor, host, through = "vllm", "", False
    through = through or (bool(row.assign) and _is_set_elsewhere(row, source.code, start))
    line = source.line_of(start)
    site = Site(
        vendor=vendor,
        host=host,
        place=Place(file.path, line),
        language=source.language,
        sdk=f"{shown}(...)" if opening >= 0 else shown,
        through=through,
        role=file.role,
        note=row.note,
    )
    return Made(site=site, row=row, start=start, opening=opening, closing=closing)


def _leads(row: Row, body: str, vendors: Vendors) -> tuple[str, str, bool]:
    """(vendor, literal host, whether it leads to no address of a vendor that is written here)."""
    base = given(row, body)
    if base is None:
        return row.vendor, "", False
    for match, host in addresses(base):
        vendor = vendors.of_host(host, int(match["port"] or 0))
        if vendor or not is_nobody(host):
            return vendor or "", host, False
        return row.vendor, host, True
    variable = ENV_READ.search(base)
    if variable is not None:
        name = variable[1] or variable[2]
        if "TRUNKLINE" in name.upper():
            return row.vendor, "", True
        return vendors.of_name(name) or row.vendor, "", False
    return row.vendor, "", True


def _is_set_elsewhere(row: Row, code: str, start: int) -> bool:
    """Whether a setting of the key goes with one of the address, or takes a key of Trunkline."""
    line = code[start : code.find("\n", start) if "\n" in code[start:] else len(code)]
    address = row.then or row.then_call
    return "TRUNKLINE" in line or bool(address and re.search(rf"(?<![\w.]){re.escape(address)}\s*[=(]", code))


def given(row: Row, body: str) -> str | None:
    """What is written as the address in arguments or a chain; None where nothing is."""
    names = [name for name in (row.base, row.old.get("base")) if name]
    for name in names:
        if row.style in ("builder", "options"):
            known = name.removeprefix("option.")  # its package may have another name in the file
            match = re.search(rf"(?<!\w){re.escape(known)}\s*\(", body)
            if match is not None:
                close = enclosed(body, match.end() - 1)
                return body[match.end() : close] if close > 0 else body[match.end() :]
        elif (
            match := re.search(rf"(?<![\w.])[\"']?{re.escape(name)}[\"']?\s*(?:=>|=(?!=)|:)", body)
        ) is not None:
            return body[match.end() : match.end() + 300].split("\n", maxsplit=1)[0]
    return None


def _chain(code: str, start: int) -> str:
    """The calls that follow one another from here: `.a(...).b(...)`."""
    at = start
    while (match := STEP.match(code, at)) is not None:
        close = enclosed(code, match.end() - 1)
        if close < 0:
            break
        at = close + 1
    return code[start:at]


@lru_cache(maxsize=1)
def _rows() -> dict[str, list[Row]]:
    tree = yaml.load(TABLE.read_text("utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 (a safe one)
    rows = msgspec.convert(tree, list[Row])
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.language, []).append(row)
    return found
