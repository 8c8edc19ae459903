"""Budgets and limits count something that exists; notices reach somebody and carry no credential."""

import pytest

from .conftest import Load, Refused

BASE = """\
version: 1
integrations: {openai: {secret: env:A}, groq: {secret: env:B}, mine: {vendor: ollama}, stripe: {secret: env:C}}
models: {fast: {target: mine/llama3.3}}
"""


def only(refused: Refused, rest: str) -> tuple[str, str, int, str]:
    (fault,) = refused(BASE + rest)
    return fault.code, fault.item, fault.line, f"{fault.message} {fault.cure}"


@pytest.mark.row("O2", "R4")
@pytest.mark.parametrize(
    ("budget", "code", "item", "says"),
    [
        ("{}", "missing-key", "b", "`usd` is missing"),
        ("{usd: 0}", "bad-value", "b.usd", "more than 0"),
        ("{usd: 5, per: week}", "bad-value", "b.per", "Known: day, month."),
        ("{usd: 5, alerts: [0]}", "bad-value", "b.alerts[0]", "more than 0"),
        ("{usd: 5, unpriced: allow}", "bad-value", "b.unpriced", "Known: block, warn."),
        ("{usd: 5, scope: {tem: a}}", "unknown-key", "b.scope.tem", "Did you mean `team`?"),
        ("{usd: 5, scope: {each: caller}}", "bad-value", "b.scope.each", "Known: feature, integration, key"),
        ("{usd: 5, scope: {integration: opnai}}", "unknown-integration", "b.scope.integration", "Did you mean `openai`?"),
        ("{usd: 5, scope: {model: gpt-4o}}", "unknown-model", "b.scope.model", "Write `integration/model`."),
        ("{usd: 5, scope: {model: fats}}", "unknown-model", "b.scope.model", "Did you mean `fast`?"),
        ("{usd: 5, scope: {model: openai}}", "unknown-model", "b.scope.model", "Write e.g. `openai/*`"),
        ("{usd: 5, scope: {model: opnai/gpt-4o}}", "unknown-model", "b.scope.model", "Did you mean `openai`?"),
        ("{usd: 5, scope: {model: openai/gpt-4o-mni}}", "unknown-model", "b.scope.model", "`openai/gpt-4o-mini`"),
        ("{usd: 5, scope: {model: 'openai/claude-*'}}", "unknown-model", "b.scope.model", "nothing would be counted"),
        ("{usd: 5, scope: {model: stripe/gpt-4o}}", "unknown-model", "b.scope.model", "nothing would be counted"),
    ],
)  # fmt: skip
def test_a_budget_counts_what_there_is(
    refused: Refused, budget: str, code: str, item: str, says: str
) -> None:
    found, at, line, text = only(refused, f"budgets:\n  b: {budget}\n")
    assert (found, at, line) == (code, f"budgets.{item}", 5)
    assert says in text


@pytest.mark.row("O2")
@pytest.mark.parametrize(
    "scope",
    [
        "{}",
        "{team: shop, feature: chat, key: web}",
        "{integration: stripe}",
        "{model: openai/gpt-4o}",
        "{model: 'openai/gpt-*', each: key}",
        "{model: '*/gpt-*'}",
        "{model: '*'}",
        "{model: fast}",
        "{model: mine/llama3.3}",
        "{model: mine/whatever}",
    ],
)
def test_a_scope_may_be_anything_that_can_be_called(loaded: Load, scope: str) -> None:
    run = loaded(
        f"{BASE}budgets: {{b: {{usd: 5, scope: {scope}}}}}\nlimits: {{l: {{requests: 5, per: 1m, scope: {scope}}}}}\n"
    )
    assert run.snapshot.budgets[0].scope == run.snapshot.caller_limits[0].scope


@pytest.mark.row("F8", "R4")
@pytest.mark.parametrize(
    ("limit", "code", "item", "says"),
    [
        ("{}", "bad-limit", "l", "exactly one of `requests`, `tokens`, `concurrency`"),
        ("{requests: 5}", "bad-limit", "l", "`requests` needs a period"),
        ("{requests: 5, tokens: 5, per: 1m}", "bad-limit", "l", "exactly one"),
        ("{tokens: 5, per: 40d}", "bad-limit", "l.per", "Give 1s to 30d, or `month`."),
        ("{concurrency: 5, per: 1m}", "bad-limit", "l.per", "no period"),
        ("{usd: 5, per: 1d}", "unknown-key", "l.usd", "Known: concurrency"),
        ("{requests: 5, per: 1m, scope: {integration: x}}", "unknown-integration", "l.scope.integration", "Known:"),
    ],
)  # fmt: skip
def test_a_limit_toward_callers_means_one_thing(
    refused: Refused, limit: str, code: str, item: str, says: str
) -> None:
    found, at, line, text = only(refused, f"limits:\n  l: {limit}\n")
    assert (found, at, line) == (code, f"limits.{item}", 5)
    assert says in text


@pytest.mark.parametrize(
    ("rest", "code", "item", "says"),
    [
        ("budgets: {a b: {usd: 5}}", "bad-name", "budgets.a b", "Use letters"),
        ("limits: {'': {requests: 5, per: 1m}}", "bad-name", "limits.", "Use letters"),
        ("teams: {shop: {weight: 0}}", "bad-value", "teams.shop.weight", "at least 1"),
        ("drills: {every: 1m}", "bad-value", "drills.every", "Give 1h to 365d."),
        ("shedding: {loop_lag: 1ms}", "bad-value", "shedding.loop_lag", "Give 10ms to 10s."),
        ("shedding: {running_bytes: 1000}", "bad-type", "shedding.running_bytes", "size is needed"),
        ("shedding: {running_bytes: 1B}", "bad-value", "shedding.running_bytes", "Give 1MB to 1024GB."),
        ("cache: {size: 0B}", "bad-value", "cache.size", "Give 1MB to 1024GB."),
    ],
)
def test_teams_shedding_and_the_cache_keep_to_their_ranges(
    refused: Refused, rest: str, code: str, item: str, says: str
) -> None:
    found, at, line, text = only(refused, rest + "\n")
    assert (found, at, line) == (code, item, 4)
    assert says in text


HOOK = "webhook: 'https://hooks.example.com/t', webhook_secret: store:W"
MAIL = "smtp: 'smtp://mail.example.com:587', sender: t@example.com"


@pytest.mark.row("O3", "S1")
@pytest.mark.parametrize(
    ("notify", "code", "item", "says"),
    [
        ("webhook: 'http://hooks.example.com', webhook_secret: store:W", "bad-address", "notify.webhook", "plain HTTP"),
        ("webhook: 'http://127.0.0.1:4000/x', webhook_secret: store:W", "bad-address", "notify.webhook", "Trunkline itself"),
        ("webhook: 'https://169.254.169.254/', webhook_secret: store:W", "bad-address", "notify.webhook", "never called"),
        ("webhook: 'https://a:b@hooks.example.com', webhook_secret: store:W", "bad-address", "notify.webhook", "not shown"),
        ("webhook: 'https://hooks.example.com'", "missing-secret", "notify", "Add `webhook_secret: store:WEBHOOK_SECRET`."),
        ("webhook: 'https://hooks.example.com', webhook_secret: whsec_bm90", "literal-secret", "notify.webhook_secret", "not shown"),
        ("webhook: 'https://hooks.example.com', webhook_secret: '${W}'", "bad-reference", "notify.webhook_secret", "`env:NAME`"),
        (f"{MAIL}, email: nobody", "bad-value", "notify", "no mail address"),
        ("smtp: 'smtp://mail.example.com', email: a@example.com", "missing-key", "notify.email", "Add e.g. `sender: "),
        ("sender: t@example.com, email: a@example.com", "missing-key", "notify.email", "needs a mail server"),
        ("smtp: 'https://mail.example.com'", "bad-address", "notify.smtp", "`smtp://host:port`"),
        ("smtp: 'smtp://u:p@mail.example.com'", "bad-address", "notify.smtp", "`smtp_user`, `smtp_secret`"),
        ("smtp: 'smtp://mail.example.com:99999'", "bad-address", "notify.smtp", "`smtp://host:port`"),
        (f"{MAIL}, smtp_user: u", "missing-key", "notify", "belong together"),
        (f"{MAIL}, smtp_user: u, smtp_secret: not-a-real-key", "literal-secret", "notify.smtp_secret", "not shown"),
    ],
)  # fmt: skip
def test_a_notice_reaches_somebody_and_shows_no_secret(
    refused: Refused, notify: str, code: str, item: str, says: str
) -> None:
    found, at, line, text = only(refused, f"notify: {{{notify}}}\n")
    assert (found, at, line) == (code, item, 4)
    assert says in text
    assert "bm90" not in text
    assert "not-a-real" not in text


@pytest.mark.parametrize(
    "notify",
    [
        "{}",
        f"{{{HOOK}}}",
        "{webhook: 'http://127.0.0.1:9000/x', webhook_secret: env:W}",
        "{webhook: 'https://hooks.example.com/x?team=1', webhook_secret: env:W}",
        f"{{{MAIL}, email: a@example.com}}",
        f"{{{HOOK}, {MAIL}, email: [a@example.com, b@example.com], smtp_user: u, smtp_secret: 'file:s.env#P'}}",
        "{smtp: 'smtps://[::1]:465'}",
    ],
)
def test_every_way_of_being_told(loaded: Load, notify: str) -> None:
    assert loaded(f"{BASE}notify: {notify}\n").findings == []


@pytest.mark.row("S1")
@pytest.mark.parametrize(
    "rest",
    [
        "notify: {webhook: 'https://hooks.example.com/?k=sk-test-not-a-real-key', webhook_secret: env:W}",
        "notify: {sender: sk-test-not-a-real-key@example.com}",
        "routes: {r: {integration: groq, fallback: {kind: static, body: {a: sk-test-not-a-real-key}}}}",
        "budgets: {b: {usd: 5, scope: {key: sk-test-not-a-real-key}}}",
        "notify: {webhook_secret: [sk-test-not-a-real-key]}",
    ],
)
def test_a_secret_anywhere_is_an_error_that_never_shows_it(refused: Refused, rest: str) -> None:
    found = refused(f"{BASE}{rest}\n")
    assert "not-a-real-key" not in "\n".join(str(f) + f.value + repr(f) for f in found)
    assert {f.line for f in found} == {4}


def test_faults_of_an_overlay_are_told_with_its_place(refused: Refused) -> None:
    found = refused(
        f"{BASE}environments:\n  dev:\n    budgets: {{b: {{usd: 5, scope: {{integration: x}}}}}}\n"
    )
    assert [(f.item, f.line) for f in found] == [("budgets.b.scope.integration", 6)]


def test_a_model_that_only_an_alias_names_can_have_a_budget(loaded: Load, refused: Refused) -> None:
    budget = "budgets: {b: {usd: 5, scope: {model: openai/brand-new}}}\n"
    assert only(refused, budget)[0] == "unknown-model"
    run = loaded(BASE.replace("models: {", "models: {new: {target: openai/brand-new}, ") + budget)
    assert run.snapshot.budgets[0].scope.model == "openai/brand-new"
