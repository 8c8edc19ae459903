"""`POST /v1/explain`: what would become of a call, without making it: no vendor is asked, nothing is spent, counted or kept (O5).

The request names a call as `POST /v1/parallel` does: `{"path": "/v1/chat/completions", "body": {...}}`. It is bound as calls are, by
the same code, and then each part is asked what it knows. Estimates are those that budgets reserve by. Not for: what became of a
call that was made (`trunkline logs show`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from trunkline.core.call import Link, Route
from trunkline.core.codec import DecodeError, json_decoder, to_json
from trunkline.core.errors import CallError
from trunkline.core.exchange import Exchange
from trunkline.core.price import Price
from trunkline.engine.fallback import Fallbacks, told
from trunkline.engine.gateway import Told
from trunkline.engine.inside import Asked, Gathered
from trunkline.engine.pool import aim
from trunkline.engine.resolve import chosen
from trunkline.engine.shape import rfc3339
from trunkline.engine.translate import MODE
from trunkline.gateway.parallel_form import Call, body_of, labels, own_fields, target_of
from trunkline.gateway.spending import Spending
from trunkline.plugins.policies.access import Access
from trunkline.plugins.policies.breaker import Breaker
from trunkline.plugins.policies.cache import AnswerCache

if TYPE_CHECKING:
    from trunkline.engine.gateway import Gateway

BODY_MAX = 1 << 20
JSON = b"content-type: application/json\r\n"
_call = json_decoder(Call)


class Explain:
    """Asks the parts of a process."""

    def __init__(
        self,
        gateway: Gateway,
        access: Access,
        breaker: Breaker,
        spending: Spending,
        cache: AnswerCache,
        fallbacks: Fallbacks,
        clock: Callable[[], float],
        wall: Callable[[], float],
    ) -> None:
        self._gateway = gateway
        self._access = access
        self._breaker = breaker
        self._limits = spending.limits
        self._budget = spending.budget
        self._cache = cache
        self._fallbacks = fallbacks
        self._clock = clock
        self._wall = wall

    def answered(self, exchange: Exchange) -> Told:
        """The answer. Raises CallError `invalid_request` for what names no call."""
        if exchange.rest is not None or len(exchange.body) > BODY_MAX:
            raise CallError(
                "request_too_large", f"a call to be explained may have at most {BODY_MAX >> 20} MB"
            )
        try:
            call = _call.decode(exchange.body)
        except (DecodeError, UnicodeDecodeError, RecursionError) as problem:
            text = f'the body of POST /v1/explain does not fit, e.g. {{"path": "/v1/chat/completions", "body": {{...}}}}: {problem}'
            raise CallError("invalid_request", text) from None
        return 200, JSON, to_json(self._explained(exchange, call))

    def _explained(self, outer: Exchange, call: Call) -> dict[str, Any]:
        target, own = target_of(call), list(own_fields(call))
        headers = [*own, *labels(outer.request.headers, own)]
        request = Asked(call.method, target, headers, body_of(call, headers), outer.request)
        looked = Exchange(request, Gathered(lambda: None, 0), outer.call_id, self._clock(), self._wall())
        looked.look = True
        told: dict[str, Any] = {"would": "be sent", "refused": None}
        try:
            self._gateway.look(looked)
            self._access.admit(looked)
        except CallError as error:
            told |= {"would": "be refused", "refused": refusal(error)}
        if looked.route is None:
            return told | {"call": self._asked(looked, call)}
        told["call"] = self._asked(looked, call)
        told["candidates"] = self._candidates(looked)
        told["left_out"] = _left_out(looked)
        told["fallbacks"] = [self._fallback(link) for link in self._fallbacks.chain(looked)]
        told["limits"] = self._limits.look(looked)
        told["budgets"] = self._budget.look(looked)
        told["cache"] = self._cache.look(looked)
        return self._judged(told)

    @staticmethod
    def _judged(told: dict[str, Any]) -> dict[str, Any]:
        """What all of it comes to."""
        if told["refused"] is not None:
            return told
        spent = next((one for one in told["budgets"] if one["refuses"]), None)
        limited = next((one for one in told["limits"] if one["wait_s"] > 0), None)
        if limited is not None:
            told["would"] = (
                f"be refused: the limit {limited['limit']} leaves no room for {limited['wait_s']:g} s"
            )
        elif told["cache"]["verdict"] in ("hit", "stale"):
            told["would"] = "be answered from the cache"
        elif spent is not None:
            told["would"] = f"be refused: the budget {spent['budget']} cannot hold it"
        elif not any(one["ready"] for one in told["candidates"]):
            told["would"] = "wait, fall back, or be refused: no candidate can take it now"
        else:
            first = next(one for one in told["candidates"] if one["ready"])
            told["would"] = f"go to {first['target']}"
        return told

    def _asked(self, looked: Exchange, call: Call) -> dict[str, Any]:
        caller, route = looked.caller, looked.route
        told: dict[str, Any] = {
            "method": call.method,
            "path": call.path,
            "dialect": looked.ingress,
            "model": looked.model or None,
            "stream": looked.stream,
            "key": {"id": caller.id, "name": caller.key.name, "team": caller.key.team} if caller else None,
            "feature": looked.feature or None,
            "lane": looked.lane,
        }
        if route is None:
            return told
        virtual = looked.choice
        return told | {
            "integration": route.live.name,
            "operation": looked.operation.name if looked.operation is not None else None,
            "route": route.name or None,
            "strategy": virtual.spec.strategy if virtual is not None else None,
            "repeat": looked.repeat,
            "attempts": looked.attempts_max,
            "timeout_s": looked.timeout_s,
            "config_version": looked.config_version,
        }

    def _candidates(self, looked: Exchange) -> list[dict[str, Any]]:
        route, heading = looked.route, looked.heading
        assert route is not None
        if looked.choice is None:
            return [self._candidate(looked, route, "the only one")]
        choice = chosen(heading.world, looked, heading.named, looked.choice.name, look=True)
        rows = []
        for n, (standing, each) in enumerate(zip(choice.ranked.order, choice.routes, strict=True)):
            streamed = each.streamed if looked.stream else each
            why = choice.ranked.why if n == 0 else f"number {n + 1}"
            rows.append(self._candidate(looked, streamed, why) | {"latency_s": standing.latency_s})
        return rows

    def _candidate(self, looked: Exchange, route: Route, why: str) -> dict[str, Any]:
        live, model = route.live, route.model
        members = [self._member(route, member) for member in live.members]
        name = f"{live.name}/{model}" if model else live.name
        return {
            "target": name,
            "why": why,
            "ready": any(one["ready"] for one in members),
            "credentials": members,
            "price": self._price(looked, route),
            "translation": _translation(looked, route),
            "simulated": live.spec.simulated,
        }

    def _member(self, route: Route, member: Any) -> dict[str, Any]:
        target = aim(route.live, member, route.model)
        shut = self._breaker.shut(target)
        line = target.line
        roomy = line.free or line.roomy(route.model)
        return {
            "credential": member.name,
            "weight": member.weight,
            "ready": member.problem is None and shut is None and roomy and member.weight > 0,
            "problem": member.problem.message if member.problem is not None else None,
            "breaker": "open" if shut is not None else "closed",
            "breaker_until": _instant(shut.retry_at) if shut is not None else None,
            "limits_left": round(line.left(route.model), 3),
            "waits": not roomy,
        }

    def _price(self, looked: Exchange, route: Route) -> dict[str, Any] | None:
        """None for what has none and is no model call."""
        model = route.model or looked.model
        if looked.tariffs is not None:
            estimate = self._budget.estimate(looked, route)
            listed = looked.tariffs.listed(looked)
            return {"priced": estimate is not None, "estimate_usd": estimate, "tariffs": listed}
        if not model:
            return None
        price: Price | None = route.live.prices.get(model)
        if price is None:
            return {"priced": False, "estimate_usd": None}
        return {
            "priced": True,
            "estimate_usd": self._budget.estimate(looked, route),
            "input_usd_per_million": price.input,
            "output_usd_per_million": price.output,
            "source": price.source or None,
            "date": price.date or None,
        }

    @staticmethod
    def _fallback(link: Link) -> dict[str, Any]:
        return {"does": told(link), "on": sorted(link.on) or "failures that another target could help"}


def _left_out(looked: Exchange) -> list[dict[str, str]]:
    """Targets of a virtual model that are not for this call."""
    virtual, heading = looked.choice, looked.heading
    if virtual is None:
        return []
    named = heading.named
    routes = heading.world.virtual_routes.get((named.dialect, virtual.name, named.gemini_method), {})
    return [{"target": target, "why": why} for target, why in virtual.left_out(looked, routes)]


def refusal(error: CallError) -> dict[str, Any]:
    """A failure in short."""
    return {
        "code": error.code,
        "message": error.message,
        "scope": error.scope or None,
        "retry_at": _instant(error.retry_at),
    }


def _instant(at: float | None) -> str | None:
    return rfc3339(at) if at is not None else None


def _translation(looked: Exchange, route: Route) -> dict[str, Any]:
    """What the vendor's dialect would lose of the call."""
    if route.translator is None:
        return {"needed": False, "exact": True, "changes": []}
    fields = {name: value for name, value in looked.request.fields.items() if name != MODE}
    try:
        made = route.translator.request(
            looked.request.body, stream=looked.stream, fields=fields, now=looked.started_wall
        )
    except CallError as error:
        return {"needed": True, "exact": False, "changes": [], "impossible": error.message}
    changes = [{"act": one.act, "field": one.field, "how": one.how} for one in made.changes]
    exact = all(one["act"] == "renamed" for one in changes)
    return {"needed": True, "dialects": route.translator.name, "exact": exact, "changes": changes}
