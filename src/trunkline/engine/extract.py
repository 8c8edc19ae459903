"""What does a vendor's answer say? Finds message, codes, field and request id in whatever shape the body has;
pure.

JSON of every shape of the reference (problem+json, error objects, error lists, GraphQL, FastAPI details,
gRPC, envelopes), XML with `<Code>` or a SOAP fault, the HTML page of a CDN, plain text. Not for: deciding
what it means (`classify.py`).
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from trunkline.core.codec import DecodeError, from_json
from trunkline.core.service import ErrorShape
from trunkline.engine.pointer import found, scalar

PARSED_BYTES = 1 << 20
"""A longer body is not parsed; its first `SEEN_BYTES` are looked at as text."""
SEEN_BYTES = 64 << 10
MESSAGE_CHARS = 2000


class Facts(NamedTuple):
    """What was found. `shape` names where (empty: nothing known was recognized); `codes` are in order of
    weight.
    """

    shape: str = ""
    tree: Any = None
    message: str = ""
    codes: tuple[str, ...] = ()
    param: str = ""
    request_id: str = ""
    status: int = 0
    """An HTTP status that the body itself claims; it weighs more than the one outside."""


_ID_FIELDS = (
    b"x-request-id",
    b"request-id",
    b"x-amzn-requestid",
    b"x-amz-request-id",
    b"x-github-request-id",
    b"x-goog-request-id",
    b"apim-request-id",
    b"x-ms-request-id",
    b"dg-request-id",
    b"x-slack-req-id",
    b"x-notion-request-id",
    b"twilio-request-id",
    b"x-hubspot-correlation-id",
    b"x-shopify-request-id",
    b"x-correlation-id",
    b"x-trace-id",
    b"cf-ray",
)
_ID_NAMES = (
    "request_id",
    "requestId",
    "requestID",
    "RequestId",
    "correlationId",
    "correlation_id",
    "trace_id",
    "traceId",
)


def request_id(fields: Mapping[bytes, bytes], names: tuple[bytes, ...] = ()) -> str:
    """The vendor's own id of the request, from the header fields (`names` before the known ones)."""
    for name in names + _ID_FIELDS:
        value = fields.get(name)
        if value:
            return value.decode("latin-1")[:200]
    return ""


def read(shape: ErrorShape, fields: Mapping[bytes, bytes], body: bytes) -> Facts:
    """Everything that an answer says about a failure. Never raises."""
    kind = fields.get(b"content-type", b"").lower()
    facts = _from_body(kind, body)
    if isinstance(facts.tree, dict | list):
        facts = _unwrapped(_by_shape(shape, facts))
    header_code = fields.get(b"x-amzn-errortype") or fields.get(b"x-error-code") or fields.get(b"dg-error")
    if header_code:
        code = header_code.decode("latin-1").split(":")[0].split("#")[-1].strip()
        if _CODE.fullmatch(code):
            facts = facts._replace(codes=_unique(code, *facts.codes), shape=facts.shape or "header")
    named = fields.get(b"x-error-message")
    if named and not facts.message:
        facts = facts._replace(message=named.decode("latin-1")[:MESSAGE_CHARS], shape=facts.shape or "header")
    grpc = fields.get(b"grpc-status", b"")
    if grpc.isdigit() and len(grpc) < 3 and int(grpc):
        text = fields.get(b"grpc-message", b"").decode("latin-1")
        facts = facts._replace(
            codes=_unique(GRPC.get(int(grpc), ""), *facts.codes),
            message=facts.message or text[:MESSAGE_CHARS],
            shape=facts.shape or "grpc",
        )
    return facts


def _from_body(kind: bytes, body: bytes) -> Facts:
    start = body[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start:
        return Facts()
    if start[:1] in (b"{", b"[", b'"') and len(body) <= PARSED_BYTES:
        try:
            return from_tree(from_json(body.removeprefix(b"\xef\xbb\xbf")), b"problem+json" in kind)
        except (DecodeError, RecursionError, UnicodeError):
            pass
    text = body[:SEEN_BYTES].decode("utf-8", "replace").strip()
    if start[:1] == b"<":
        return _from_markup(text)
    if start[:1] in (b"{", b"["):
        return Facts(message=_brief(text))
    if len(text) <= 1000 and b"\x00" not in body[:SEEN_BYTES]:
        return Facts("text", message=_brief(text))
    return Facts(message=_brief(text))


def _by_shape(shape: ErrorShape, facts: Facts) -> Facts:
    """Lets the vendor's own pointers overrule what was found by general rules."""

    def first(pointers: list[str]) -> str:
        return next((s for p in pointers for v in found(facts.tree, p) if (s := flat(v))), "")

    message, param, identity = first(shape.message), first(shape.param), first(shape.request_id)
    codes = [
        scalar(v)
        for p in (*shape.code, *shape.type)
        for v in found(facts.tree, p)
        if not isinstance(v, dict | list)
    ]
    if not message and not codes:
        return facts._replace(param=param or facts.param, request_id=identity or facts.request_id)
    return facts._replace(
        shape="vendor",
        message=message[:MESSAGE_CHARS] or facts.message,
        codes=_unique(*codes, *facts.codes),
        param=param or facts.param,
        request_id=identity or facts.request_id,
    )


GRPC = {
    1: "CANCELLED",
    2: "UNKNOWN",
    3: "INVALID_ARGUMENT",
    4: "DEADLINE_EXCEEDED",
    5: "NOT_FOUND",
    6: "ALREADY_EXISTS",
    7: "PERMISSION_DENIED",
    8: "RESOURCE_EXHAUSTED",
    9: "FAILED_PRECONDITION",
    10: "ABORTED",
    11: "OUT_OF_RANGE",
    12: "UNIMPLEMENTED",
    13: "INTERNAL",
    14: "UNAVAILABLE",
    15: "DATA_LOSS",
    16: "UNAUTHENTICATED",
}
_CODE = re.compile(r"[A-Za-z0-9_.:/#-]{1,120}")
_MESSAGES = (
    "message",
    "Message",
    "msg",
    "error_message",
    "errorMessage",
    "ErrorMessage",
    "err_msg",
    "error_msg",
    "detail",
    "details",
    "description",
    "error_description",
    "reason",
    "title",
    "faultstring",
    "status_msg",
    "text",
)
_CODES = (
    "code",
    "Code",
    "error_code",
    "errorCode",
    "err_code",
    "type",
    "error_type",
    "errorType",
    "status",
    "reason",
    "category",
    "name",
    "__type",
    "status_code",
    "kind",
)
_EMPTY_CODES = frozenset(
    ("error", "fail", "failed", "failure", "about:blank", "blank", "unknown", "null", "none")
)
_PARAMS = ("param", "parameter", "field", "pointer", "path", "attribute", "loc", "property")


def from_tree(tree: Any, problem: bool = False) -> Facts:
    """Facts of a parsed JSON body, trying the known shapes in order."""
    if isinstance(tree, list):
        inner = next((t for t in tree if isinstance(t, dict)), None)
        if inner is None:
            return Facts("", tree, flat(tree)[:MESSAGE_CHARS])
        return from_tree(inner)._replace(tree=inner if "error" in inner else tree)
    if not isinstance(tree, dict):
        return Facts("text", tree, flat(tree)[:MESSAGE_CHARS])
    for name, where in _shapes(tree, problem):
        facts = _facts(name, where, tree)
        if facts is not None:
            return _unwrapped(facts)
    return Facts("", tree)


_TOLD = ("message", "Message", "msg", "err_msg", "error_message", "errorMessage")
_CODED = ("__type", "err_code", "error_code", "errorCode")


def _shapes(tree: dict[str, Any], problem: bool) -> Iterator[tuple[str, Any]]:
    """The places where an error may stand, best first."""
    if problem or ("title" in tree and ("detail" in tree or "status" in tree) and "errors" not in tree):
        yield "problem", tree
    for key in ("error", "Error"):
        if isinstance(tree.get(key), dict | list):
            yield "error", tree[key]
    if isinstance(tree.get("error"), str):
        yield "error-text", tree
    for key in ("errors", "Errors"):
        if tree.get(key):
            yield "errors", tree[key]
    yield from _nested(tree)
    if any(key in tree for key in _TOLD):
        yield "message", tree
    if "detail" in tree:
        yield "detail", tree["detail"]
    if any(key in tree for key in _CODED):
        yield "message", tree


def _nested(tree: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    data, status = tree.get("data"), tree.get("status")
    if isinstance(data, dict) and data.get("error"):
        yield "data-error", data["error"]
    for key in ("notification", "base_resp", "fault"):
        if isinstance(tree.get(key), dict):
            yield key, tree[key]
    if isinstance(status, dict) and status.get("error"):
        yield "status-error", status["error"]


def _facts(name: str, where: Any, tree: dict[str, Any]) -> Facts | None:
    item = where
    if isinstance(where, list):
        item = next((w for w in where if w), None)
    if item is None:
        return None
    if name == "error-text":
        return _error_text(tree)
    if name == "errors" and isinstance(item, dict) and all(isinstance(v, list) for v in item.values()):
        field = next(iter(item))
        message, codes, param = f"{field}: {flat(item[field])}", [], field
    elif isinstance(item, dict):
        message = next((text for key in _MESSAGES if (text := flat(item.get(key)))), "")
        codes = list(_codes(name, item))
        param = next((text for key in _PARAMS if (text := _field(item.get(key)))), "") or _field(
            (item.get("source") or {}) if isinstance(item.get("source"), dict) else None
        )
        if not message and not codes:
            message = flat(item)
            param = param or next(iter(item), "")
    else:
        message, codes, param = flat(item), [], ""
        if _CODE.fullmatch(message) and not message.isdigit():
            codes = [message]
    if not message and not codes:
        return None
    outer = [] if item is tree else [c for c in _codes("", tree) if c not in ("error", "fail", "failed")]
    return Facts(
        name,
        tree,
        message[:MESSAGE_CHARS],
        _unique(*codes, *outer),
        param,
        _id_in(tree),
        _status(name, item, tree),
    )


def _error_text(tree: dict[str, Any]) -> Facts:
    """`{"error": "text or code"}`, with `error_description` or `message` beside it (OAuth 2, Slack, Hugging
    Face, Spring).
    """
    text: str = tree["error"]
    beside = next(
        (
            t
            for key in ("error_description", "message", "detail", "details", "error_msg", "msg")
            if (t := flat(tree.get(key)))
        ),
        "",
    )
    is_code = bool(_CODE.fullmatch(text))
    codes = [
        scalar(tree[k])
        for k in ("code", "error_code", "errorCode", "error_type", "type")
        if isinstance(tree.get(k), str | int)
    ]
    message = beside or text
    codes = [text, *codes] if is_code or (beside and len(text) < 60) else codes
    return Facts(
        "error-text",
        tree,
        message[:MESSAGE_CHARS],
        _unique(*codes),
        _field(tree.get("field")),
        _id_in(tree),
        _status("", {}, tree),
    )


def _codes(name: str, item: dict[str, Any]) -> Iterator[str]:
    extensions = item.get("extensions")
    if isinstance(extensions, dict) and isinstance(extensions.get("code"), str):
        yield extensions["code"]
    details = item.get("details")
    if isinstance(details, dict) and isinstance(details.get("error_code"), str):
        yield details["error_code"]
    for listed in (details, item.get("errors"), item.get("violations")):
        for entry in listed if isinstance(listed, list) else ():
            if isinstance(entry, dict) and isinstance(entry.get("reason"), str):
                yield entry["reason"]
    for key in _CODES:
        value = item.get(key)
        if (
            isinstance(value, str)
            and value
            and len(value) < 200
            and not (name == "problem" and key == "status")
        ):
            short = (
                value.split("#")[-1]
                if key == "__type"
                else value.rstrip("/").rsplit("/", 1)[-1]
                if name == "problem" and key == "type"
                else value
            )
            if (
                short.lower() not in _EMPTY_CODES
                and _CODE.fullmatch(short)
                and not (key == "status" and short.isdecimal())
            ):
                yield short
        elif (
            isinstance(value, int)
            and not isinstance(value, bool)
            and key in ("code", "Code", "error_code", "errorCode", "err_code", "status_code")
        ):
            yield GRPC[value] if value in GRPC and isinstance(item.get("details"), list) else str(value)
    inner = item.get("innererror")
    if isinstance(inner, dict) and isinstance(inner.get("code"), str):
        yield inner["code"]


def _status(name: str, item: dict[str, Any] | Any, tree: dict[str, Any]) -> int:
    """An HTTP status of 400 to 599 claimed in the body."""
    spots = [tree.get("statusCode"), tree.get("status"), tree.get("status_code"), tree.get("code")]
    if isinstance(item, dict):
        spots = [
            item.get("code"),
            item.get("status"),
            item.get("statusCode"),
            item.get("status_code"),
            item.get("http_status_code"),
            *spots,
        ]
    numbers = (int(v) if isinstance(v, str) and v.isdecimal() and len(v) == 3 else v for v in spots)
    return next((n for n in numbers if isinstance(n, int) and 400 <= n <= 599), 0)


def _unwrapped(facts: Facts) -> Facts:
    """Gateways put the vendor's own JSON, as a string, into their message or metadata: look into it, once."""
    raw = next(found(facts.tree, "/error/metadata/raw"), None)
    for text in (facts.message, raw):
        if not isinstance(text, str) or text[:1] not in ("{", "["):
            continue
        try:
            inner = from_json(text)
        except (DecodeError, RecursionError):
            continue
        inner = inner[0] if isinstance(inner, list) and inner else inner
        if not isinstance(inner, dict):
            continue
        for name, where in _shapes(inner, False):
            within = _facts(name, where, inner)
            if within is not None:
                codes = _unique(*within.codes, *facts.codes)
                return facts._replace(
                    message=within.message,
                    codes=codes,
                    param=within.param or facts.param,
                    status=within.status or facts.status,
                )
    return facts


def flat(value: Any) -> str:
    """A message as text, whether it comes as text, object or list of either."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, dict):
        inner = next((text for key in _MESSAGES if (text := flat(value.get(key)))), "")
        if inner:
            return inner
        return "; ".join(
            f"{k}: {text}"
            for k, v in list(value.items())[:5]
            if isinstance(v, str | list) and (text := flat(v))
        )
    if isinstance(value, list):
        return "; ".join(text for v in value[:5] if (text := flat(v)))
    return ""


def _field(value: Any) -> str:
    if isinstance(value, str):
        return value[:200]
    if isinstance(value, list) and value and all(isinstance(v, str | int) for v in value):
        return ".".join(str(v) for v in value)[:200]
    if isinstance(value, dict):
        return _field(value.get("pointer") or value.get("parameter"))
    return ""


def _id_in(tree: dict[str, Any]) -> str:
    for place in (tree, tree.get("error"), tree.get("extensions")):
        if isinstance(place, dict):
            for name in _ID_NAMES:
                value = place.get(name)
                if isinstance(value, str) and value:
                    return value[:200]
    return ""


def _unique(*codes: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(c for c in codes if c))[:8]


_TAG = {
    name: re.compile(rf"<(?:\w{{1,20}}:)?(?:{name})(?:\s[^>]{{0,200}})?>([^<]{{0,4000}})</", re.IGNORECASE)
    for name in (
        "Code|faultcode|Value",
        "Message|faultstring|Text|Reason",
        "RequestId|RequestID",
        "title",
        "h1",
    )
}
_XML = re.compile(r"<(?:\w{1,20}:)?(?:Error|ErrorResponse|Fault|Envelope|Errors|Response)\b")
_CDN_CODE = re.compile(r"\b(?:error code:? ?|Error )(1\d{3}|5\d\d)\b", re.IGNORECASE)


def _from_markup(text: str) -> Facts:
    def inside(name: str) -> str:
        hit = _TAG[name].search(text)
        return html.unescape(" ".join(hit[1].split())) if hit is not None else ""

    lower = text[:300].lower()
    if (
        "<!doctype html" in lower
        or "<html" in lower
        or ("<?xml" not in lower and not _XML.search(text[:2000]))
    ):
        title = inside("title") or inside("h1")
        hit = _CDN_CODE.search(text[:4000])
        return Facts("html", None, title[:300], (hit[1],) if hit else ())
    code, message = inside("Code|faultcode|Value"), inside("Message|faultstring|Text|Reason")
    if not code and not message:
        return Facts("", None, _brief(re.sub(r"<[^>]{0,400}>", " ", text[:4000])))
    return Facts(
        "xml",
        None,
        message[:MESSAGE_CHARS] or code,
        _unique(code.split(":")[-1], code),
        request_id=inside("RequestId|RequestID")[:200],
    )


def _brief(text: str) -> str:
    return " ".join(text[:MESSAGE_CHARS].split())[:500]
