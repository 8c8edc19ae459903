"""The policies of an integration as written -> as the gateway works with them (`core/service.py`). Durations become seconds.

Pure. Not for: judging them (`verify_flow.py`), nor what the catalog knows of a vendor (`merge.py`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from trunkline.core import flow

from .quantity import period_seconds, seconds
from .shape_flow import (
    Adaptive,
    Breaker,
    Cache,
    Fallback,
    Fallbacks,
    Hedge,
    Limit,
    Probe,
    Queue,
    Repair,
    Retry,
    Timeout,
)

JSON_TYPE = "application/json"
TEXT_TYPE = "text/plain; charset=utf-8"


def span(text: str, otherwise: float = 0.0) -> float:
    """Seconds of a duration, or of what holds where nothing is written."""
    return seconds(text) if text else otherwise


def timeout(own: Timeout | None, vendor: Timeout | None, default: flow.Timeouts) -> flow.Timeouts:
    """Key by key: the registry, else the catalog, else the default."""
    written = [one for one in (own, vendor) if one is not None]

    def pick(part: str, otherwise: float) -> float:
        return span(next((text for one in written if (text := getattr(one, part))), ""), otherwise)

    slow = next((one.slow_bytes for one in written if one.slow_bytes is not None), default.slow_bytes)
    return flow.Timeouts(
        connect=pick("connect", default.connect),
        first_byte=pick("first_byte", default.first_byte),
        idle=pick("idle", default.idle),
        total=pick("total", default.total),
        slow_bytes=slow,
        slow_for=pick("slow_for", default.slow_for),
    )


def limit(own: Limit) -> flow.Limit:
    """One limit toward the vendor."""
    return flow.Limit(
        requests=own.requests or 0,
        tokens=own.tokens or 0,
        input_tokens=own.input_tokens or 0,
        output_tokens=own.output_tokens or 0,
        usd=own.usd or 0.0,
        concurrency=own.concurrency or 0,
        per=period_seconds(own.per) if own.per else 0.0,
    )


def retry(own: Retry | None) -> flow.Retry:
    """How failed attempts are repeated."""
    own = own or Retry()
    return flow.Retry(
        attempts=own.attempts,
        backoff=seconds(own.backoff),
        backoff_max=seconds(own.backoff_max),
        budget=own.budget,
        budget_floor=own.budget_floor,
        slow=span(own.slow),
    )


def breaker(own: Breaker | None) -> flow.Breaker:
    """When a target is held back."""
    own = own or Breaker()
    return flow.Breaker(
        failures=own.failures,
        volume=own.volume,
        window=seconds(own.window),
        open_for=seconds(own.open_for),
        slow_after=span(own.slow_after),
        slow=own.slow,
        probes=own.probes,
        ramp=seconds(own.ramp),
    )


def queue(own: Queue | None) -> flow.Queue:
    """How calls wait."""
    own = own or Queue()
    return flow.Queue(
        wait=seconds(own.wait),
        size=own.size,
        ageing=seconds(own.ageing),
        patience=seconds(own.patience),
    )


def adaptive(own: Adaptive | None) -> flow.Adaptive:
    """Concurrency that follows the vendor."""
    own = own or Adaptive()
    return flow.Adaptive(enabled=own.enabled, floor=own.floor, ceiling=own.ceiling, decrease=own.decrease)


def cache(own: Cache | None) -> flow.Cache | None:
    """What is kept; None where nothing is declared."""
    if own is None:
        return None
    return flow.Cache(
        ttl=span(own.ttl),
        stale_while_revalidate=span(own.stale_while_revalidate),
        stale_if_error=span(own.stale_if_error),
        scope=own.scope,
    )


def hedge(own: Hedge | None) -> flow.Hedge | None:
    """The second request; None where nothing is declared."""
    if own is None:
        return None
    return flow.Hedge(after=span(own.after), usd_per_day=own.usd_per_day, share=own.share)


def repair(own: Repair | None, aliases: Mapping[str, str]) -> flow.Repair | None:
    """What may be mended; `aliases` leads from model names of the registry to `integration/model`."""
    if own is None:
        return None
    return flow.Repair(
        bigger_context=aliases.get(own.bigger_context, own.bigger_context),
        trim=own.trim or "",
        drop_unsupported=own.drop_unsupported,
        malformed_again=own.malformed_again,
    )


def probe(own: Probe | None, vendor: Probe | None) -> flow.Probe | None:
    """Key by key: the registry, else the catalog; None where there is no path, or where it is switched off."""
    own, vendor = own or Probe(), vendor or Probe()
    every, credential = own.every or vendor.every, vendor.credential
    if own.credential is not None:
        credential = own.credential
    path = own.path or vendor.path
    if not path or span(every, 1.0) <= 0:
        return None
    otherwise = flow.Probe()
    return flow.Probe(
        method=own.method or (None if own.path else vendor.method) or "GET",
        path=path,
        every=span(every, otherwise.every),
        timeout=span(own.timeout or vendor.timeout, otherwise.timeout),
        credential=credential is not False,
    )


def written_fallbacks(own: Fallbacks | None) -> list[Fallback]:
    """One or many, short or long: always the long form in a list."""
    if own is None:
        return []
    listed = own if isinstance(own, list) else [own]
    return [Fallback(kind="target", target=one) if isinstance(one, str) else one for one in listed]


def fallbacks(own: Fallbacks | None, aliases: Mapping[str, str]) -> list[flow.Fallback]:
    """What to do instead, in order; `aliases` as in `repair`."""
    return [_fallback(one, aliases) for one in written_fallbacks(own)]


def _fallback(own: Fallback, aliases: Mapping[str, str]) -> flow.Fallback:
    otherwise = flow.Fallback(kind=own.kind)
    return flow.Fallback(
        kind=own.kind,
        target=aliases.get(own.target, own.target),
        max_age=span(own.max_age),
        status=own.status or otherwise.status,
        content_type=own.content_type or (content_type(own.body) if own.body is not None else JSON_TYPE),
        body=body_text(own.body),
        deadline=span(own.deadline, otherwise.deadline),
        on=own.on,
    )


def body_text(body: Any) -> str:
    """The body of an answer as it is sent: text as it stands, all else as JSON."""
    if body is None:
        return ""
    return body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)


def content_type(body: Any) -> str:
    """JSON where the body is written as a mapping or list or has the look of one."""
    return JSON_TYPE if not isinstance(body, str) or body.lstrip()[:1] in ("{", "[") else TEXT_TYPE
