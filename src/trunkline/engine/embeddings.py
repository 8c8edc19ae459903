"""Several embedding requests as one, and its reply as theirs: order, usage and every digit as they would be alone. Pure.

Bodies are taken apart no deeper than needed; vectors, texts and fields that nobody here knows pass as they stand. Two dialects:
OpenAI's `POST /embeddings` (and the many that follow it), where requests must agree in all but `input`, and Gemini's `embedContent` and
`batchEmbedContents`, where each part of a merged request has its own settings. Not for: when to merge (`batch.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import msgspec

from trunkline.core.canonical import packed, parsed
from trunkline.core.codec import DecodeError, json_decoder, to_json

INPUTS_MAX = {"openai-embeddings": 128, "gemini-embed": 100}
"""Most inputs of a merged request unless the registry says otherwise. Google takes 100 (ai.google.dev/api/embeddings); OpenAI takes
2048, but a reply to that many would be longer than what we read of a model's reply."""
BYTES_MAX = 256 << 10
"""Of all inputs together; OpenAI takes 300,000 tokens in one request."""

_SINGLE, _MANY = b":embedContent", b":batchEmbedContents"
_members = json_decoder(dict[str, msgspec.Raw])
_items = json_decoder(list[dict[str, msgspec.Raw]])
_raws = json_decoder(list[msgspec.Raw])


class Part(NamedTuple):
    """One request as part of a merged one. Parts with the same `agrees` can be merged."""

    agrees: bytes
    inputs: list[msgspec.Raw]
    weights: list[int]
    """Of each input, for splitting usage: tokens where they are given, else bytes of its text."""


class Slice(NamedTuple):
    """A part's share of the reply: its body, and the share of each count of usage that the reply tells."""

    body: bytes
    usage: dict[str, Any]


def part(dialect: str, path: bytes, body: bytes) -> Part | None:
    """A request as a part; None for one that must go alone, e.g. because the vendor should be the one to refuse it."""
    try:
        if dialect == "gemini-embed":
            return _gemini_part(path, body)
        return _openai_part(body) if dialect == "openai-embeddings" else None
    except (ValueError, KeyError, DecodeError):
        return None


def _openai_part(body: bytes) -> Part | None:
    tree = parsed(body)
    given = tree.pop("input") if isinstance(tree, dict) else None
    if not given or not isinstance(given, str | list):
        return None
    raw = _members.decode(body)["input"]
    if isinstance(given, str):
        kind, inputs, weights = b"text", [raw], [_weight(raw)]
    elif all(isinstance(one, str) and one for one in given):
        kind, inputs = b"text", _raws.decode(raw)
        weights = [_weight(one) for one in inputs]
    elif all(_is_token(one) for one in given):
        kind, inputs, weights = b"tokens", [raw], [len(given)]
    elif all(isinstance(one, list) and one and all(_is_token(token) for token in one) for one in given):
        kind, inputs, weights = b"tokens", _raws.decode(raw), [len(one) for one in given]
    else:
        return None
    return Part(kind + packed(tree), inputs, weights)


def _is_token(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _weight(text: msgspec.Raw) -> int:
    return max(1, len(bytes(text)) - 2)


def _gemini_part(path: bytes, body: bytes) -> Part | None:
    parsed(body)  # nothing that could be read in two ways
    members = _members.decode(body)
    if path.endswith(_SINGLE):
        return Part(b"gemini", [msgspec.Raw(body)], [_weight(members["content"])])
    if set(members) != {"requests"}:
        return None
    requests = _raws.decode(members["requests"])
    if not requests:
        return None
    return Part(b"gemini", requests, [_weight(_members.decode(one)["content"]) for one in requests])


def merged(dialect: str, path: bytes, model: str, first: bytes, parts: Sequence[Part]) -> tuple[bytes, bytes]:
    """Path and body of the merged request. `first` is the body of the first part, whose settings are those of all."""
    inputs = [one for each in parts for one in each.inputs]
    if dialect == "gemini-embed":
        name = msgspec.Raw(to_json(f"models/{model}"))
        requests = [{**_members.decode(one), "model": name} for one in inputs]
        return path.replace(_SINGLE, _MANY), to_json({"requests": requests})
    members = _members.decode(first)
    members["input"] = msgspec.Raw(to_json(inputs))
    return path, to_json(members)


def renamed(body: bytes, model: str) -> bytes:
    """A request of Gemini's with the vendor's name of the model wherever it names one: it refuses those that differ from its path.
    Others stay as they are; so does what is no request.
    """
    if b'"model"' not in body:
        return body
    name = msgspec.Raw(to_json(f"models/{model}"))
    try:
        members = _members.decode(body)
        if "model" in members:
            members["model"] = name
        if "requests" in members:
            requests = [
                {**one, "model": name} if "model" in one else one
                for one in _items.decode(members["requests"])
            ]
            members["requests"] = msgspec.Raw(to_json(requests))
    except (DecodeError, UnicodeError, RecursionError):
        return body
    return to_json(members)


def split(dialect: str, path: bytes, body: bytes, parts: Sequence[Part]) -> list[Slice]:
    """The reply to a merged request as replies to its parts. Raises ValueError when it does not answer each input once."""
    try:
        members = _members.decode(body)
        return (
            _gemini_split(path, members, parts)
            if dialect == "gemini-embed"
            else _openai_split(members, parts)
        )
    except (DecodeError, KeyError, UnicodeError) as problem:
        raise ValueError(f"the reply to the merged request cannot be split: {problem}") from None


def _openai_split(members: dict[str, msgspec.Raw], parts: Sequence[Part]) -> list[Slice]:
    items = _items.decode(members["data"])
    count = sum(len(each.inputs) for each in parts)
    by_index = {int(bytes(item.get("index", b"%d" % n))): item for n, item in enumerate(items)}
    if len(items) != count or set(by_index) != set(range(count)):
        raise ValueError(f"{count} inputs were sent and {len(items)} embeddings came back")
    slices, at = [], 0
    for each, usage in zip(parts, _usages(members.get("usage"), parts), strict=True):
        own = [by_index[at + n] for n in range(len(each.inputs))]
        at += len(own)
        for n, item in enumerate(own):
            item["index"] = msgspec.Raw(b"%d" % n)
        told = {**members, "data": msgspec.Raw(to_json(own))}
        if "usage" in members:
            told["usage"] = msgspec.Raw(to_json(usage))
        slices.append(Slice(to_json(told), usage if isinstance(usage, dict) else {}))
    return slices


def _gemini_split(path: bytes, members: dict[str, msgspec.Raw], parts: Sequence[Part]) -> list[Slice]:
    items = _raws.decode(members.pop("embeddings"))
    count = sum(len(each.inputs) for each in parts)
    if len(items) != count:
        raise ValueError(f"{count} inputs were sent and {len(items)} embeddings came back")
    slices, at = [], 0
    for each, usage in zip(parts, _usages(members.get("usageMetadata"), parts), strict=True):
        own = items[at : at + len(each.inputs)]
        at += len(own)
        found: dict[str, Any] = {"embedding": own[0]} if path.endswith(_SINGLE) else {"embeddings": own}
        found |= members
        if "usageMetadata" in members:
            found["usageMetadata"] = usage
        slices.append(Slice(to_json(found), usage if isinstance(usage, dict) else {}))
    return slices


def _usages(told: msgspec.Raw | None, parts: Sequence[Part]) -> list[Any]:
    """Each part's share of the usage that a reply tells, whatever its members are."""
    if told is None:
        return [{}] * len(parts)
    weights = [sum(each.weights) for each in parts]
    return _shared(msgspec.json.decode(told), weights)


def _shared(value: Any, weights: Sequence[int]) -> list[Any]:
    if isinstance(value, dict):
        columns = {name: _shared(inner, weights) for name, inner in value.items()}
        return [{name: column[n] for name, column in columns.items()} for n in range(len(weights))]
    if isinstance(value, list):
        rows = [_shared(inner, weights) for inner in value]
        return [[row[n] for row in rows] for n in range(len(weights))]
    if isinstance(value, int) and not isinstance(value, bool):
        return list(shares(value, weights))
    if isinstance(value, float):
        return [float(Fraction(value) * weight / sum(weights)) for weight in weights]
    return [value] * len(weights)


def shares(total: int, weights: Sequence[int]) -> list[int]:
    """A count in proportion to weights; the sum is the total to the last one (largest remainders, first come first)."""
    whole = sum(weights)
    found = [total * weight // whole for weight in weights]
    rest = total - sum(found)
    order = sorted(range(len(weights)), key=lambda n: (-(total * weights[n] % whole), n))
    for n in order[:rest]:
        found[n] += 1
    return found
