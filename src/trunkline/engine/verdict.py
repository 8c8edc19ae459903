"""Is a 2xx answer really a success? Judges bodies that carry an error under a good status, and finish
reasons; pure.

`looks_right` runs on every reply of a model, so it decodes only the few top-level members that failures use
(everything else is skipped by the parser, which also proves that the body is valid JSON). Not for: which
failure it is (`classify.py`).
"""

from __future__ import annotations

from typing import Any

import msgspec

from trunkline.core.codec import DecodeError, decoded, json_decoder

UNREAD_BYTES = 256 << 10
"""A longer reply is believed when its two ends look like JSON: no error is that long."""


class _Message(msgspec.Struct, gc=False):
    content: msgspec.Raw = msgspec.Raw(b"")
    tool_calls: msgspec.Raw = msgspec.Raw(b"")


class _Choice(msgspec.Struct, gc=False):
    finish_reason: Any = None
    message: _Message | None = None


class _Candidate(msgspec.Struct, rename="camel", gc=False):
    finish_reason: Any = None
    content: msgspec.Raw = msgspec.Raw(b"")


class _Top(msgspec.Struct, gc=False):
    error: Any = None
    errors: Any = None
    ok: Any = None
    success: Any = None
    status: Any = None
    code: Any = None
    base_resp: Any = None
    choices: list[_Choice] | None = None
    candidates: list[_Candidate] | None = None
    stop_reason: Any = None
    prompt_feedback: Any = msgspec.field(default=None, name="promptFeedback")


_top: msgspec.json.Decoder[_Top] = json_decoder(_Top)
_BLOCKED = frozenset(
    (
        "content_filter",
        "SAFETY",
        "RECITATION",
        "LANGUAGE",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
    )
)


_CLEAN = _Top()
_SUSPICIOUS = frozenset(("error", "fail", "failed", "incomplete", "refusal"))
"""Values of `status` and `stop_reason` that ask for a closer look; others, such as a payment's state, say nothing."""


def looks_right(body: bytes, whole: bool) -> bool:
    """Whether a JSON body shows no sign of a failure. `whole`: it must be valid JSON, not merely no error."""
    if len(body) > UNREAD_BYTES:
        return body[:16].lstrip()[:1] in (b"{", b"[") and body[-16:].rstrip()[-1:] in (b"}", b"]")
    try:
        top = decoded(_top, body)
    except (DecodeError, RecursionError):
        return not whole and body[:16].lstrip()[:1] not in (b"{", b"[")
    if top.choices is not None:
        for choice in top.choices:
            if choice.finish_reason == "content_filter":
                return False
        top.choices = None
    # One comparison in C instead of ten here: nearly every success has none of these members.
    return top == _CLEAN or _unsuspicious(top)


def _unsuspicious(top: _Top) -> bool:
    if top.error or top.errors or top.base_resp is not None or top.prompt_feedback is not None:
        return False
    if any(c.finish_reason in _BLOCKED for c in top.candidates or ()):
        return False
    if top.ok is False or top.success is False or (isinstance(top.code, int) and top.code not in (0, 200)):
        return False
    return not any(
        isinstance(v, dict) or v in _SUSPICIOUS
        for v in (top.status, top.stop_reason)
        if not isinstance(v, list)
    )


def judge(tree: Any, method: str, model_call: bool) -> str:
    """What a parsed 2xx body is: empty for a success, a kind, or `?` for a failure whose kind stands in its
    codes.
    """
    if not isinstance(tree, dict):
        return ""
    if model_call and finish_kind(tree) == "content_policy" and not has_content(tree):
        return "content_policy"
    resource = method in ("GET", "HEAD") and ("id" in tree or "object" in tree)
    error = tree.get("error")
    if error and not resource and _is_error(error) and not tree.get("data") and not tree.get("choices"):
        return "?"
    if _graphql_failed(tree):
        return "?"
    if tree.get("ok") is False or tree.get("success") is False:
        return "?"
    base = tree.get("base_resp")
    if isinstance(base, dict) and base.get("status_code") not in (0, None):
        return "?"
    if isinstance(tree.get("status"), dict) and tree["status"].get("error"):
        return "?"
    if tree.get("status") == "error" and isinstance(tree.get("message"), str) and not resource:
        return "?"
    return "?" if _envelope_failed(tree) else ""


def _is_error(error: Any) -> bool:
    if isinstance(error, dict):
        return any(error.get(k) for k in ("message", "code", "type", "status", "msg"))
    return isinstance(error, str | list)


_GRAPHQL = frozenset(
    (
        "errors",
        "data",
        "extensions",
        "message",
        "success",
        "status",
        "code",
        "request_id",
        "requestId",
        "meta",
    )
)
"""Members of an answer that holds errors and nothing else; a list of results beside them makes it a partial
success."""


def _graphql_failed(tree: dict[str, Any]) -> bool:
    """A GraphQL answer without data. With some data it is a partial answer, and the caller's to judge."""
    errors = tree.get("errors")
    if (
        not isinstance(errors, list)
        or not errors
        or not isinstance(errors[0], dict)
        or "message" not in errors[0]
    ):
        return False
    if not _GRAPHQL.issuperset(tree):
        return False
    data = tree.get("data")
    return not data or (isinstance(data, dict) and all(value is None for value in data.values()))


def _envelope_failed(tree: dict[str, Any]) -> bool:
    """`{code, message, data}` with a code that is neither 0 nor 200."""
    code = tree.get("code")
    if not isinstance(code, int) or isinstance(code, bool) or code == 0 or 200 <= code < 300:
        return False
    return "data" in tree and isinstance(tree.get("message", tree.get("msg")), str)


def finish_kind(tree: Any) -> str:
    """The kind of failure that a model's finish reason amounts to, or empty; the reply itself is still the
    caller's to read.

    Dialects: OpenAI chat and Responses, Anthropic, Gemini, Bedrock.
    """
    if not isinstance(tree, dict):
        return ""
    reasons = [c.get("finish_reason") for c in _dicts(tree.get("choices"))]
    reasons += [c.get("finishReason") for c in _dicts(tree.get("candidates"))]
    reasons += [tree.get("stop_reason"), tree.get("stopReason")]
    details, feedback = tree.get("incomplete_details"), tree.get("promptFeedback")
    if isinstance(details, dict):
        reasons.append(details.get("reason"))
    if isinstance(feedback, dict) and feedback.get("blockReason"):
        return "content_policy"
    if any(
        r in _BLOCKED or r in ("refusal", "guardrail_intervened", "content_filtered")
        for r in reasons
        if isinstance(r, str)
    ):
        return "content_policy"
    if "model_context_window_exceeded" in reasons:
        return "context_too_long"
    if "MALFORMED_FUNCTION_CALL" in reasons:
        return "malformed_response"
    return (
        "content_policy"
        if any(
            (c.get("message") or {}).get("refusal")
            for c in _dicts(tree.get("choices"))
            if isinstance(c.get("message"), dict)
        )
        else ""
    )


def has_content(tree: dict[str, Any]) -> bool:
    """Whether a model's reply holds anything that it produced."""
    for choice in _dicts(tree.get("choices")):
        message = choice.get("message")
        if isinstance(message, dict) and (
            message.get("content") or message.get("tool_calls") or message.get("refusal")
        ):
            return True
        if choice.get("text"):
            return True
    for candidate in _dicts(tree.get("candidates")):
        content = candidate.get("content")
        if isinstance(content, dict) and content.get("parts"):
            return True
    output = tree.get("output")
    if isinstance(output, dict) and isinstance(output.get("message"), dict):
        return bool(output["message"].get("content"))
    return bool(tree.get("content")) or any(o.get("content") for o in _dicts(tree.get("output")))


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [v for v in value if isinstance(v, dict)] if isinstance(value, list) else []
