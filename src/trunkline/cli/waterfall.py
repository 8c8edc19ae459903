"""One recorded call as text: its facts, then a line per attempt on a common scale of time. Pure."""

from __future__ import annotations

from typing import Any

from trunkline.core.pricing import KINDS, TOLD

WIDTH = 40


def lines(call: dict[str, Any]) -> list[str]:
    """The lines to print."""
    out = [f"{call['call_id']}  {call['state']}  {call['method']} {call['integration']}{call['path']}"]
    facts = (
        ("at", call["at"]),
        ("correlation", call["correlation_id"]),
        ("model", _model(call)),
        ("caller", " ".join(filter(None, (call["key_id"], call["team"], call["feature"])))),
        ("answer", f"{call['status'] or 'none'} {call['code']}".strip()),
        ("message", call["message"]),
        ("time", f"{_ms(call['duration_us'])}, of which Trunkline {_ms(call['overhead_us'])}{_queued(call)}"),
        ("tokens", _tokens(call)),
        ("cost", _cost(call)),
        *(("", _part(part)) for part in _parts(call)),
        ("price", call.get("price_id", "")),
        ("notes", "  ".join(call["notes"])),
        ("outcome", _resolution(call)),
    )
    out += [f"  {name:<12} {value}" for name, value in facts if value]
    attempts = call["attempts"]
    whole = max([call["duration_us"], *(a["offset_us"] + a["duration_us"] for a in attempts), 1])
    for attempt in attempts:
        out.append(f"  {_bar(attempt, whole)}  {_attempt(attempt)}")
    return out


def _bar(attempt: dict[str, Any], whole: int) -> str:
    """`.` before the attempt, `=` until its first byte, `#` from there to its end."""
    begin = attempt["offset_us"] * WIDTH // whole
    end = max(begin + 1, (attempt["offset_us"] + attempt["duration_us"]) * WIDTH // whole)
    first = attempt["first_byte_us"]
    middle = min(end, begin + max(1, first * WIDTH // whole)) if first else end
    drawn: str = "." * begin + "=" * (middle - begin) + "#" * (end - middle)
    return drawn.ljust(WIDTH)


def _attempt(attempt: dict[str, Any]) -> str:
    parts = [
        f"#{attempt['n']}",
        attempt["target"],
        str(attempt["status"] or "no answer"),
        _ms(attempt["duration_us"]),
    ]
    if attempt["first_byte_us"]:
        parts.append(f"first byte {_ms(attempt['first_byte_us'])}")
    parts += [attempt["code"], attempt["vendor_request_id"]]
    return "  ".join(part for part in parts if part)


def _model(call: dict[str, Any]) -> str:
    served = str(call["served_model"])
    return (
        f"{call['model']} (served by {served})"
        if served and served not in call["model"]
        else str(call["model"])
    )


def _tokens(call: dict[str, Any]) -> str:
    into, out = call["input_tokens"], call["output_tokens"]
    if not into and not out:
        return ""
    cached = f" ({call['cached_tokens']} cached)" if call["cached_tokens"] > 0 else ""
    return f"{_known(into)} in{cached}, {_known(out)} out"


def _known(tokens: int | None) -> str:
    return "unknown" if tokens is None else str(tokens)


def _cost(call: dict[str, Any]) -> str:
    if call["cost_usd"] is None or call["cost_usd"] < 0:
        return ""
    wasted = f", and thrown away ${call['wasted_usd']:.6f}" if call["wasted_usd"] > 0 else ""
    guessed = ", guessed: the vendor did not tell all of the usage" if call["usage_estimated"] else ""
    return f"${call['cost_usd']:.6f}{wasted}{guessed}"


def _parts(call: dict[str, Any]) -> list[dict[str, Any]]:
    """Of which a cost is made, where that says more than the cost itself."""
    parts: list[dict[str, Any]] = call.get("cost_parts", [])
    return [] if [part["what"] for part in parts] == [TOLD] else parts


def _part(part: dict[str, Any]) -> str:
    tokens = part["what"] in KINDS
    what = f"{part['units']:>10,} {part['what']}{' tokens' if tokens else ''}"
    if part["unit_usd"] is None:
        return f"{what}, which have no price and are not in the cost"
    price = f"${part['unit_usd'] * 1e6:.10g} a million" if tokens else f"${part['unit_usd']:.10g} each"
    return f"{what} at {price} = ${part['cost_usd']:.9f}"


def _queued(call: dict[str, Any]) -> str:
    return f", after {_ms(call['queued_us'])} in the queue" if call["queued_us"] else ""


def _resolution(call: dict[str, Any]) -> str:
    if not call["resolution"]:
        return ""
    note = f": {call['resolution_note']}" if call["resolution_note"] else ""
    return f"{call['resolution']}, says {call['resolved_by']}{note}"


def _ms(micros: int) -> str:
    return f"{micros / 1e6:.2f} s" if micros >= 1_000_000 else f"{micros / 1000:.1f} ms"
