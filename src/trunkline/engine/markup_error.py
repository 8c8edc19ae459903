"""Finds an error in a body that is XML (`<Code>`, a SOAP fault) or the HTML page of a CDN; pure.

By patterns, since such bodies are cut, mixed and rarely well-formed. Not for: JSON (`json_error.py`).
"""

from __future__ import annotations

import html
import re

from trunkline.engine.facts import MESSAGE_CHARS, Facts, brief, unique

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


def from_markup(text: str) -> Facts:
    """Facts of a body that begins with `<`."""

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
        return Facts("", None, brief(re.sub(r"<[^>]{0,400}>", " ", text[:4000])))
    return Facts(
        "xml",
        None,
        message[:MESSAGE_CHARS] or code,
        unique(code.split(":")[-1], code),
        request_id=inside("RequestId|RequestID")[:200],
    )
