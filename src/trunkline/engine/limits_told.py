"""What a vendor's header fields tell about its limits: how much there is, how much is left, when it returns;
pure.

One dialect per way of telling (reference: standards 3.3 and 3.4); an empty dialect tries all. Malformed
fields are ignored, as the RateLimit draft demands. Not for: obeying them (`plugins/policies`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from trunkline.core.ports import LimitTold
from trunkline.engine.retry_at import bounded, instant

__all__ = ["LimitTold", "limits_told"]

Fields = Mapping[bytes, bytes]


def limits_told(dialect: str, headers: Sequence[tuple[bytes, bytes]], now: float) -> list[LimitTold]:
    """All limits that an answer tells. `dialect` is the `limit_headers` of the service; an unknown one is
    read as all.
    """
    fields = {name.lower(): value for name, value in reversed(headers)}
    told: list[LimitTold] = []
    for read in _DIALECTS.get(dialect, _ALL):
        told += read(fields, now)
    return told


def _number(fields: Fields, name: str) -> float | None:
    value = fields.get(name.encode())
    if value is None:
        return None
    text = value.decode("latin-1").split(",")[0].split(";")[0].strip()
    return float(text) if _PLAIN.fullmatch(text) else None


_PLAIN = re.compile(r"\d{1,15}(?:\.\d{0,9})?")


def _reset(fields: Fields, name: str, now: float) -> float | None:
    value = fields.get(name.encode())
    return None if value is None else instant(value.decode("latin-1"), now)


def _told(
    fields: Fields,
    now: float,
    name: str,
    unit: str,
    limit: str,
    left: str,
    reset: str,
    window_s: float | None = None,
    *,
    refills: bool = False,
) -> Iterator[LimitTold]:
    at = _reset(fields, reset, now)
    told = LimitTold(name, unit, _number(fields, limit), _number(fields, left), at, window_s, refills)
    if told.limit is not None or told.remaining is not None:
        yield told


def _openai(fields: Fields, now: float) -> Iterator[LimitTold]:
    """OpenAI, Azure, and the many that copy them; resets are Go durations (`6m0s`) until all is back."""
    for unit in ("requests", "tokens"):
        head = "x-ratelimit-"
        names = f"{head}limit-{unit}", f"{head}remaining-{unit}", f"{head}reset-{unit}"
        yield from _told(fields, now, unit, unit, *names, refills=True)


def _groq(fields: Fields, now: float) -> Iterator[LimitTold]:
    """As OpenAI's names, but requests count per day and tokens per minute."""
    for told in _openai(fields, now):
        yield told._replace(window_s=86400.0 if told.unit == "requests" else 60.0)


def _anthropic(fields: Fields, now: float) -> Iterator[LimitTold]:
    """Resets are RFC 3339 instants at which all is back; what was used returns steadily."""
    for name in (
        "requests",
        "tokens",
        "input-tokens",
        "output-tokens",
        "priority-input-tokens",
        "priority-output-tokens",
    ):
        head = (
            f"anthropic-priority-{name[9:]}"
            if name.startswith("priority-")
            else f"anthropic-ratelimit-{name}"
        )
        yield from _told(
            fields,
            now,
            name,
            name.removeprefix("priority-"),
            f"{head}-limit",
            f"{head}-remaining",
            f"{head}-reset",
            refills=True,
        )


def _mistral(fields: Fields, now: float) -> Iterator[LimitTold]:
    for head in ("ratelimitbysize-", "x-ratelimitbysize-"):
        yield from _told(fields, now, "size", "tokens", f"{head}limit", f"{head}remaining", f"{head}reset")
    yield from _plain(fields, now)


def _plain(fields: Fields, now: float) -> Iterator[LimitTold]:
    """`x-ratelimit-limit|remaining|reset` (GitHub and SendGrid: reset in epoch seconds; others: seconds to
    go).
    """
    resource = fields.get(b"x-ratelimit-resource", b"requests").decode("latin-1")[:40]
    yield from _told(
        fields, now, resource, "requests", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"
    )


_SHOPIFY_EMPTY_S = 20.0
"""A full bucket of a shop is empty after so long, whatever its plan: 40 leaking 2 a second, 80 leaking 4, 400 leaking 20."""


def _shopify(fields: Fields, now: float) -> Iterator[LimitTold]:
    """`x-shopify-shop-api-call-limit: 32/40`, a bucket that leaks."""
    used, _, size = fields.get(b"x-shopify-shop-api-call-limit", b"").decode("latin-1").partition("/")
    if not _PLAIN.fullmatch(used.strip()) or not _PLAIN.fullmatch(size.strip()) or float(size) <= 0:
        return
    held, most = float(used), float(size)
    at = bounded(now + min(1.0, held / most) * _SHOPIFY_EMPTY_S, now)
    yield LimitTold("bucket", "requests", most, max(0.0, most - held), at, None, refills=True)


def _hubspot(fields: Fields, now: float) -> Iterator[LimitTold]:
    head = "x-hubspot-ratelimit-"
    interval = _number(fields, f"{head}interval-milliseconds")
    window = interval / 1000.0 if interval else None
    reset = bounded(now + window, now) if window else None
    for told in _told(fields, now, "interval", "requests", f"{head}max", f"{head}remaining", "", window):
        yield told._replace(reset_at=reset)
    yield from _told(fields, now, "daily", "requests", f"{head}daily", f"{head}daily-remaining", "", 86400.0)


_ITEM = re.compile(
    r'((?:"[^"]{0,100}"\s*;?\s*){1,3}|[A-Za-z][A-Za-z0-9_-]{0,60}\s*;?\s*)((?:[a-z]{1,6}=(?:"[^"]{0,60}"|:[^:]{0,100}:|[0-9.]{1,18})\s*;?\s*){1,8})'
)
_PARAM = re.compile(r'([a-z]{1,6})=("[^"]*"|:[^:]*:|[0-9.]+)')
_OLD_POLICY = re.compile(r"(\d{1,15})\s*;\s*w=(\d{1,9})")


def _ietf(fields: Fields, now: float) -> Iterator[LimitTold]:
    """The RateLimit draft: lists of strings with parameters (-08 and later, also Hugging Face's two-string
    names), or three fields (-07 and before).
    """
    policies = dict(_items(fields.get(b"ratelimit-policy", b"")))
    states = dict(_items(fields.get(b"ratelimit", b"")))
    for name in dict.fromkeys((*policies, *states)):
        policy, state = policies.get(name, {}), states.get(name, {})
        left, to_go = _float(state.get("r")), _float(state.get("t"))
        told = LimitTold(
            name,
            policy.get("qu", "requests"),
            _float(policy.get("q")),
            left,
            bounded(now + to_go, now) if to_go is not None else None,
            _float(policy.get("w")),
        )
        if told.limit is not None or left is not None:
            yield told
    if not policies and not states:
        old = _OLD_POLICY.search(fields.get(b"ratelimit-policy", b"").decode("latin-1"))
        yield from _told(
            fields,
            now,
            "default",
            "requests",
            "ratelimit-limit",
            "ratelimit-remaining",
            "ratelimit-reset",
            float(old[2]) if old else None,
        )


def _items(value: bytes) -> Iterator[tuple[str, dict[str, str]]]:
    for item in _ITEM.finditer(b" ".join(value[:2000].split()).decode("latin-1")):
        names = re.findall(r'"([^"]*)"', item[1]) or [item[1].strip(" ;")]
        params = {k: v.strip('"') for k, v in _PARAM.findall(item[2])}
        if "q" in params or "r" in params:
            yield names[-1], params


def _float(text: str | None) -> float | None:
    return float(text) if text is not None and _PLAIN.fullmatch(text) else None


_ALL = (_openai, _anthropic, _mistral, _shopify, _hubspot, _ietf)
_DIALECTS = {
    "openai": (_openai,),
    "azure": (_openai,),
    "azure-openai": (_openai,),
    "groq": (_groq,),
    "anthropic": (_anthropic,),
    "mistral": (_mistral,),
    "github": (_plain,),
    "sendgrid": (_plain,),
    "plain": (_plain,),
    "shopify": (_shopify,),
    "hubspot": (_hubspot,),
    "stripe": (),
    "twilio": (),
    "ietf": (_ietf,),
    "huggingface": (_ietf,),
    "none": (),
}
