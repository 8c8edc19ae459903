"""Everything that is found in one file of code: imports, clients, addresses, credentials, variables that are read.

Not for: settings files (`settings_files.py`), nor for what it means for the project as a whole (`gather.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from . import clients, hosts, imports
from .clients import ENV_READ, Made
from .context import Around, around
from .found import Credential, Host, Import, Place, Site
from .lexer import Language, Literal, Source, read
from .secrets_seen import PRIVATE_KEY, USERINFO, Forms, Keeper, Seen, is_placeholder, safe
from .tree import File
from .vendors import Vendors

LONGEST_VALUE = 2048
"""Of a text in code that may be a credential: room for a signed token."""


class InCode(msgspec.Struct, kw_only=True):
    """What one file of code shows."""

    imports: list[Import] = []
    made: list[Made] = []
    hosts: list[Host] = []
    credentials: list[Credential] = []


def look(file: File, language: Language, vendors: Vendors, keeper: Keeper, forms: Forms) -> InCode:
    """Reads one file."""
    source = read(file.text, language, file.path)
    found = InCode(imports=imports.of_file(source, file, vendors))
    found.made = clients.of_file(source, file, found.imports, vendors)
    found.imports += _led_by_name(found.made, file)
    _addresses(source, file, vendors, found)
    seen = {(one.name, one.line, one.value): one for one in (*valued(source, forms), *_read(source))}
    kept = [made for one in seen.values() if (made := keeper.kept(one, file, "source")) is not None]
    found.credentials = _once(kept)
    return found


def _led_by_name(made: list[Made], file: File) -> list[Import]:
    """Vendors that another vendor's SDK reaches by a variable: `OpenAI(base_url=os.environ["VLLM_BASE_URL"])`."""
    return [
        Import(
            vendor=one.site.vendor,
            module=f"{one.site.sdk} with its address",
            place=one.site.place,
            language=one.site.language,
            role=file.role,
        )
        for one in made
        if one.row is not None and one.site.vendor not in ("", one.row.vendor) and not one.site.host
    ]


def _addresses(source: Source, file: File, vendors: Vendors, found: InCode) -> None:
    inside = [(made.opening, made.closing, made) for made in found.made if made.closing > 0]
    sent: dict[str, list[int]] | None = None
    for literal in source.literals:
        if "://" not in literal.text and "." not in literal.text:
            continue
        near = None
        for match, host in hosts.addresses(literal.text) if "://" in literal.text else ():
            near = near or around(source.code, literal.start)
            sent = hosts.sent_names(source.code) if sent is None else sent
            is_sent = hosts.is_sent(near.name, literal.start, sent)
            called = hosts.judge(match, host, literal.text, near, vendors, sent=is_sent)
            if called is not None:
                _note(
                    source,
                    file,
                    literal,
                    called,
                    found,
                    is_argument=any(a < literal.start < b for a, b, _ in inside),
                )
        if (
            "://" not in literal.text
            and 6 <= len(literal.text) <= 100
            and literal.text.count(".") >= 1
            and "/" not in literal.text
        ):
            vendor = _bare(source, literal, vendors)
            if vendor:
                place = Place(file.path, source.line_of(literal.start))
                found.hosts.append(
                    Host(
                        host=literal.text.lower(),
                        vendor=vendor,
                        place=place,
                        role=file.role,
                        why="known API host",
                    )
                )


def _bare(source: Source, literal: Literal, vendors: Vendors) -> str:
    if not vendors.of_host(literal.text.lower()):
        return ""
    return hosts.bare(literal.text.lower(), around(source.code, literal.start), vendors)


def _note(
    source: Source, file: File, literal: Literal, called: hosts.Called, found: InCode, *, is_argument: bool
) -> None:
    start = literal.start + called.start
    place = Place(file.path, source.line_of(start))
    found.hosts.append(
        Host(
            host=called.host,
            scheme=called.scheme,
            port=called.port,
            path=called.path,
            vendor=called.vendor,
            place=place,
            role=file.role,
            why=safe(called.why),
            start=start,
        )
    )
    if is_argument or called.host.startswith("*"):
        return
    port = f":{called.port}" if called.port else ""
    address = f"{source.text[start : start + 8].split('://')[0]}://{called.host}{port}"
    site = Site(
        vendor=called.vendor,
        host=called.host,
        place=place,
        language=source.language,
        sdk=safe(address),
        role=file.role,
    )
    found.made.append(Made(site=site, row=None, start=start, address=address))


def valued(source: Source, forms: Forms) -> Iterator[Seen]:
    """Texts that may be credentials, with the name that they are given."""
    for offset, value in forms.places(source.text):
        near = around(source.code, offset)
        yield Seen(_telling(near), value, source.line_of(offset), False)
    for literal in source.literals:
        text = literal.text
        if literal.prose or not 10 <= len(text) <= LONGEST_VALUE or " " in text or not re.search(r"\d", text):
            continue
        if (with_user := USERINFO.search(text)) is not None and not is_placeholder(with_user[3]):
            yield Seen(f"{with_user[1]}_password", with_user[3], source.line_of(literal.start), True)
            continue
        if "://" in text or is_placeholder(text):
            continue
        near = around(source.code, literal.start)
        yield Seen(_telling(near), text.removeprefix("Bearer ").strip(), source.line_of(literal.start), False)
    for match in PRIVATE_KEY.finditer(source.text):
        yield Seen("private_key", match[0].replace("\\n", "\n"), source.line_of(match.start()), False)


def _telling(near: Around) -> str:
    """The name that a value is given. One or two letters say nothing: such a credential is better named by its vendor."""
    name = near.name or (near.keys[0] if near.keys else "")
    return name if len(name) > 2 else ""


def _read(source: Source) -> Iterator[Seen]:
    """Variables of the environment that the code reads."""
    for match in ENV_READ.finditer(source.code):
        yield Seen(match[1] or match[2], "", source.line_of(match.start()), True)


def _once(kept: list[Credential]) -> list[Credential]:
    """One value in one line is one credential, by the surest that is known of it."""
    best: dict[tuple[str, int, str], Credential] = {}
    for one in sorted(kept, key=lambda c: (c.by != "form", not c.name)):
        best.setdefault((one.place.path, one.place.line, one.mark or one.name), one)
    return sorted(best.values(), key=lambda c: c.place)
