"""Parts of Gemini's contents, of requests and of answers, read into canonical ones. Source: ai.google.dev/api/caching#Part.

Google takes every name in camel case and in snake case; here all become camel case.
"""

from __future__ import annotations

import re
from typing import Any

from trunkline.core.conversation import Media, Opaque, Reasoning, Text, ToolCall, ToolResult, Untranslatable
from trunkline.plugins.adapters.carrier import read_thought, unpack
from trunkline.plugins.adapters.members import an_object, json_text, take_text

OWN = "gemini-generate"
_NAMES = """allowedFunctionNames cachedContent candidateCount codeExecution computerUse displayName fileData fileSearch fileUri
frequencyPenalty functionCall functionCallingConfig functionDeclarations functionResponse generationConfig googleSearch
googleSearchRetrieval includeThoughts inlineData maxOutputTokens mimeType parametersJsonSchema presencePenalty responseJsonSchema
responseLogprobs responseMimeType responseModalities responseSchema safetySettings serviceTier stopSequences systemInstruction
thinkingBudget thinkingConfig thinkingLevel thoughtSignature toolConfig topK topP urlContext"""
_CAMEL = {re.sub("[A-Z]", lambda m: "_" + m.group().lower(), name): name for name in _NAMES.split()}


def camel(said: dict[str, Any]) -> dict[str, Any]:
    """A copy with its own members (not those within) in camel case, as far as they are known here."""
    return {_CAMEL.get(name, name): value for name, value in said.items()}


def read_parts(value: Any, where: str) -> list[Any]:
    """A content's parts. Pieces of one thought, as a stream gives them, are one. Raises Untranslatable."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise Untranslatable(f"`{where}` is no list")
    parts: list[Any] = []
    for one in value:
        part = read_part(one, where)
        last = parts[-1] if parts else None
        if isinstance(part, Reasoning) and isinstance(last, Reasoning) and _goes_on(last, part):
            parts[-1] = _joined(last, part)
        else:
            parts.append(part)
    return parts


def _goes_on(last: Reasoning, part: Reasoning) -> bool:
    return not (last.signature or last.sealed) and last.origin == OWN and "thought" in part.form[-1]


def _joined(last: Reasoning, part: Reasoning) -> Reasoning:
    text = last.text + part.text + "".join(part.summary)
    if part.form[-1].get("thoughtSignature"):
        made = read_thought(text, part.form[-1]["thoughtSignature"], OWN)
    else:
        made = Reasoning(text=text, origin=OWN)
    made.form = [*last.form, *part.form]
    return made


def read_part(value: Any, where: str) -> Any:
    """One part."""
    said = camel(an_object(value, where))
    if said.get("thought") is True:
        found = read_thought(str(said.get("text") or ""), str(said.get("thoughtSignature") or ""), OWN)
        found.form = [said]
        return found
    signature = take_text(said, "thoughtSignature")
    if "text" in said:
        text = take_text(said, "text")
        if not text and signature:
            found = read_thought("", signature, OWN)
            found.form = [{"text": "", "thoughtSignature": signature}]
            return found
        return Text(text=text, signature=signature, extra=said)
    if "functionCall" in said:
        return _call(said, signature, where)
    if "functionResponse" in said:
        return _response(said, where)
    for name in ("inlineData", "fileData"):
        if name in said:
            return _media(said, name, where)
    return Opaque(dialect=OWN, value=value)


def _call(said: dict[str, Any], signature: str, where: str) -> ToolCall:
    inner = an_object(said.pop("functionCall"), f"{where}.functionCall")
    args = inner.pop("args", None)
    if args is not None and not isinstance(args, dict):
        raise Untranslatable(f"`{where}.functionCall.args` is no object")
    carried = unpack(signature)
    return ToolCall(
        id=take_text(inner, "id"),
        name=take_text(inner, "name"),
        arguments=json_text(args) if args is not None else "",
        signature=signature if carried is None else "",
        form="without args" if args is None else None,
        extra=said,
    )


def _response(said: dict[str, Any], where: str) -> ToolResult:
    inner = an_object(said.pop("functionResponse"), f"{where}.functionResponse")
    result = ToolResult(id=take_text(inner, "id"), name=take_text(inner, "name"), extra=said)
    answer = inner.pop("response", None)
    parts = inner.pop("parts", None)
    result.form = {
        **({"response": answer} if answer is not None else {}),
        **({"parts": parts} if parts is not None else {}),
        **inner,
    }
    if isinstance(answer, dict) and len(answer) == 1 and isinstance(next(iter(answer.values())), str):
        (name, text), *_ = answer.items()
        if name in ("output", "result", "error"):
            result.failed = name == "error"
            result.parts = [Text(text=text)]
    if not result.parts and answer is not None:
        result.parts = [Text(text=json_text(answer))]
    result.parts += [p for p in read_parts(parts, where) if isinstance(p, Text | Media | Opaque)]
    return result


def _media(said: dict[str, Any], name: str, where: str) -> Media:
    inner = camel(an_object(said.pop(name), f"{where}.{name}"))
    mime = take_text(inner, "mimeType")
    found = Media(kind=kind_of(mime), mime=mime, title=take_text(inner, "displayName"), extra=said)
    if name == "inlineData":
        found.data = take_text(inner, "data")
    else:
        uri = take_text(inner, "fileUri")
        if "generativelanguage.googleapis.com" in uri or not uri.startswith("http"):
            found.file = uri
        else:
            found.url = uri
    if inner:
        found.form = inner
    return found


def kind_of(mime: str) -> Any:
    """What a media type is."""
    kind = mime.partition("/")[0]
    return kind if kind in ("image", "audio", "video") else "document"
