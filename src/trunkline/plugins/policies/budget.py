"""Money that calls may cost: budgets of the registry and of keys, and what a browser token may spend.

Before a call its likely cost is set aside in every budget that counts it, and the call is refused where that does not fit; when it
has ended, what was set aside is given back and what it did cost is counted. So calls that run at once cannot overspend
together. A call counts in the day or month in which it began. Not for: how much was spent before this process began (it is told,
`recount`), nor for telling people (`ops/alerts.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from trunkline.core import spend
from trunkline.core.call import Caller, Route
from trunkline.core.errors import CallError
from trunkline.core.exchange import Exchange
from trunkline.core.flow import Budget as Declared
from trunkline.core.flow import Scope
from trunkline.core.scope import Labels, counted_by, covers
from trunkline.core.service import CallerKey
from trunkline.core.spend import Spend
from trunkline.plugins.policies.account import Account, Counter, Standing, standings
from trunkline.plugins.policies.caller_limits import labels_of
from trunkline.plugins.policies.priced import (
    counted_as,
    counted_at,
    expected,
    lacks,
    model_cost,
    rates_at,
    rates_of,
    refused_as_unpriced,
)
from trunkline.plugins.policies.token_estimate import Estimator

_REMEMBERED = 10_000
_TOKENS = 10_000
_RUNNING_WAIT_S = 1.0
"""What is told as wait where only running calls stand in the way."""


class Held(NamedTuple):
    """What is set aside for a call, and where. `model` is what it is counted as (`priced.counted_as`); empty: its cost was counted
    from the journal.
    """

    amounts: dict[Counter, int]
    model: str


Applied = tuple[tuple[Account, str], ...]


class Budget:
    """Counters outlive reloads."""

    def __init__(self, wall: Callable[[], float], estimator: Estimator | None = None) -> None:
        self._wall = wall
        self._estimator = estimator or Estimator()
        self._accounts: list[Account] = []
        self._of_keys: dict[str, Account] = {}
        self._names: dict[str, str] = {}
        self._known: dict[tuple[object, ...], Applied] = {}
        self._tokens: dict[str, Counter] = {}
        self.idle = True
        """There is no budget; only browser tokens have money."""

    def load(
        self,
        budgets: Iterable[Declared],
        keys: Iterable[CallerKey],
        former: Mapping[str, str] = MappingProxyType({}),
    ) -> bool:
        """Takes over the budgets of the registry and of the keys; True if one is new and must be counted (`recount`). `former`:
        names by id of keys that have ended.
        """
        keys = list(keys)
        before = {_identity(a.budget): a for a in (*self._accounts, *self._of_keys.values())}
        self._accounts = [_kept(before, budget) for budget in budgets]
        self._of_keys = {key.id: _kept(before, of_key(key)) for key in keys if key.budget_usd > 0}
        self._names = {**former, **{key.id: key.name for key in keys}}
        self._known.clear()
        self.idle = not self._accounts and not self._of_keys
        accounts = (*self._accounts, *self._of_keys.values())
        return any(_identity(account.budget) not in before for account in accounts)

    def recount(self, booked: Spend, running: Iterable[Exchange] = ()) -> None:
        """Takes over what was spent from the journal, which holds the end of every call that has ended until now."""
        for account in (*self._accounts, *self._of_keys.values()):
            account.count_anew(booked, self._names)
        for token, (spent, _) in booked.tokens.items():
            self._token(token).spent = spent
        for exchange in running:
            # Its end stands in the journal, but it is not settled yet.
            if exchange.over:
                held: Held | None = exchange.reserved
                exchange.reserved = Held({}, "") if held is None else held._replace(model="")

    def concerns(self, exchange: Exchange) -> bool:
        """Whether there are budgets, or the caller is a browser token with one."""
        caller = exchange.caller
        return not self.idle or (caller is not None and bool(caller.spend_usd))

    def admit(self, exchange: Exchange) -> None:
        """Raises `over_budget` or `unpriced`."""
        caller = exchange.caller
        assert caller is not None
        if self.idle and not caller.spend_usd:
            return
        model, route = counted_as(exchange), exchange.route
        if not model or route is None:
            return  # it has no price
        applied = self._applied(exchange, caller, model)
        if applied or caller.spend_usd:
            self._reserve(exchange, caller, applied, model, route)
            if exchange.rates is None and exchange.tariffs is None:
                exchange.notes = (*exchange.notes, f"unpriced={model}")

    def _applied(self, exchange: Exchange, caller: Caller, model: str) -> Applied:
        """The budgets that count a call, worked out once for a key, a route and a feature."""
        known = (caller.id, exchange.route, model, exchange.feature)
        applied = self._known.get(known)
        if applied is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            integration, _, name = model.partition("/")
            labels = labels_of(exchange)._replace(integration=integration, model=model if name else "")
            applied = self._known[known] = self._counting(labels, caller.key.name)
        return applied

    def _counting(self, labels: Labels, key_name: str) -> Applied:
        found = [
            (account, counted_by(account.budget.scope, labels))
            for account in self._accounts
            if covers(account.budget.scope, labels, key_name)
        ]
        own = self._of_keys.get(labels.key)
        return tuple(found) if own is None else (*found, (own, ""))

    def _reserve(
        self,
        exchange: Exchange,
        caller: Caller,
        applied: Applied,
        model: str,
        route: Route,
        paid: Sequence[tuple[Applied, int]] = (),
    ) -> None:
        """Sets the likely cost of an attempt aside beside what was `paid` for earlier ones, or as much of it as is not set aside
        already. All or nothing.
        """
        held: Held = exchange.reserved or Held({}, model)
        amount, at_us = self._expected(exchange, route, applied, model), begun_us(exchange)
        missing: dict[Counter, int] = {}
        for account, value in applied:
            counter = account.counter(value, at_us)
            so_far = sum(cost for where, cost in paid if (account, value) in where)
            more = missing[counter] = max(0, so_far + amount - held.amounts.get(counter, 0))
            if account.budget.hard and counter.exceeds(more, account.limit):
                raise self._over(account, value, counter, more, at_us)
        if caller.spend_usd:
            counter = self._token(caller.token_id)
            so_far = sum(cost for _, cost in paid)
            more = missing[counter] = max(0, so_far + amount - held.amounts.get(counter, 0))
            token_admits(exchange, caller, counter, more)
        for counter, more in missing.items():
            counter.reserved += more
            held.amounts[counter] = held.amounts.get(counter, 0) + more
        exchange.reserved = held
        exchange.billed = exchange.billed or any(account.budget.hard for account, _ in applied)

    def affords(self, exchange: Exchange, route: Route, beside: bool = False) -> bool:
        """Whether a running call may make one more attempt, by this route, after what its earlier ones have cost; `beside`: while
        one by the same route still runs. Then what it may cost is set aside, too.
        """
        caller = exchange.caller
        assert caller is not None
        model = counted_at(exchange, route)
        if not model or exchange.merged or self not in exchange.policies:
            return True
        applied = self._applied(exchange, caller, model)
        paid = self._paid(exchange, caller)
        try:
            if beside:
                paid.append((applied, self._expected(exchange, route, applied, model)))
            self._reserve(exchange, caller, applied, model, route, paid)
        except CallError as error:
            note = f"{error.code}={model}"
            if note not in exchange.notes:
                exchange.notes = (*exchange.notes, note)
            return False
        return True

    def _paid(self, exchange: Exchange, caller: Caller) -> list[tuple[Applied, int]]:
        """What attempts that were thrown away have cost, as far as it is known, by the budgets that count it."""
        found = [(self._at(exchange, caller, where), spend.nano(cost)) for where, cost in exchange.wasted_at]
        for target, rates in exchange.thrown:
            tokens = self._estimator.tokens(exchange, target)
            found.append((self._at(exchange, caller, target), model_cost(exchange, rates, tokens)))
        return found

    def _at(self, exchange: Exchange, caller: Caller, target: str) -> Applied:
        """The budgets that count what was paid at a target."""
        assert exchange.route is not None
        name, model = spend.served(exchange.route.live.name, exchange.model, target, "")
        return self._applied(exchange, caller, model or f"{name}/")

    def _expected(self, exchange: Exchange, route: Route, applied: Applied, model: str) -> int:
        """What a call will likely cost; 0 where nobody knows. Raises `unpriced` where a budget wants to know."""
        rates = rates_at(exchange, route)
        amount = expected(exchange, route, rates, self._estimator, model)
        blocking = next((a.budget.name for a, _ in applied if a.budget.unpriced == "block"), None)
        if blocking is not None and (lacking := lacks(exchange, rates, model, amount)):
            raise refused_as_unpriced(lacking, blocking)
        return amount or 0

    def _over(self, account: Account, value: str, counter: Counter, amount: int, at_us: int) -> CallError:
        budget = account.budget
        name = f"{budget.name!r}" + (f" of {value!r}" if value else "")
        spent = f"{spend.usd(counter.spent):.6g} of {budget.usd:g} USD"
        if not counter.exceeds_alone(amount, account.limit):
            return CallError(
                "over_budget",
                f"the budget {name} has spent {spent} this {budget.per}; running calls may cost {spend.usd(counter.reserved):.6g}, "
                f"so the {spend.usd(amount):.6g} of this one do not fit until they have ended",
                scope="budget",
                retry_at=self._wall() + _RUNNING_WAIT_S,
                later=True,
            )
        more = "" if counter.spent >= account.limit else f", and this call may cost {spend.usd(amount):.6g}"
        return CallError(
            "over_budget",
            f"the budget {name} has spent {spent} this {budget.per}{more}",
            scope="budget",
            retry_at=account.at(at_us).end_us / 1e6,
        )

    def _token(self, token: str) -> Counter:
        found = self._tokens.pop(token, None) or Counter()
        self._tokens[token] = found
        if len(self._tokens) > _TOKENS:
            unused = next((name for name, c in self._tokens.items() if not c.reserved), token)
            self._tokens.pop(unused)
        return found

    def settle(self, exchange: Exchange) -> None:
        held: Held | None = exchange.reserved
        if held is not None:
            for counter, amount in held.amounts.items():
                counter.reserved -= amount
            exchange.reserved = None
        if self.idle and held is None:
            return
        self._charge(exchange, held)

    def _charge(self, exchange: Exchange, held: Held | None) -> None:
        """Counts what a call did cost: where its answer came from, in the window in which it began."""
        caller, route = exchange.caller, exchange.route
        assert caller is not None
        assert route is not None
        if held is not None and not held.model:
            return  # counted from the journal already
        unpriced = spend.is_unpriced(
            exchange.cost_usd, exchange.parts, exchange.state, exchange.model, exchange.ingress
        )
        target = exchange.tried[-1].target if exchange.tried else ""
        elsewhere = spend.elsewhere(exchange.wasted_at, target)
        spent = spend.charge(exchange.cost_usd, spend.beside(exchange.wasted_usd, elsewhere))
        if held is not None:
            self._estimator.learn(exchange, held.model)
        if not spent and not unpriced and not elsewhere:
            return
        name, model = spend.served(route.live.name, exchange.model, target, exchange.served_model)
        applied = self._applied(exchange, caller, model or f"{name}/")
        self._count(exchange, caller, applied, spent, unpriced)
        for target, cost in elsewhere.items():
            self._count(exchange, caller, self._at(exchange, caller, target), spend.nano(cost), False)

    def _count(
        self, exchange: Exchange, caller: Caller, applied: Applied, spent: int, unpriced: bool
    ) -> None:
        at_us = begun_us(exchange)
        for account, value in applied:
            counter = account.counter(value, at_us)
            counter.spent += spent
            counter.unpriced += unpriced
        if caller.spend_usd:
            self._token(caller.token_id).spent += spent

    def look(self, exchange: Exchange) -> list[dict[str, Any]]:
        """The budgets that count a call, and whether they can hold it; nothing is set aside."""
        caller, model, route = exchange.caller, counted_as(exchange), exchange.route
        if caller is None or not model or route is None:
            return []
        at_us, rates = begun_us(exchange), exchange.rates
        known = expected(exchange, route, rates, self._estimator, model)
        amount = known or 0
        rows = []
        for account, value in self._applied(exchange, caller, model):
            budget, counter = account.budget, account.counter(value, at_us)
            blocked = budget.unpriced == "block" and lacks(exchange, rates, model, known) != ""
            row: dict[str, Any] = {"budget": budget.name, "of": value or None, "per": budget.per}
            row |= {"hard": budget.hard, "limit_usd": budget.usd, "call_usd": spend.usd(amount)}
            row |= {"spent_usd": spend.usd(counter.spent), "reserved_usd": spend.usd(counter.reserved)}
            row["refuses"] = blocked or (budget.hard and counter.exceeds(amount, account.limit))
            rows.append(row)
        return rows

    def estimate(self, exchange: Exchange, route: Route) -> float | None:
        """What a call would likely cost by a route, in USD; None where nobody knows."""
        rates, model = rates_of(route, exchange.model), counted_at(exchange, route)
        amount = expected(exchange, route, rates, self._estimator, model)
        return None if amount is None else spend.usd(amount)

    def standings(self, most: int = 200) -> list[Standing]:
        """Every budget as it stands now; of one that counts many values, those that have used most."""
        now_us = int(self._wall() * 1e6)
        return [
            one
            for account in (*self._accounts, *self._of_keys.values())
            for one in standings(account, now_us, most)
        ]

    @property
    def held(self) -> dict[str, int]:
        """What is set aside, by budget and token; empty when no call runs."""
        accounts = (*self._accounts, *self._of_keys.values())
        sums = {
            a.budget.name: sum(c.reserved for counters in a.windows.values() for c in counters.values())
            for a in accounts
        }
        sums |= {token: counter.reserved for token, counter in self._tokens.items()}
        return {name: amount for name, amount in sums.items() if amount}

    def __repr__(self) -> str:
        return f"Budget({self.held})"


def of_key(key: CallerKey) -> Declared:
    """The budget that a key has of its own."""
    return Declared(
        name=f"key {key.name} ({key.id})", usd=key.budget_usd, per=key.budget_per, scope=Scope(key=key.id)
    )


def token_admits(exchange: Exchange, caller: Caller, counter: Counter, amount: int) -> None:
    """Raises `over_budget` for a browser token whose money is not enough; else the record will name the token."""
    if counter.exceeds(amount, spend.nano(caller.spend_usd)):
        text = f"this browser token has spent its {caller.spend_usd:g} USD"
        if counter.spent < spend.nano(caller.spend_usd):
            text = f"this browser token may spend {caller.spend_usd:g} USD, too little for one more call"
        raise CallError("over_budget", text, scope="key")
    if not exchange.begun and spend.token_of(exchange.tags) != caller.token_id:
        exchange.tags = spend.token_tag(exchange.tags, caller.token_id)


def begun_us(exchange: Exchange) -> int:
    """When a call began, as its record says it."""
    return int(exchange.started_wall * 1e6)


def _identity(budget: Declared) -> tuple[str, str, Scope]:
    """What makes a budget the same one after a reload: its counters stay."""
    return budget.name, budget.per, budget.scope


def _kept(before: Mapping[tuple[str, str, Scope], Account], budget: Declared) -> Account:
    account = Account(budget)
    old = before.get(_identity(budget))
    if old is not None:
        account.windows = old.windows
    return account
