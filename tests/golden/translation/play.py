"""One conversation in every pair of dialects: a caller that speaks one, a vendor that speaks the other, a whole gateway in between.

A case is a folder with `case.yaml`: what callers of each dialect ask, and what vendors answer, whole and streamed: by hand, or as one
`answer` that `speakers.py` puts into the other vendors' shapes. Beside it stands one file per pair with what comes out.
`python -m tests.golden.translation.play [case ...]` writes these anew; read the difference before you commit it. A dialect joins by its
parts in the `case.yaml` files, a line in INGRESS and one in VENDORS (`vendors.py`).
Not for: judging it (`test_translation_golden.py`).
"""

from __future__ import annotations

import asyncio
import json
import sys
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.golden.translation.speakers import SPEAKERS
from tests.golden.translation.vendors import INGRESS, VENDORS, Vendor, meet
from trunkline.core.dialects import LINES
from trunkline.core.price import Price
from trunkline.core.service import Dialect, ErrorShape, Model, Service
from trunkline.engine.frames import frames_of
from trunkline.registry import catalog
from trunkline.testing import Heard, Sent, Trial, answers, service

FOLDER = Path(__file__).parent
PRICE = Price(input=1.0, output=4.0, cached=0.5)
ABOUT_ATTEMPTS = ("x-trunkline-max-attempts", "1")


MODEL_IN_PATH = frozenset(("gemini-generate", "gemini-embed"))
NAMED_EVENTS = frozenset(("anthropic-messages", "openai-responses", "cohere-chat"))
MATRIX = (
    "text", "tools", "parallel-tools", "tool-stream", "image", "document", "reasoning-1", "reasoning-2", "reasoning-3",
    "structured-output", "refusal", "length", "error-before", "error-in-stream", "cache-usage",
)  # fmt: skip
"""Cases that every caller that talks has with every vendor; the others are about some pairs alone."""
EMBED_MATRIX = ("embed-one", "embed-many", "embed-error")
"""The same of those that embed."""


class Case(NamedTuple):
    """One conversation."""

    name: str
    about: str
    requests: dict[str, Any]
    replies: dict[str, Any]
    streams: dict[str, list[Any]]
    models: dict[str, str]
    headers: dict[str, str]
    answer: Any = None

    def reply(self, vendor: Vendor) -> Any:
        """What a vendor answers in one piece; None: nothing in this case."""
        by_hand = self.replies.get(vendor.name, self.replies.get(_spoken(vendor)))
        if (
            by_hand is not None
            or self.answer is None
            or vendor.name not in SPEAKERS
            or "fails" in self.answer
        ):
            return by_hand
        return SPEAKERS[vendor.name](self.answer)[0]

    def stream(self, vendor: Vendor) -> list[Any] | None:
        """What it answers in events."""
        by_hand = self.streams.get(vendor.name, self.streams.get(_spoken(vendor)))
        if by_hand is not None or self.answer is None or vendor.name not in SPEAKERS:
            return by_hand
        return SPEAKERS[vendor.name](self.answer)[1]


def _spoken(vendor: Vendor) -> str:
    """Under which dialect a case holds a vendor's answers; empty: only under its name."""
    return "" if vendor.name in SPEAKERS else vendor.dialect


def load(folder: Path) -> Case:
    """A case as its file tells it."""
    said = yaml.load((folder / "case.yaml").read_text(encoding="utf-8"), yaml.CSafeLoader)
    return Case(
        folder.name,
        said["about"],
        said["request"],
        said.get("reply", {}),
        said.get("stream", {}),
        said.get("models", {}),
        said.get("headers", {}),
        said.get("answer"),
    )


CASES = [load(path.parent) for path in sorted(FOLDER.glob("*/case.yaml"))]


def pairs(case: Case) -> list[tuple[str, str]]:
    """Ingress and vendor of all golden files of a case: every dialect that it has words of, but to itself."""
    return [
        (ingress, name)
        for ingress in INGRESS
        for name, vendor in VENDORS.items()
        if ingress in case.requests
        and ingress != vendor.dialect
        and meet(ingress, vendor)
        and (case.reply(vendor) is not None or case.stream(vendor) is not None)
    ]


def golden(case: Case, ingress: str, vendor: str) -> Path:
    """The file of a pair."""
    return FOLDER / case.name / f"{ingress}-to-{vendor}.json"


def framed(dialect: str, events: list[Any]) -> bytes:
    """Events of a stream as a dialect frames them."""
    if dialect in LINES:
        return b"".join(json.dumps(event, ensure_ascii=False).encode() + b"\n" for event in events)
    out = b""
    for event in events:
        data = (
            event if isinstance(event, str) else json.dumps(event, ensure_ascii=False, separators=(",", ":"))
        )
        name = f"event: {event['type']}\n" if dialect in NAMED_EVENTS else ""
        end = "\r\n\r\n" if dialect.startswith("gemini") else "\n\n"
        out += f"{name}data: {data}{end}".encode()
    return out


def unframed(body: bytes) -> list[Any]:
    """A stream as a list of its events, names included where they are told."""
    if body.startswith(b"{"):
        return [_loads(line) for line in body.splitlines()]
    out: list[Any] = []
    for event in body.decode().replace("\r\n", "\n").split("\n\n"):
        lines = dict(line.split(": ", 1) for line in event.split("\n") if line and not line.startswith(":"))
        if "data" in lines:
            data = _loads(lines["data"]) if lines["data"] != "[DONE]" else lines["data"]
            out.append({"event": lines["event"], "data": data} if "event" in lines else data)
        elif event.startswith(":"):
            out.append(event)
    return out


_entry = cache(catalog.entry)


def services(case: Case, vendor: Vendor) -> list[Service]:
    """The vendor as the registry would tell of it, with the catalog's rules for its failures."""
    entry = _entry(vendor.vendor)
    return [
        service(
            vendor.vendor,
            vendor=vendor.vendor,
            auth=vendor.auth,
            headers=list(vendor.headers),
            dialects=[Dialect(name=vendor.dialect, path=vendor.path)],
            models=[Model(id=model_of(case, vendor), price=PRICE)],
            errors=entry.errors,
            error_shape=entry.error_shape or ErrorShape(),
        )
    ]


def said_of_streams(ingress: str, stream: bool) -> dict[str, bool]:
    """How a caller asks for a stream, or for none: those of lines stream unless told otherwise."""
    wanted = {"stream": False} if ingress in LINES else {"stream": True}
    return wanted if stream is (ingress not in LINES) else {}


def model_of(case: Case, vendor: Vendor) -> str:
    """Cases about what only some models do name theirs."""
    return case.models.get(_spoken(vendor), vendor.model)


async def call(case: Case, ingress: str, vendor: Vendor, stream: bool) -> tuple[Trial, Sent | None, Heard]:
    """One call; what the vendor got is None where it was not asked."""
    trial = Trial(services=services(case, vendor))
    events = framed(vendor.dialect, case.stream(vendor) or []) if stream else b""
    if stream:

        def play(sent: Sent) -> None:
            sent.begin(200, (b"content-type", frames_of(vendor.dialect).media), (b"request-id", b"req-1"))
            sent.piece(events)
            sent.end()

        trial.wire.plays.append(play)
    else:
        answer = case.reply(vendor)
        status, body = (
            (answer["status"], answer["body"]) if "status" in answer and "body" in answer else (200, answer)
        )
        fields = ((b"content-type", b"application/json"), (b"request-id", b"req-1"))
        trial.wire.plays.append(answers(status, json.dumps(body, ensure_ascii=False).encode(), *fields))
    model = model_of(case, vendor)
    asked = dict(case.requests[ingress])
    if ingress not in MODEL_IN_PATH:
        asked = {"model": f"{vendor.vendor}/{model}", **asked, **said_of_streams(ingress, stream)}
    body = json.dumps(asked, ensure_ascii=False).encode()
    lines = [("x-correlation-id", "golden-1"), ("content-type", "application/json"), ABOUT_ATTEMPTS]
    target = INGRESS[ingress](f"{vendor.vendor}/{model}", stream)
    heard = await trial.ask("POST", target, body, *lines, *case.headers.items())
    return trial, trial.wire.sent[0] if trial.wire.sent else None, heard


async def played(case: Case, ingress: str, name: str) -> dict[str, Any]:
    """What comes out for a pair."""
    vendor, out = VENDORS[name], dict[str, Any]()
    whole: dict[str, Any] = {}
    if case.reply(vendor) is not None:
        trial, sent, heard = await call(case, ingress, vendor, stream=False)
        whole = json.loads(sent.body) if sent is not None else {}
        out["vendor_gets"] = {**_head(sent), "body": whole}
        out["report"] = _field(heard, "x-trunkline-translation")
        out["caller_gets"] = {"status": heard.status, "body": _body(heard)}
        out["record"] = _record(trial)
    if case.stream(vendor) is not None:
        trial, sent, heard = await call(case, ingress, vendor, stream=True)
        body = json.loads(sent.body) if sent is not None else {}
        other = {member: value for member, value in body.items() if whole.get(member) != value}
        told = unframed(heard.body) if heard.status == 200 else _body(heard)
        out["streamed"] = {
            "vendor_gets": {**_head(sent), "body": other},
            "caller_gets": {"status": heard.status, "events": told},
            "record": _record(trial),
        }
    return out


def _head(sent: Sent | None) -> dict[str, Any]:
    if sent is None:
        return {"target": None}
    lines = [line.decode() for line in sent.head.split(b"\r\n")[1:] if line]
    ours = (
        "host:",
        "content-length:",
        "accept-encoding:",
        "x-correlation-id:",
        "authorization:",
        "x-api-key:",
        "x-goog-api-key:",
        "api-key:",
    )
    return {"target": sent.target.decode(), "headers": [line for line in lines if not line.startswith(ours)]}


def _field(heard: Heard, name: str) -> str:
    value = heard.field(name.encode())
    return value.decode() if value is not None else ""


def _body(heard: Heard) -> Any:
    try:
        return _loads(heard.body)
    except ValueError:
        return heard.body.decode()


def _loads(text: str | bytes) -> Any:
    """Sums of money without the noise of their last digits."""
    return json.loads(text, parse_float=lambda number: round(float(number), 12))


def _record(trial: Trial) -> dict[str, Any]:
    end = trial.ends[0]
    told = {
        "state": end.state,
        "error": end.code,
        "input": end.input_tokens,
        "output": end.output_tokens,
        "cached": end.cached_tokens,
        "cache_write": end.cache_write_tokens,
        "reasoning": end.reasoning_tokens,
        "cost_usd": round(end.cost_usd, 12),
        "notes": end.notes,
    }
    return {name: value for name, value in told.items() if value not in ("", 0)}


def pretty(value: Any, depth: int = 0) -> str:
    """JSON with what fits on a line on one, so that eyes can follow."""
    flat = json.dumps(value, ensure_ascii=False)
    if len(flat) + depth <= 140 or not isinstance(value, dict | list) or not value:
        return flat
    start, end = "\n" + " " * (depth + 1), "\n" + " " * depth
    if isinstance(value, list):
        return "[" + ",".join(start + pretty(one, depth + 1) for one in value) + end + "]"
    return (
        "{"
        + ",".join(f"{start}{json.dumps(k)}: {pretty(v, depth + 1)}" for k, v in value.items())
        + end
        + "}"
    )


async def record(wanted: list[str]) -> None:
    """Writes what comes out now into all files of these cases, or of all."""
    for case in CASES:
        if wanted and case.name not in wanted:
            continue
        for ingress, name in pairs(case):
            told = await played(case, ingress, name)
            golden(case, ingress, name).write_text(pretty(told) + "\n", encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(record(sys.argv[1:]))
