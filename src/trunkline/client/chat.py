"""Model calls as OpenAI Chat Completions, which Trunkline translates for every other vendor: requests made, answers read. Pure.

Not for: sending (`aio.py`).
"""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass
from typing import Any

import msgspec

from trunkline.client.answers import About, Chunk, Completion, Embeddings, ToolCall, Usage
from trunkline.client.errors import IntegrationError, from_event
from trunkline.core.codec import DecodeError, from_json, to_json

Prompt = str | Sequence[Mapping[str, Any]]
"""A text, or messages as OpenAI has them: `{"role": "user", "content": ...}`."""
Schema = type | Mapping[str, Any]
"""A msgspec.Struct, dataclass, TypedDict or pydantic model, or a JSON Schema."""


def request(
    model: str,
    prompt: Prompt,
    *,
    system: str | None = None,
    schema: Schema | None = None,
    tools: Sequence[Mapping[str, Any]] | None = None,
    stream: bool = False,
    **options: Any,
) -> bytes:
    """The body of a call. `options` go in as they are, None is left out. Raises ValueError and TypeError for what is no prompt."""
    if not model:
        raise ValueError(f"model must be a name, e.g. 'openai/gpt-5-mini', not {model!r}")
    body: dict[str, Any] = {"model": model, "messages": _messages(prompt, system)}
    if tools:
        body["tools"] = [_tool(one) for one in tools]
    if schema is not None:
        body["response_format"] = {"type": "json_schema", "json_schema": _format(schema)}
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    body |= {name: value for name, value in options.items() if value is not None}
    return encoded(body)


def encoded(body: Any) -> bytes:
    """JSON to send. Raises ValueError for text that is none and for numbers that are none, TypeError for what JSON cannot say."""
    try:
        plain = msgspec.to_builtins(body)
        odd = _no_number(plain)
        if odd is not None:
            raise ValueError(
                f"{odd[0].lstrip('.') or 'the body'} is {odd[1]}, which JSON cannot say; leave it out, or send null"
            )
        return to_json(plain)
    except UnicodeEncodeError as problem:
        raise half_character(problem) from None


def _no_number(value: Any) -> tuple[str, float] | None:
    """Where NaN or an infinity stands, and which: written as JSON they would become null in silence."""
    if isinstance(value, float):
        return None if math.isfinite(value) else ("", value)
    inside: Iterable[tuple[str, Any]] = ()
    if isinstance(value, dict):
        inside = ((f".{name}", one) for name, one in value.items())
    elif isinstance(value, list | tuple):
        inside = ((f"[{n}]", one) for n, one in enumerate(value))
    for name, one in inside:
        if (found := _no_number(one)) is not None:
            return name + found[0], found[1]
    return None


def half_character(problem: UnicodeEncodeError) -> ValueError:
    """A text with one half of a surrogate pair, told so that its author can mend it."""
    half = problem.object[problem.start : problem.start + 1]
    return ValueError(
        f"a text of the call holds half of a character ({half!a}), which cannot be sent; was it cut within an emoji? "
        "text.encode('utf-16', 'surrogatepass').decode('utf-16', 'replace') mends it"
    )


def completion(body: bytes, about: About, schema: Schema | None) -> Completion:
    """Reads a whole answer. Raises IntegrationError `malformed_response` for what is none, and for an answer that does not fit `schema`."""
    try:
        said = from_json(body)
        choice = said["choices"][0]
        message = choice["message"]
        calls = tuple(_call(one) for one in message.get("tool_calls") or ())
        text = _text(message.get("content"))
        return Completion(
            text=text,
            model=str(said.get("model") or ""),
            stop=str(choice.get("finish_reason") or ""),
            usage=usage(said.get("usage")),
            tool_calls=calls,
            reasoning=str(message.get("reasoning_content") or ""),
            refusal=str(message.get("refusal") or ""),
            parsed=_parsed(text, schema) if schema is not None and text and not calls else None,
            about=about,
            message=message,
        )
    except (DecodeError, LookupError, TypeError, AttributeError, ValueError) as problem:
        raise malformed(about, f"the answer is no chat completion that fits: {problem}") from None


@dataclass(slots=True)
class Gathering:
    """A streamed answer while it comes."""

    about: About
    schema: Schema | None = None
    text: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    refusal: list[str] = field(default_factory=list)
    calls: dict[int, dict[str, str]] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    """Members of the message that only come whole, e.g. `reasoning_details`."""
    model: str = ""
    stop: str = ""
    usage: Usage = field(default_factory=Usage)
    ended: bool = False

    def take(self, data: str) -> Chunk | None:
        """One event's data. Raises IntegrationError for an error event."""
        if data == "[DONE]":
            self.ended = True
            return None
        try:
            said = from_json(data)
        except DecodeError as problem:
            raise malformed(self.about, f"a stream event is no JSON: {problem}") from None
        if not isinstance(said, dict):
            return None
        if said.get("error"):
            raise from_event(said, self.about.correlation_id)
        self.model = said.get("model") or self.model
        if said.get("usage"):
            self.usage = usage(said["usage"])
        choices = said.get("choices") or ()
        return self._grow(choices[0]) if choices else None

    def _grow(self, choice: Mapping[str, Any]) -> Chunk | None:
        self.stop = choice.get("finish_reason") or self.stop
        delta = choice.get("delta") or {}
        text, thought = _text(delta.get("content")), str(delta.get("reasoning_content") or "")
        for piece, kept in (
            (text, self.text),
            (thought, self.reasoning),
            (delta.get("refusal"), self.refusal),
        ):
            if piece:
                kept.append(piece)
        if delta.get("reasoning_details"):
            self.extra.setdefault("reasoning_details", []).extend(delta["reasoning_details"])
        for one in delta.get("tool_calls") or ():
            self._call(one)
        return Chunk(text, thought) if text or thought else None

    def _call(self, piece: Mapping[str, Any]) -> None:
        call = self.calls.setdefault(int(piece.get("index") or 0), {"id": "", "name": "", "arguments": ""})
        function = piece.get("function") or {}
        call["id"] = piece.get("id") or call["id"]
        call["name"] += function.get("name") or ""
        call["arguments"] += function.get("arguments") or ""

    def whole(self) -> Completion:
        """The answer once the stream has ended."""
        text = "".join(self.text)
        calls = tuple(ToolCall(**self.calls[n]) for n in sorted(self.calls))
        message: dict[str, Any] = {"role": "assistant", "content": text or None, **self.extra}
        if calls:
            message["tool_calls"] = [
                {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": c.arguments}}
                for c in calls
            ]
        try:
            parsed = _parsed(text, self.schema) if self.schema is not None and text and not calls else None
        except (ValueError, TypeError) as problem:
            raise malformed(self.about, f"the answer does not fit the schema: {problem}") from None
        return Completion(
            text=text,
            model=self.model,
            stop=self.stop,
            usage=self.usage,
            tool_calls=calls,
            reasoning="".join(self.reasoning),
            refusal="".join(self.refusal),
            parsed=parsed,
            about=self.about,
            message=message,
        )


def embedding_request(model: str, texts: Sequence[str], dimensions: int | None, **options: Any) -> bytes:
    """The body of an embedding call."""
    if not texts or not all(texts):
        raise ValueError("embed_text takes one or more texts, none of them empty")
    body: dict[str, Any] = {"model": model, "input": list(texts), "encoding_format": "float", **options}
    return encoded(body if dimensions is None else {**body, "dimensions": dimensions})


def embeddings(body: bytes, about: About) -> Embeddings:
    """Reads vectors into the order of the texts. Raises IntegrationError `malformed_response`."""
    try:
        said = from_json(body)
        rows = sorted(said["data"], key=lambda row: row.get("index", 0))
        vectors = tuple(_vector(row["embedding"]) for row in rows)
        return Embeddings(vectors, str(said.get("model") or ""), usage(said.get("usage")), about)
    except (DecodeError, LookupError, TypeError, AttributeError, ValueError, struct.error) as problem:
        raise malformed(about, f"the answer holds no embeddings: {problem}") from None


def _vector(said: Any) -> tuple[float, ...]:
    """Numbers, or, where the caller wanted `encoding_format="base64"`, four bytes each."""
    if isinstance(said, str):
        packed = base64.b64decode(said, validate=True)
        return struct.unpack(f"<{len(packed) // 4}f", packed)
    return tuple(float(x) for x in said)


def usage(said: Any) -> Usage:
    """OpenAI's usage object; zeros for what it does not say."""
    if not isinstance(said, dict):
        return Usage()
    return Usage(
        input=_count(said.get("prompt_tokens")),
        output=_count(said.get("completion_tokens")),
        cached=_count((said.get("prompt_tokens_details") or {}).get("cached_tokens")),
        reasoning=_count((said.get("completion_tokens_details") or {}).get("reasoning_tokens")),
    )


def malformed(about: About, message: str) -> IntegrationError:
    """An answer that is not what was promised."""
    return IntegrationError(
        message[:500],
        source=about.integration or "trunkline",
        code="malformed_response",
        correlation_id=about.correlation_id,
        status=200,
    )


def _messages(prompt: Prompt, system: str | None) -> list[Mapping[str, Any]]:
    first: list[Mapping[str, Any]] = [{"role": "system", "content": system}] if system else []
    if isinstance(prompt, str):
        return [*first, {"role": "user", "content": prompt}]
    given: Any = prompt
    messages = [] if isinstance(given, bytes | bytearray) else list(given)
    if not messages:
        raise ValueError("the prompt holds no message; it is a text (str), or a list of messages")
    for one in messages:
        if not isinstance(one, Mapping) or "role" not in one:
            raise ValueError("a prompt is a text, or messages like {'role': 'user', 'content': '...'}")
    return [*first, *messages]


def _tool(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    """`{"name", "description", "parameters"}` is enough; OpenAI's own form passes."""
    return tool if "type" in tool else {"type": "function", "function": dict(tool)}


def _format(schema: Schema) -> dict[str, Any]:
    if isinstance(schema, Mapping):
        return {"name": str(schema.get("title") or "answer"), "schema": schema, "strict": True}
    own = getattr(schema, "model_json_schema", None)
    if own is not None:
        return {"name": schema.__name__, "schema": _closed(own()), "strict": True}
    if not (is_dataclass(schema) or hasattr(schema, "__struct_fields__") or hasattr(schema, "__total__")):
        raise TypeError(
            f"schema {schema!r} is no msgspec.Struct, dataclass, TypedDict, pydantic model or JSON Schema"
        )
    (made,), parts = msgspec.json.schema_components([schema], ref_template="#/$defs/{name}")
    inlined = parts.pop(schema.__name__, made)
    return {
        "name": schema.__name__,
        "schema": _closed({**inlined, "$defs": parts} if parts else inlined),
        "strict": True,
    }


def _closed(schema: Any) -> Any:
    """Strict schemas allow no further members and want every one (OpenAI, structured outputs)."""
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    told = {name: _closed(value) for name, value in schema.items() if name != "default"}
    if told.get("type") == "object" and isinstance(told.get("properties"), dict):
        told |= {"additionalProperties": False, "required": list(told["properties"])}
    return told


def _parsed(text: str, schema: Schema) -> Any:
    if isinstance(schema, Mapping):
        return from_json(text)
    own = getattr(schema, "model_validate_json", None)
    return own(text) if own is not None else msgspec.json.decode(text, type=schema)


def _text(content: Any) -> str:
    """Content is a text, or parts of which some are."""
    if isinstance(content, list):
        return "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    return str(content or "")


def _call(one: Mapping[str, Any]) -> ToolCall:
    function = one.get("function") or one.get("custom") or {}
    arguments = function.get("arguments") or function.get("input") or ""
    return ToolCall(str(one.get("id") or ""), str(function.get("name") or ""), arguments)


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0
