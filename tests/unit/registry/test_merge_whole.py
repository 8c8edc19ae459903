"""What holds beside the integrations becomes part of the snapshot."""

import pytest

from trunkline.core import flow, service

from .conftest import Load

BASE = "version: 1\nintegrations: {openai: {secret: env:A}, groq: {secret: env:B}}\n"


@pytest.mark.row("R2", "O2", "F8", "F9", "O3")
def test_everything_is_carried_over_whole(loaded: Load) -> None:
    text = """\
budgets:
  shop: {usd: 100, scope: {team: shop, model: fast}, alerts: [1, 0.5, 0.5]}
  each: {usd: 0.5, per: day, scope: {each: key}, alerts: [], hard: false, unpriced: block}
limits:
  all: {requests: 1000, per: 1s}
  chat: {tokens: 5000, per: minute, scope: {feature: chat, integration: openai, key: web}}
  slots: {concurrency: 4, scope: {each: team}}
teams: {shop: {weight: 3}, lab: {}}
notify:
  webhook: https://hooks.example.com/t
  webhook_secret: store:W
  email: ops@example.com
  smtp: smtps://mail.example.com:465
  smtp_user: trunkline
  smtp_secret: env:SMTP
  sender: trunkline@example.com
shedding: {loop_lag: 1s, running_bytes: 1GB}
drills: {every: 30d, production: true}
cache: {size: 128MB}
models: {fast: {target: openai/gpt-4o-mini, fallback: [big, groq]}, big: {target: openai/gpt-4.1}}
routes: {llm: {integration: openai, fallback: groq}, spare: groq, alone: {integration: openai, fallback: []}}
"""
    run = loaded(BASE + text)
    snapshot = run.snapshot
    assert snapshot.budgets == [
        flow.Budget(
            name="shop",
            usd=100.0,
            scope=flow.Scope(team="shop", model="openai/gpt-4o-mini"),
            alerts=(0.5, 1.0),
        ),
        flow.Budget(
            name="each",
            usd=0.5,
            per="day",
            scope=flow.Scope(each="key"),
            alerts=(),
            hard=False,
            unpriced="block",
        ),
    ]
    assert snapshot.caller_limits == [
        flow.CallerLimit(name="all", requests=1000, per=1.0),
        flow.CallerLimit(
            name="chat",
            scope=flow.Scope(feature="chat", integration="openai", key="web"),
            tokens=5000,
            per=60.0,
        ),
        flow.CallerLimit(name="slots", scope=flow.Scope(each="team"), concurrency=4, per=0.0),
    ]
    assert snapshot.team_weights == {"shop": 3, "lab": 1}
    assert snapshot.notify == flow.Notify(
        webhook="https://hooks.example.com/t",
        webhook_secret="store:W",
        email=["ops@example.com"],
        smtp="smtps://mail.example.com:465",
        smtp_user="trunkline",
        smtp_secret="env:SMTP",
        sender="trunkline@example.com",
    )
    assert snapshot.shedding == flow.Shedding(loop_lag=1.0, running_bytes=1 << 30)
    assert snapshot.cache_bytes == 128 << 20
    assert snapshot.drills == flow.Drills(every=30 * 86400.0, production=True)
    assert snapshot.aliases == [
        service.Alias(
            name="fast",
            target="openai/gpt-4o-mini",
            fallback=[
                flow.Fallback(kind="target", target="openai/gpt-4.1"),
                flow.Fallback(kind="target", target="groq"),
            ],
        ),
        service.Alias(name="big", target="openai/gpt-4.1"),
    ]
    assert snapshot.routes == {"llm": "openai", "spare": "groq", "alone": "openai"}
    assert snapshot.route_fallback == {
        "llm": [flow.Fallback(kind="target", target="groq")],
        "alone": [],
    }
    assert run.refs == ["env:A", "env:B", "store:W", "env:SMTP"]


def test_without_a_word_everything_is_as_the_gateway_would_have_it(loaded: Load) -> None:
    snapshot = loaded(BASE).snapshot
    bare = service.Snapshot(version="", created="", environment="prod", services=[])
    for key in ("budgets", "caller_limits", "team_weights", "notify", "shedding", "cache_bytes", "drills"):
        assert getattr(snapshot, key) == getattr(bare, key), key
    assert loaded(
        BASE + "budgets: {b: {usd: 1}}\nshedding: {}\ncache: {}\nnotify: {}\n"
    ).snapshot.budgets == [flow.Budget(name="b", usd=1.0)]


@pytest.mark.row("R9")
def test_an_environment_changes_budgets_limits_and_fallbacks(loaded: Load) -> None:
    text = (
        BASE
        + """\
budgets: {b: {usd: 100}, only_prod: {usd: 5}}
limits: {l: {requests: 5, per: 1m}}
routes: {llm: {integration: openai, fallback: [groq]}}
environments:
  dev:
    budgets: {b: {usd: 1}, only_prod: null}
    limits: {l: {per: 1h}}
    routes: {llm: {fallback: {kind: static, body: none}}}
    cache: {size: 1MB}
"""
    )
    dev = loaded(text, env="dev").snapshot
    assert [(b.name, b.usd) for b in dev.budgets] == [("b", 1.0)]
    assert [(limit.requests, limit.per) for limit in dev.caller_limits] == [(5, 3600.0)]
    assert [f.kind for f in dev.route_fallback["llm"]] == ["static"]
    assert dev.cache_bytes == 1 << 20
    prod = loaded(text).snapshot
    assert [(b.name, b.usd) for b in prod.budgets] == [("b", 100.0), ("only_prod", 5.0)]
    assert (prod.caller_limits[0].per, prod.cache_bytes) == (60.0, 64 << 20)


def test_a_model_name_that_is_an_integrations_too_means_the_integration(loaded: Load) -> None:
    run = loaded(
        BASE
        + "models: {groq: {target: openai/gpt-4.1}}\nroutes: {llm: {integration: openai, fallback: groq}}\n"
    )
    assert run.snapshot.route_fallback["llm"] == [flow.Fallback(kind="target", target="groq")]
