"""Cassettes: recorded calls with their answers, the timing of streams kept, nobody's data in them. One JSON file each, to be committed.

Not for: making calls (`cli/contract_tests.py`), nor serving them (`replay.py`).
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal
from urllib.parse import unquote

import msgspec

from trunkline.core.codec import DecodeError, ValidationError, from_json, json_decoder
from trunkline.ops.contracts.disguise import Disguise, is_somebodys, streamed_lines
from trunkline.wire.sse import Splitter, TooLong

FOLDER = "cassettes"
SENT = frozenset(("content-type", "accept"))
"""Header fields of a request that are kept; credentials are in none of them."""
TOLD = re.compile(
    r"content-type|retry-after(-ms)?|deprecation|sunset|warning|link|x-should-retry|(x-)?ratelimit.*|anthropic-ratelimit.*"
    r"|stripe-version|x-github-api-version-selected|x-shopify-api.*|x-api-warn|openai-version"
)


LONGEST_MS = 86_400_000.0
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_BREAKS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class CassetteInvalid(Exception):
    """A file is no cassette; says which, why, and the cure."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked."""

    method: str
    path: str
    query: str = ""
    headers: dict[str, str] = {}
    body: str = ""


class Piece(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A part of an answer: of a stream one event. `at_ms` since the request was sent."""

    at_ms: float
    text: str = ""
    base64: str = ""
    """Instead of `text`, where it is no UTF-8."""

    @property
    def content(self) -> bytes:
        return base64.b64decode(self.base64) if self.base64 else self.text.encode()


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """What was answered. `at_ms`: when its head came."""

    status: int
    at_ms: float
    headers: dict[str, str] = {}
    pieces: list[Piece] = []

    @property
    def body(self) -> bytes:
        return b"".join(piece.content for piece in self.pieces)

    @property
    def stream(self) -> bool:
        media = self.headers.get("content-type", "").lower()
        return media.startswith("text/event-stream") or streamed_lines(media)


class Cassette(msgspec.Struct, frozen=True, kw_only=True):
    """One recorded call."""

    cassette: Literal[1] = 1
    """Version of this format."""
    name: str
    integration: str
    api_version: str
    recorded: str
    """The day."""
    simulated: bool = False
    """Played by the simulator, so that it proves nothing of the vendor."""
    request: Request
    response: Response


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """A call as it was made and heard, before anything is taken out. `pieces`: milliseconds since it was sent, and bytes."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    status: int
    answered: Mapping[str, str]
    head_ms: float
    pieces: Sequence[tuple[float, bytes]]


_decoder: msgspec.json.Decoder[Cassette] = json_decoder(Cassette)


def made(
    name: str, integration: str, version: str, day: str, heard: Heard, disguise: Disguise, *, simulated: bool
) -> Cassette:
    """The cassette of a call, with nobody's data in it."""
    answered = {key.lower(): value for key, value in heard.answered.items()}
    asked = {key.lower(): value for key, value in heard.headers.items()}
    media = answered.get("content-type", "")
    return Cassette(
        name=name,
        integration=integration,
        api_version=version,
        recorded=day,
        simulated=simulated,
        request=Request(
            method=heard.method,
            path=disguise.path(heard.path),
            query=disguise.query(heard.query),
            headers={key: disguise.header(key, value) for key, value in asked.items() if key in SENT},
            body=disguise.body(heard.body, asked.get("content-type", "")).decode("utf-8", "replace"),
        ),
        response=Response(
            status=heard.status,
            at_ms=round(heard.head_ms, 1),
            headers={
                key: disguise.header(key, value) for key, value in answered.items() if TOLD.fullmatch(key)
            },
            pieces=list(_pieces(heard.pieces, media, disguise)),
        ),
    )


def _pieces(heard: Sequence[tuple[float, bytes]], media: str, disguise: Disguise) -> Iterator[Piece]:
    if streamed_lines(media):
        yield from _lines(heard, disguise)
        return
    if not media.lower().startswith("text/event-stream"):
        whole = b"".join(content for _, content in heard)
        if whole:
            yield _piece(heard[-1][0], disguise.body(whole, media))
        return
    splitter, at_ms = Splitter(), 0.0
    try:
        for at_ms, content in heard:
            for event in splitter.feed(content):
                yield _piece(at_ms, disguise.event(event.raw))
    except TooLong as problem:
        yield from (_piece(at_ms, disguise.event(event.raw)) for event in problem.events)
        return
    last = splitter.finish()
    if last is not None and heard:
        yield _piece(heard[-1][0], disguise.event(last.raw))


def _lines(heard: Sequence[tuple[float, bytes]], disguise: Disguise) -> Iterator[Piece]:
    """JSON lines, each at the time at which it was whole."""
    rest = b""
    for at_ms, content in heard:
        *whole, rest = (rest + content).split(b"\n")
        yield from (_piece(at_ms, disguise.line(line + b"\n")) for line in whole)
    if rest:
        yield _piece(heard[-1][0], disguise.line(rest))


def _piece(at_ms: float, content: bytes) -> Piece:
    try:
        return Piece(at_ms=round(at_ms, 1), text=content.decode())
    except UnicodeDecodeError:
        return Piece(at_ms=round(at_ms, 1), base64=base64.b64encode(content).decode())


def name_of(call: str) -> str:
    """A name for the cassette of a call: its method and path, without its query and without what in the path is somebody's."""
    method, _, path = call.strip().partition("?")[0].partition(" ")
    steps = ("{id}" if is_somebodys(unquote(step)) else step for step in path.strip().split("/"))
    return f"{method} {'/'.join(steps)}"


def slug(name: str) -> str:
    """A name as the name of a file; one without a letter that file names have everywhere is told from others by a mark."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:80]
    return plain or f"cassette-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def path_of(folder: Path, integration: str, name: str) -> Path:
    """Where a cassette lies."""
    return folder / slug(integration) / f"{slug(name)}.json"


def write(path: Path, cassette: Cassette) -> None:
    """Keeps a cassette, indented, so that its differences can be read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(cassette), indent=1) + b"\n")


def read(path: Path) -> Cassette:
    """One cassette. Raises CassetteInvalid."""
    cure = "Record it again with `trunkline contracts record`."
    try:
        content = path.read_bytes()
        one = _decoder.decode(content)
    except FileNotFoundError:
        raise CassetteInvalid(f"There is no cassette {path}. {cure}") from None
    except OSError as problem:
        raise CassetteInvalid(f"{path} cannot be read: {problem.strerror}.") from None
    except (ValidationError, DecodeError) as problem:
        raise CassetteInvalid(f"{path}{_why(content, problem)}. {cure}") from None
    if why := "; ".join(_wrong(one)):
        raise CassetteInvalid(f"{path} is no cassette: {why}. {cure}")
    return one


def _why(content: bytes, problem: Exception) -> str:
    """What is wrong with a file that cannot be decoded, with the line where that is known."""
    version = _version(content)
    if version not in (None, 1):
        return f": `cassette: {version}` is of another version of this format; this Trunkline reads 1"
    found = re.search(r"\(byte (\d+)\)", str(problem))
    line = f":{content.count(10, 0, int(found[1])) + 1}" if found else ""
    if re.search(rb"^(<{7}|={7}|>{7})", content, re.MULTILINE):
        return f"{line} holds marks of a merge that was not finished"
    return f"{line} is no cassette: {problem}"


def _version(content: bytes) -> object:
    try:
        tree = from_json(content)
    except DecodeError:
        return None
    return tree.get("cassette") if isinstance(tree, dict) else None


def _wrong(one: Cassette) -> Iterator[str]:
    """What can be read, but not served."""
    response = one.response
    if not 200 <= response.status <= 599:
        yield f"`response.status` is {response.status}, which no answer has"
    for number, piece in enumerate(response.pieces):
        try:
            base64.b64decode(piece.base64, validate=True)
        except ValueError:
            yield f"`response.pieces[{number}].base64` is no base64"
    times = [response.at_ms, *(piece.at_ms for piece in response.pieces)]
    if late := next((at_ms for at_ms in times if not 0 <= at_ms <= LONGEST_MS), None):
        yield f"`at_ms` is {late:g}, which is not between 0 and {LONGEST_MS:g}"
    for name, value in response.headers.items():
        if not _TOKEN.fullmatch(name) or _BREAKS.search(value):
            yield f"`response.headers` has {name[:40]!r}: {value[:40]!r}, which no answer may hold"


def folder(where: Iterable[Path]) -> list[tuple[Path, Cassette]]:
    """All cassettes in files and folders. Raises CassetteInvalid."""
    found = []
    for each in where:
        paths = sorted(each.rglob("*.json")) if each.is_dir() else [each]
        found += [(path, read(path)) for path in paths]
    return found
