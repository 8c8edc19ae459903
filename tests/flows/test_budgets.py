"""Budgets, as callers meet them: never overspent, exact over kill -9, and the money told wherever it is looked for."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.battery.served import serving
from tests.support.caller import Answer, Cut, Line, call, request
from tests.support.gateway import SECRETS, Call, Trunkline
from tests.support.polling import eventually
from tests.support.simulator import SimulatorProcess
from tests.support.site import SILENCE, Seen, Site, reply
from trunkline.core.codec import pack_decoder
from trunkline.journal.spend import FILE_NAME, SpendBook
from trunkline.ledger.spent import kept_book

CHAT = "/v1/chat/completions"
REGISTRY = """
version: 1
defaults: {retry: {attempts: 1}, breaker: {volume: 1000000}}
integrations:
  site:
    base_url: "{site}"
    auth: {kind: none}
    dialects: [{name: openai-chat, path: /v1/chat/completions}]
    models:
      - {id: tiny, price: {input: 1000, output: 10000}}
      - {id: unknown}
  sim:
    base_url: "{simulator}/openai"
    secret: env:OPENAI_API_KEY
    dialects: [{name: openai-chat, path: /v1/chat/completions}]
    models: [{id: gpt-4o-mini, price: {input: 1000, output: 10000}}]
  stripe: {base_url: "{simulator}/stripe", secret: env:STRIPE_SECRET_KEY}
budgets:
"""
"""A tenth of a cent for each token of input, a cent for each of output."""
ASKED = {"messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 10}


class Stands(NamedTuple):
    spent: float
    reserved: float


_stats = pack_decoder(dict[str, Any])


def stands(gateway: Trunkline, name: str, of: str = "") -> Stands:
    """What the gateway last wrote of a budget."""
    file = gateway.state.path / "gateway.stats"
    found = _stats.decode(file.read_bytes())["budgets"] if file.exists() else []
    one = next((b for b in found if (b["budget"], b["of"]) == (name, of)), None)
    if one is None:
        return Stands(-1.0, -1.0)
    return Stands(round(one["spent_usd"], 9), round(one["reserved_usd"], 9))


def chat(model: str = "site/tiny", **more: Any) -> dict[str, Any]:
    return {"model": model, **ASKED, **more}


def answered(prompt: int, completion: int) -> bytes:
    """A vendor's answer that costs so many tokens."""
    usage = {"prompt_tokens": prompt, "completion_tokens": completion}
    return reply(json.dumps({"model": "tiny", "choices": [], "usage": usage}).encode())


def costs(calls: dict[str, Call]) -> float:
    """What the journal says that all calls have cost."""
    return sum(max(end.cost_usd, 0.0) + end.wasted_usd for call in calls.values() for end in call.ends)


@pytest.mark.row("O2")
def test_a_budget_is_spent_then_refuses_with_the_instant_of_its_end(
    start: Callable[..., Trunkline], site: Site
) -> None:
    gateway = start(REGISTRY + "  shop: {usd: 0.3, per: day, scope: {team: shop}}\n")
    key = gateway.new_key("shop", "*", team="shop")
    site.script.extend([answered(50, 10), answered(50, 5)])
    first = gateway.call("POST", CHAT, chat(), key=key)
    assert (first.status, first.field("x-trunkline-cost-usd")) == (200, "0.15")
    assert gateway.call("POST", CHAT, chat(max_tokens=5), key=key).status == 200
    refused = gateway.call("POST", CHAT, chat(max_tokens=5), key=key)
    error = refused.json["error"]
    assert (refused.status, error["code"], error["scope"], error["retryable"], error["attempts"]) == (
        402,
        "over_budget",
        "budget",
        False,
        0,
    )
    assert error["message"].startswith(
        "the budget 'shop' has spent 0.25 of 0.3 USD this day, and this call may cost "
    )
    assert error["retryAt"].endswith("T00:00:00.000Z")
    assert refused.field("x-should-retry") == "false"
    assert gateway.recorded(refused).end.code == "over_budget"
    assert len(site.seen) == 2
    assert gateway.call("POST", CHAT, chat()).status == 200, "another team"
    assert gateway.call("GET", "/api/proxy/stripe/v1/balance", key=key).status == 200, "what costs nothing"
    proxied = gateway.call(
        "POST", "/api/proxy/site/v1/chat/completions", {**chat(), "model": "tiny"}, key=key
    )
    assert (proxied.status, proxied.json["code"]) == (402, "over_budget"), "no way around it"


@pytest.mark.row("O2", "F2", "F11")
def test_a_spent_budget_refuses_nothing_that_is_answered_for_free(
    start: Callable[..., Trunkline], site: Site
) -> None:
    gateway = start(
        REGISTRY.replace("    dialects", "    cache: {ttl: 1h}\n    dialects", 1) + "  all: {usd: 0.2}\n"
    )
    site.script.extend([answered(50, 5), answered(50, 5)])
    paid = gateway.call("POST", CHAT, chat())
    under_key = gateway.call("POST", CHAT, chat(max_tokens=1), [("Idempotency-Key", "order-17")])
    assert (paid.status, under_key.status) == (200, 200)
    again = gateway.call("POST", CHAT, chat())
    replayed = gateway.call("POST", CHAT, chat(max_tokens=1), [("Idempotency-Key", "order-17")])
    assert (again.status, again.field("x-trunkline-cost-usd")) == (200, "0")
    assert (replayed.status, replayed.field("x-trunkline-idempotent-replay")) == (200, "true")
    assert gateway.call("POST", CHAT, chat(max_tokens=2)).status == 402
    freed = gateway.call("POST", CHAT, chat(max_tokens=2), [("Idempotency-Key", "order-18")])
    other = gateway.call("POST", CHAT, chat(max_tokens=3), [("Idempotency-Key", "order-18")])
    assert (freed.json["error"]["code"], other.json["error"]["code"]) == ("over_budget", "over_budget"), (
        "a refusal of ours did nothing: the key is free"
    )
    assert len(site.seen) == 2


@pytest.mark.row("O2")
def test_a_stream_that_tells_no_usage_and_one_that_breaks_off_are_paid_for(
    start: Callable[..., Trunkline], simulator: SimulatorProcess
) -> None:
    gateway = start(REGISTRY + "  all: {usd: 1000}\n")
    whole = gateway.call("POST", CHAT, chat("sim/gpt-4o-mini", stream=True, max_tokens=40))
    assert whole.status == 200
    first = gateway.recorded(whole).end
    assert (first.usage_estimated, first.cost_usd > 0.02) == (True, True)
    simulator.fault("reset_mid", "openai", times=1)
    with suppress(Cut):
        gateway.call("POST", CHAT, chat("sim/gpt-4o-mini", stream=True, max_tokens=40))
    ends = [
        call.end
        for call in eventually(
            lambda: sum(bool(c.ends) for c in gateway.calls().values()) == 2 and gateway.calls(),
            "both records",
        ).values()
    ]
    eventually(
        lambda: stands(gateway, "all") == Stands(round(sum(end.cost_usd for end in ends), 9), 0.0),
        "both to be counted",
    )


@pytest.mark.row("O2")
def test_models_without_a_price_are_noted_or_refused(start: Callable[..., Trunkline]) -> None:
    gateway = start(
        REGISTRY
        + "  soft: {usd: 5, scope: {team: free}}\n  strict: {usd: 5, unpriced: block, scope: {team: strict}}\n"
    )
    noted = gateway.call("POST", CHAT, chat("site/unknown"), key=gateway.new_key("free", "*", team="free"))
    assert (noted.status, gateway.recorded(noted).end.notes) == (200, "unpriced=site/unknown")
    refused = gateway.call(
        "POST", CHAT, chat("site/unknown"), key=gateway.new_key("strict", "*", team="strict")
    )
    assert (refused.status, refused.json["error"]["code"]) == (402, "unpriced")


@pytest.mark.row("O2", "W1")
def test_a_key_with_a_budget_of_its_own_is_bound_from_its_first_call(
    start: Callable[..., Trunkline], site: Site
) -> None:
    gateway = start(REGISTRY + "  big: {usd: 1000}\n")
    key = gateway.new_key("metered", "*", budget_usd=0.2, budget_per="month")
    site.script.extend([answered(0, 20)] * 2)
    assert [gateway.call("POST", CHAT, chat(), key=key).status for _ in range(2)] == [200, 402]
    assert gateway.call("POST", CHAT, chat()).status == 200


@pytest.mark.row("O2", "R5")
def test_a_budget_that_comes_by_a_reload_knows_what_was_spent_before(
    start: Callable[..., Trunkline], site: Site
) -> None:
    gateway = start(REGISTRY + "  other: {usd: 100, scope: {team: nobody}}\n")
    site.script.extend([answered(0, 20)] * 2)
    assert [gateway.call("POST", CHAT, chat()).status for _ in range(2)] == [200, 200]
    assert gateway.reload(gateway.config.read_text() + "  late: {usd: 0.5}\n").ok
    eventually(lambda: stands(gateway, "late").spent == 0.4, "the budget to be counted")
    assert gateway.call("POST", CHAT, chat()).status == 402


@pytest.mark.row("O2", "O3")
def test_a_share_that_is_reached_is_told_once_by_a_signed_webhook(tmp_path: Path, site: Site) -> None:
    """The whole of `trunkline serve`: the gateway counts, the console tells, the command line and the API show it."""
    registry = REGISTRY.replace("{site}", site.address).replace("{simulator}", site.address) + (
        "  all: {usd: 1, per: month}\n"
        f"notify: {{webhook: '{site.address}/told', webhook_secret: env:WEBHOOK_SECRET}}\n"
    )
    hook = "whsec_" + base64.b64encode(b"a-test-key-that-is-not-a-real-one").decode()
    with serving(tmp_path, registry, secrets={**SECRETS, "WEBHOOK_SECRET": hook}) as served:
        site.script.append(answered(0, 60))
        lines = {"authorization": f"Bearer {served.key}", "content-type": "application/json"}
        assert call(served.port, "POST", CHAT, lines, json.dumps(chat()).encode()).status == 200

        def told() -> list[Seen]:
            return [seen for seen in site.seen if seen.target == "/told"]

        (seen,) = eventually(told, "the notice")
        signed = f"{seen.field('webhook-id')}.{seen.field('webhook-timestamp')}.".encode() + seen.body
        digest = base64.b64encode(
            hmac.digest(b"a-test-key-that-is-not-a-real-one", signed, "sha256")
        ).decode()
        assert seen.field("webhook-signature") == f"v1,{digest}"
        (item,) = seen.json["data"]["items"]
        assert (seen.json["type"], item["kind"], item["facts"]["share"], item["facts"]["spent_usd"]) == (
            "alert.firing",
            "budget.share",
            "0.5",
            "0.6",
        )
        shown = served.run("budgets", "--json")
        (one,) = json.loads(shown.stdout)
        assert (one["spent_usd"], one["left_usd"], one["forecast_usd"] >= 0.6) == (0.6, 0.4, True)
        served.kill("console")
        eventually(lambda: served.run("budgets").returncode == 0, "the command line without a console")
        assert len(told()) == 1


# Never more than there is.


class Crowd:
    """Many calls that are under way together, each on a connection of its own."""

    def __init__(
        self, stack: ExitStack, gateway: Trunkline, key: str, body: dict[str, Any], many: int
    ) -> None:
        data = json.dumps(body).encode()
        fields = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        self.lines = [stack.enter_context(Line(gateway.port)) for _ in range(many)]
        for line in self.lines:
            line.send(request("POST", CHAT, fields, data))

    def answers(self) -> list[Answer]:
        return [line.answer() for line in self.lines]


def set_aside(body: dict[str, Any]) -> float:
    """What is held back for such a call: a third of its bytes and a little more as input, and all the output that it allows."""
    return (len(json.dumps(body).encode()) // 3 + 8) * 0.001 + body["max_tokens"] * 0.01


@pytest.mark.row("O2", "Q2")
def test_five_hundred_at_once_with_money_for_a_hundred(
    start: Callable[..., Trunkline], simulator: SimulatorProcess
) -> None:
    """M1."""
    gateway = start(REGISTRY + "  big: {usd: 100000}\n")
    one = set_aside(chat("sim/gpt-4o-mini"))
    money = 100 * one + 1e-6
    key = gateway.new_key("crowd", "*", concurrency=0, budget_usd=money, budget_per="month")
    simulator.latency("openai", first_ms=1500)
    with ExitStack() as stack:
        answers = Crowd(stack, gateway, key, chat("sim/gpt-4o-mini"), 500).answers()
    passed = [answer for answer in answers if answer.status == 200]
    refused = [answer for answer in answers if answer.status == 402]
    # On a slow machine the first may have ended when the last come; then their money is free again.
    assert len(passed) >= 100
    assert len(passed) + len(refused) == 500
    assert {(a.json["error"]["code"], a.json["error"]["retryable"]) for a in refused} == {
        ("over_budget", True)
    }
    simulator.latency("openai", first_ms=0)
    eventually(lambda: stands(gateway, "big").reserved == 0.0, "nothing to be set aside any more")
    more = []
    while (answer := gateway.call("POST", CHAT, chat("sim/gpt-4o-mini"), key=key)).status == 200:
        more.append(answer)
    spent = costs(gateway.calls())
    assert money - one < spent <= money, "no more than there is, and all that could be spent"
    assert len(simulator.ledger(vendor="openai")) == len(passed) + len(more)
    eventually(lambda: stands(gateway, "big") == Stands(round(spent, 9), 0.0), "the figures to agree")


@pytest.mark.row("O2", "Q2")
def test_kill_9_leaves_nothing_set_aside_and_forgets_no_cent(
    start: Callable[..., Trunkline], site: Site
) -> None:
    gateway = start(REGISTRY + "  all: {usd: 1.5, per: month}\n")
    site.script.extend([answered(0, 20), answered(0, 30)])
    for _ in range(2):
        assert gateway.call("POST", CHAT, chat()).status == 200
    checkpoint(gateway)
    site.script.append(answered(0, 25))
    assert gateway.call("POST", CHAT, chat()).status == 200
    site.script.extend([SILENCE] * 5)
    with ExitStack() as stack:
        crowd = Crowd(stack, gateway, gateway.key, chat(), 5)
        eventually(lambda: stands(gateway, "all").reserved > 0.6, "five calls to hold their money")
        assert gateway.call("POST", CHAT, chat()).status == 402, "what runs may cost the rest"
        gateway.kill()
        assert len(crowd.lines) == 5
    eventually(lambda: stands(gateway, "all") == Stands(0.75, 0.0), "the figures after the restart")
    site.script.extend([answered(0, 30), answered(0, 35)])
    assert [gateway.call("POST", CHAT, chat()).status for _ in range(3)] == [200, 200, 402]
    assert costs(gateway.calls()) == pytest.approx(1.4)
    cut = [call for call in gateway.calls().values() if not call.ends]
    assert len(cut) == 5


def checkpoint(gateway: Trunkline) -> None:
    """What the console does every few seconds."""
    book: SpendBook = kept_book(
        gateway.state.journal, gateway.state.ledger, gateway.state.path / FILE_NAME, 0
    )
    book.catch_up()
    book.write()
    book.close()


@pytest.mark.row("O2", "Q2")
def test_killed_again_and_again_it_still_knows_every_cent(
    start: Callable[..., Trunkline], simulator: SimulatorProcess
) -> None:
    gateway = start(REGISTRY + "  all: {usd: 100000}\n")
    simulator.latency("openai", first_ms=20)
    for turn in range(4):
        with ExitStack() as stack:
            crowd = Crowd(stack, gateway, gateway.key, chat("sim/gpt-4o-mini"), 40)
            for line in crowd.lines[: 10 * turn]:
                line.answer()
            if turn == 2:
                checkpoint(gateway)
            gateway.kill()
        if turn == 1:
            checkpoint(gateway)
        spent = round(costs(gateway.calls()), 9)
        eventually(
            lambda spent=spent: stands(gateway, "all") == Stands(spent, 0.0),
            f"restart {turn} to know {spent} USD",
        )
    assert costs(gateway.calls()) > 0
