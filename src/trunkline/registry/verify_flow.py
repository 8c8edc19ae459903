"""Errors about the policies of an integration: times, limits, caches, repairs that cannot work as written.

Not for: what else is called instead (`verify_fallback.py`), nor what bounds callers (`verify_bounds.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from trunkline.core.dialects import KIND_OF, kinds

from .address import judge
from .catalog import Entry
from .document import Place
from .findings import did_you_mean, one_of
from .item import Item
from .layer import Scribe
from .merge import completed
from .quantity import period_seconds, seconds
from .shape import Defaults, Integration
from .shape_flow import Cache
from .shape_vendor import Model, Operation

HOUR, DAY = 3600.0, 86400.0
LONGEST_PERIOD_S = 30 * DAY
QUANTITIES = ("requests", "tokens", "input_tokens", "output_tokens", "usd", "concurrency")


class Range(NamedTuple):
    """From and to which a duration may be, as people write it; `zero`: `0s` has a meaning of its own."""

    least: str
    most: str
    zero: bool = False


RANGES: dict[str, dict[str, Range]] = {
    "timeout": {
        "connect": Range("1ms", "5m"),
        "first_byte": Range("1ms", "1d"),
        "idle": Range("1ms", "1d"),
        "total": Range("1ms", "1d"),
        "slow_for": Range("1s", "1h"),
    },
    "retry": {
        "backoff": Range("1ms", "10m"),
        "backoff_max": Range("1ms", "1h"),
        "slow": Range("1ms", "1d"),
    },
    "breaker": {
        "window": Range("100ms", "1h"),
        "open_for": Range("1ms", "1h"),
        "slow_after": Range("1ms", "1h", zero=True),
        "ramp": Range("1ms", "1h", zero=True),
    },
    "queue": {
        "wait": Range("1ms", "1h", zero=True),
        "ageing": Range("1ms", "1h"),
        "patience": Range("1ms", "1h", zero=True),
    },
    "cache": {
        "ttl": Range("1ms", "365d", zero=True),
        "stale_while_revalidate": Range("1ms", "365d", zero=True),
        "stale_if_error": Range("1ms", "365d", zero=True),
    },
    "hedge": {"after": Range("1ms", "10m", zero=True)},
    "probe": {"every": Range("5s", "1d", zero=True), "timeout": Range("100ms", "1m")},
    "shedding": {"loop_lag": Range("10ms", "10s")},
    "drills": {"every": Range("1h", "365d")},
    "samples": {"keep": Range("1m", "7d")},
    "stored_responses": {"keep": Range("1m", "90d")},
}
"""Key -> its durations and their ranges."""


def verify_flow(item: Item) -> None:
    """Writes every error about the policies of one integration."""
    for check in (_times, _limits, _caches, _repair, _speak, _batching, _status_pages):
        check(item)


def verify_defaults(defaults: Defaults, scribe: Scribe) -> None:
    """Writes every error about what holds for all integrations."""
    for at, message, cure, value in range_faults(defaults):
        scribe.error(("defaults", *at), "bad-value", message, cure, value=value)


def range_faults(owner: Any) -> Iterator[tuple[Place, str, str, str]]:
    """(place below the owner, message, cure, value) of each duration of a policy of `owner` that is out of range."""
    for key, parts in RANGES.items():
        policy = getattr(owner, key, None)
        for part, bounds in parts.items():
            text = getattr(policy, part, "")
            if text and (cure := out_of(bounds, text)):
                yield (key, part), f"`{text}` is out of range.", cure, text
    retry, adaptive = getattr(owner, "retry", None), getattr(owner, "adaptive", None)
    if retry is not None and seconds(retry.backoff) > seconds(retry.backoff_max):
        said = f"The first pause ({retry.backoff}) is longer than the longest ({retry.backoff_max})."
        yield ("retry",), said, "Raise `backoff_max`.", retry.backoff
    if adaptive is not None and adaptive.floor > adaptive.ceiling:
        said = f"`floor` ({adaptive.floor}) is above `ceiling` ({adaptive.ceiling})."
        yield ("adaptive",), said, "Lower `floor`.", str(adaptive.floor)


def out_of(bounds: Range, text: str) -> str:
    """The cure for a duration that is out of its range; empty when it is within."""
    at = seconds(text)
    if seconds(bounds.least) <= at <= seconds(bounds.most) or (bounds.zero and at == 0):
        return ""
    return f"Give {bounds.least} to {bounds.most}{', or 0s' if bounds.zero else ''}."


def _times(item: Item) -> None:
    for at, message, cure, value in range_faults(item.own):
        item.fault(at, "bad-value", message, cure, value=value)
    probe = item.own.probe
    if probe and probe.every and probe.timeout and 0 < seconds(probe.every) < seconds(probe.timeout):
        said = f"A probe may take {probe.timeout} but is made every {probe.every}."
        item.fault(("probe", "timeout"), "bad-value", said, "Lower `timeout`.", value=probe.timeout)


def _limits(item: Item) -> None:
    for n, limit in enumerate(item.own.limits or []):
        for at, message, cure in limit_faults(limit, QUANTITIES):
            item.fault(("limits", n, *at), "bad-limit", message, cure)
        if limit.usd is not None and not any(model.price for model in _models(item.own, item.entry)):
            said = f"No model of `{item.name}` has a price, so that this limit would never count anything."
            item.fault(
                ("limits", n, "usd"), "unpriced", said, "Give its `models` a `price`, or limit `requests`."
            )


def limit_faults(limit: Any, quantities: tuple[str, ...]) -> Iterator[tuple[Place, str, str]]:
    """(place, message, cure) of each fault of a limit that must have exactly one quantity, and a period save with `concurrency`."""
    given = [name for name in quantities if getattr(limit, name) is not None]
    if len(given) != 1:
        cure = "Write e.g. `{requests: 100, per: 1m}` or `{concurrency: 8}`; several limits may stand beside each other."
        yield (), f"A limit has exactly one of {', '.join(f'`{name}`' for name in quantities)}.", cure
    elif given == ["concurrency"] and limit.per:
        yield ("per",), "`concurrency` has no period.", "Remove `per`."
    elif given != ["concurrency"] and not limit.per:
        yield (), f"`{given[0]}` needs a period.", "Add e.g. `per: 1m`."
    if limit.per and not 1 <= period_seconds(limit.per) <= LONGEST_PERIOD_S:
        yield ("per",), f"The period `{limit.per}` is out of range.", "Give 1s to 30d, or `month`."


def _models(own: Integration, entry: Entry | None) -> list[Model]:
    return [*own.models, *(entry.models if entry else ())]


def _caches(item: Item) -> None:
    if item.own.cache is not None:
        _keeps(item, ("cache",), item.own.cache)
    for n, model in enumerate(item.own.models):
        if model.cache is not None:
            _keeps(item, ("models", n, "cache"), model.cache)
            for below, message, cure, value in range_faults(model):
                item.fault(("models", n, *below), "bad-value", message, cure, value=value)
    theirs = item.entry.operations if item.entry else []
    for n, operation in enumerate(completed(item.own.operations, theirs)):
        if operation.cache is None:
            continue
        at: Place = ("operations", n, "cache")
        _keeps(item, at, operation.cache)
        for below, message, cure, value in range_faults(operation):
            item.fault((*at[:-1], *below), "bad-value", message, cure, value=value)
        if acts(operation) and not _is_model_call(item, operation):
            said = f"`{operation.name}` ({operation.method}) acts: an answer from the cache would act on nothing."
            cure = "Remove `cache`; or say `repeat: always` if it only reads or computes."
            item.fault(at, "cached-act", said, cure, value=operation.name, at_key=True)


def acts(operation: Operation) -> bool:
    """Whether an operation changes something at the vendor: not a read, nor a POST that may be repeated at will."""
    if operation.method in ("GET", "HEAD", "OPTIONS"):
        return False
    return operation.method != "POST" or operation.repeat != "always"


def _is_model_call(item: Item, operation: Operation) -> bool:
    dialects = (*item.own.dialects, *(item.entry.dialects if item.entry else ()))
    return operation.path in {dialect.path for dialect in dialects}


def _keeps(item: Item, at: Place, cache: Cache) -> None:
    times = (cache.ttl, cache.stale_while_revalidate, cache.stale_if_error)
    if not any(text and seconds(text) > 0 for text in times):
        item.fault(at, "bad-value", "This cache keeps nothing.", "Add e.g. `ttl: 5m`.", at_key=True)


def _repair(item: Item) -> None:
    repair = item.own.repair
    if repair is None:
        return
    if not _dialects(item.own, item.entry):
        said = f"`{item.name}` serves no AI wire format; only model calls can be mended."
        item.fault(
            ("repair",), "unused-key", said, "Remove `repair`, or declare its `dialects`.", at_key=True
        )


def _speak(item: Item) -> None:
    known = [name for name in _dialects(item.own, item.entry) if name in KIND_OF]
    if not item.own.speak or item.own.speak in known:
        return
    said = f"`{item.name}` does not serve the dialect `{item.own.speak}`."
    cure = did_you_mean(item.own.speak, known) or (
        one_of(known) if known else "Declare it under `dialects:`."
    )
    item.fault(("speak",), "bad-value", said, cure, value=item.own.speak)


def _dialects(own: Integration, entry: Entry | None) -> list[str]:
    return [d.name for d in (*own.dialects, *(entry.dialects if entry else ()))]


def _batching(item: Item) -> None:
    text = item.own.batch_embeddings
    if not text:
        return
    cure = out_of(Range("1ms", "1s", zero=True), text)
    if cure:
        item.fault(("batch_embeddings",), "bad-value", f"`{text}` is out of range.", cure, value=text)
    if "embed" not in kinds(_dialects(item.own, item.entry)):
        said = f"`{item.name}` serves no embeddings."
        item.fault(("batch_embeddings",), "unused-key", said, "Remove it.", at_key=True)


def _status_pages(item: Item) -> None:
    for key in ("status_page", "status_feed"):
        page = getattr(item.own, key)
        found = judge(page.partition("?")[0], listeners=item.listeners)
        if page and found.fault:
            item.fault((key,), "bad-address", found.fault, found.cure, value=found.url)
