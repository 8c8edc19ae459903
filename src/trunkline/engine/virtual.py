"""Virtual models in the running process: for each call the candidates that may serve it, in their order, and why.

The first is where the call goes, the others are its fallbacks before the declared ones. Not for: the order (`rank.py`), nor the names
of single models (`models.py`).
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from trunkline.core.call import Link, Route, Target
from trunkline.core.cel import Condition, condition
from trunkline.core.codec import DecodeError, from_json, to_json
from trunkline.core.errors import CallError
from trunkline.core.exchange import Attempt, Exchange
from trunkline.core.flow import Fallback
from trunkline.core.virtual import NAMES
from trunkline.core.virtual import Virtual as Declared
from trunkline.engine.latency import Latency
from trunkline.engine.pool import aim, pick_quietly
from trunkline.engine.rank import Ranked, Standing, rank

if TYPE_CHECKING:
    pass

PARSED_MAX = 256 << 10
BYTES_PER_TOKEN = 4
MOST_TOKENS = 200_000
"""What is longer is pictures, not words."""
OUTPUT_TOKENS = 500
"""Taken for an answer where the caller allows more or says nothing, to compare prices."""
_CONVERSATIONS = (b"x-trunkline-conversation", b"x-claude-code-session-id", b"x-session-id")
_KEPT = re.compile(rb'"(?:prompt_cache_key|conversation)"\s*:\s*"([^"\\]{1,200})"')
_BEGINNING_BYTES = 2000
"""Of a body that is too long to look into."""
_Shut = Callable[[Target], object]


class Candidate:
    """A target of a virtual model with what was learned of it."""

    __slots__ = ("answers", "condition", "failures", "latency", "link", "n", "spec")

    def __init__(self, n: int, spec: Any) -> None:
        self.n = n
        self.spec = spec
        self.condition: Condition | None = condition(spec.when, NAMES) if spec.when else None
        self.link = Link("target", Fallback(kind="target", target=spec.target), frozenset())
        self.latency = Latency()
        self.answers = self.failures = 0


class Choice(NamedTuple):
    """What was chosen for a call."""

    virtual: Virtual
    ranked: Ranked
    routes: tuple[Route, ...]
    """In that order."""


class Virtual:
    """One virtual model. Lives as long as its declaration stays the same, over reloads."""

    def __init__(self, spec: Declared, shut: _Shut, now: Callable[[], float]) -> None:
        self.spec = spec
        self.name = spec.name
        self.candidates = [Candidate(n, one) for n, one in enumerate(spec.candidates)]
        self.needs: frozenset[str] = frozenset().union(
            *(one.condition.names for one in self.candidates if one.condition is not None)
        )
        self._shut = shut
        self._wall = now
        self._turn = -1

    def __repr__(self) -> str:
        return f"Virtual({self.name!r}, {self.spec.strategy}, {len(self.candidates)} targets)"

    def choose(self, exchange: Exchange, routes: dict[int, Route], *, look: bool = False) -> Choice:
        """`routes`: by candidate, those that serve this dialect. With `look` nothing is counted (explain).

        Raises CallError `invalid_request` when no condition holds.
        """
        values = self._values(exchange) if self.needs else {}
        fitting = [
            one
            for one in self.candidates
            if one.n in routes and (one.condition is None or one.condition.holds(values))
        ]
        if not fitting:
            raise CallError(
                "invalid_request",
                f"model {self.name!r}: none of its {len(self.candidates)} targets is for this call: "
                f"{'; '.join(f'{c.spec.target} when {c.spec.when}' for c in self.candidates if c.spec.when)[:600]}",
                scope="model",
                param="model",
            )
        if not look:
            self._turn += 1
        standings = [self._standing(exchange, one, routes[one.n]) for one in fitting]
        ranked = rank(
            self.spec.strategy,
            standings,
            turn=max(self._turn, 0),
            stuck=self._stuck(exchange),
            urgent=exchange.lane == "interactive",
        )
        return Choice(self, ranked, tuple(routes[one.n] for one in ranked.order))

    def left_out(self, exchange: Exchange, routes: dict[int, Route]) -> list[tuple[str, str]]:
        """The targets that are not for this call, each with the reason."""
        values = self._values(exchange) if self.needs else {}
        told = []
        for one in self.candidates:
            if one.n not in routes:
                told.append((one.spec.target, f"it does not serve {exchange.ingress}"))
            elif one.condition is not None and (why := one.condition.why_not(values)):
                told.append((one.spec.target, f"`{one.spec.when}` {why}"))
        return told

    def heard(self, attempt: Attempt, seconds: float) -> None:
        """An attempt at one of the candidates was answered after so long."""
        for one in self.candidates:
            if one.spec.target == attempt.target.name:
                one.latency.note(seconds)
                one.answers += 1
                one.failures += attempt.status >= 500 or attempt.status == 429
                return

    def told(self) -> list[dict[str, Any]]:
        """How each target fared since this process began."""
        return [
            {
                "target": one.spec.target,
                "answers": one.answers,
                "failures": one.failures,
                "p50_ms": _ms(one.latency.quantile(0.5)),
                "p90_ms": _ms(one.latency.quantile(0.9)),
            }
            for one in self.candidates
        ]

    def _standing(self, exchange: Exchange, one: Candidate, route: Route) -> Standing:
        live, model = route.live, route.model
        member = pick_quietly(live, model)
        target = aim(live, member, model) if member is not None else None
        ready = target is not None and member is not None and member.problem is None
        if ready and target is not None:
            ready = (target.line.free or target.line.roomy(model)) and self._shut(target) is None
        return Standing(
            one.n,
            one.spec.target,
            one.spec.weight,
            ready,
            one.latency.quantile(0.9),
            one.latency.total,
            price_of(exchange, route),
            target.line.left(model) if target is not None else 0.0,
        )

    def _stuck(self, exchange: Exchange) -> str:
        """What keeps to one target, as a text; empty for nothing."""
        sticky, key = self.spec.sticky, exchange.caller.id if exchange.caller is not None else ""
        if sticky == "key":
            return key
        if sticky == "feature":
            return exchange.feature or key
        if sticky == "subject":
            return exchange.subject_hash or key
        if sticky == "conversation":
            return conversation(exchange)
        return (exchange.subject_hash or key) if self.spec.strategy == "canary" else ""

    def _values(self, exchange: Exchange) -> dict[str, Any]:
        """What conditions may speak of; only what these need is read."""
        values: dict[str, Any] = {
            "model": self.name,
            "dialect": exchange.ingress,
            "tokens": input_tokens(exchange),
            "stream": exchange.stream,
            "tags": tags(exchange.tags),
            "team": exchange.caller.key.team if exchange.caller is not None else "",
            "feature": exchange.feature,
            "key": exchange.caller.key.name if exchange.caller is not None else "",
            "lane": exchange.lane,
        }
        if not self.needs.isdisjoint(("hour", "weekday")):
            at = datetime.fromtimestamp(self._wall(), UTC)
            values["hour"], values["weekday"] = at.hour, at.isoweekday()
        if not self.needs.isdisjoint(("tools", "max_tokens")):
            values["tools"], values["max_tokens"] = asked_for(exchange)
        return values


class Virtuals:
    """All virtual models of a process. What was learned of one stays as long as its declaration does."""

    def __init__(self, shut: _Shut, wall: Callable[[], float]) -> None:
        self._shut = shut
        self._wall = wall
        self.by_name: dict[str, Virtual] = {}

    def adopt(self, declared: list[Declared]) -> dict[str, Virtual]:
        """By name, for a world."""
        self.by_name = {
            one.name: kept
            if (kept := self.by_name.get(one.name)) is not None and kept.spec == one
            else Virtual(one, self._shut, self._wall)
            for one in declared
        }
        return self.by_name

    def stats(self) -> dict[str, list[dict[str, Any]]]:
        """How each target fared since this process began."""
        return {name: one.told() for name, one in self.by_name.items()}


def take(exchange: Exchange, choice: Choice) -> Route:
    """Binds a call to what was chosen; the other candidates become its first fallbacks."""
    first = choice.ranked.order[0]
    exchange.choice = choice.virtual
    links = {one.n: one.link for one in choice.virtual.candidates}
    exchange.ranked = tuple(links[one.n] for one in choice.ranked.order[1:])
    why = choice.ranked.why.encode("ascii", "replace").decode().replace(";", ",")
    exchange.notes += (f"choice={first.name}: {why}",)
    exchange.extra += f"x-trunkline-choice: {first.name}; {choice.virtual.spec.strategy}; {why}\r\n".encode(
        "ascii", "replace"
    )
    return choice.routes[0]


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1e3, 1)


def price_of(exchange: Exchange, route: Route) -> float | None:
    """What a call will cost there, about; None without a price."""
    if route.rates is None:
        return None
    return route.rates.about_usd(input_tokens(exchange), OUTPUT_TOKENS)


def input_tokens(exchange: Exchange) -> int:
    """About; a call whose body is still arriving counts by its announced length."""
    length = len(exchange.body) if exchange.rest is None else (exchange.rest.length or 0)
    return min(length // BYTES_PER_TOKEN, MOST_TOKENS)


def tags(text: str) -> dict[str, str]:
    """`a=1,b` as keys and values."""
    pairs = (one.strip().partition("=") for one in text.split(",") if one.strip())
    return {name.strip(): value.strip() for name, _, value in pairs}


def asked_for(exchange: Exchange) -> tuple[list[str], int]:
    """Names of tools, and the most tokens that the caller allows an answer; nothing of a body that is too long to look at."""
    if exchange.rest is not None or len(exchange.body) > PARSED_MAX:
        return [], 0
    try:
        body = from_json(exchange.body)
    except DecodeError:
        return [], 0
    if not isinstance(body, dict):
        return [], 0
    config = body.get("generationConfig")
    most = [body.get(name) for name in ("max_completion_tokens", "max_output_tokens", "max_tokens")]
    most.append(config.get("maxOutputTokens") if isinstance(config, dict) else None)
    return list(_tools(body.get("tools"))), next((n for n in most if isinstance(n, int)), 0)


def _tools(declared: Any) -> list[str]:
    names: list[str] = []
    for tool in declared if isinstance(declared, list) else []:
        if not isinstance(tool, dict):
            continue
        own = tool.get("functionDeclarations") or tool.get("function_declarations") or [tool]
        for one in own if isinstance(own, list) else []:
            inner = (
                one.get("function")
                if isinstance(one, dict) and isinstance(one.get("function"), dict)
                else one
            )
            name = inner.get("name") or inner.get("type") if isinstance(inner, dict) else None
            if isinstance(name, str):
                names.append(name)
    return names


def conversation(exchange: Exchange) -> str:
    """What the turns of a conversation have in common: the id that its client sends, else how it began."""
    fields = exchange.request.fields
    for name in _CONVERSATIONS:
        if name in fields:
            return fields[name][:200].decode("latin-1")
    body = exchange.body
    kept = _KEPT.search(body, 0, PARSED_MAX)
    if kept is not None:
        return kept[1].decode("utf-8", "replace")
    return f"{zlib.crc32(beginning(body)):08x}" if body else ""


def beginning(body: bytes) -> bytes:
    """What stays the same over the turns of a conversation: instructions, and messages up to the first of the user's."""
    try:
        asked = from_json(body) if len(body) <= PARSED_MAX else None
    except DecodeError:
        asked = None
    if not isinstance(asked, dict):
        return body[:_BEGINNING_BYTES]
    kept: list[Any] = [asked.get(name) for name in ("system", "instructions", "systemInstruction")]
    messages = next((asked[name] for name in ("messages", "input", "contents") if asked.get(name)), None)
    for message in messages if isinstance(messages, list) else [messages]:
        kept.append(message)
        if not isinstance(message, dict) or message.get("role", "user") == "user":
            break
    return to_json(kept)
