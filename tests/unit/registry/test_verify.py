"""What must hold between the items of a registry; each error with its line, value and cure, and all of them at once."""

import pytest

from .conftest import ISSUE, Load, Refused

CRM = "base_url: 'https://crm.example.com'"


def faulty(refused: Refused, entry: str, rest: str = "") -> tuple[str, str, str]:
    (fault,) = refused(f"version: 1\nintegrations:\n  {entry}\n{rest}")
    assert fault.line >= 1
    assert fault.column >= 1
    return fault.code, fault.item.removeprefix("integrations."), f"{fault.message} {fault.cure}".strip()


@pytest.mark.row("R4")
@pytest.mark.parametrize(
    ("entry", "code", "item", "says"),
    [
        ("opnai: {secret: env:A}", "unknown-vendor", "opnai", "Did you mean `openai`?"),
        ("crm: {secret: env:A}", "unknown-vendor", "crm", "give it a `base_url`"),
        ("x: {vendor: striped, secret: env:A}", "unknown-vendor", "x.vendor", "Did you mean `stripe`?"),
        ("x: {vendor: zzz, secret: env:A}", "unknown-vendor", "x.vendor", "Known: ai21"),
        ("OpenAI: {vendor: openai, secret: env:A}", "bad-name", "OpenAI", "small letters"),
        ("openai: {}", "missing-secret", "openai", "Add `secret: env:OPENAI_API_KEY`."),
        ("openai:", "missing-secret", "openai", "Add `secret: env:OPENAI_API_KEY`."),
        ("openai: {secret: env:A, auth: {secret: env:B}}", "two-secrets", "openai.secret", "Keep one"),
        ("openai: {secret: []}", "bad-reference", "openai.secret", "The pool is empty."),
        (
            "openai: {secret: [{ref: env:A}, {ref: env:A}]}",
            "duplicate-reference",
            "openai.secret[1].ref",
            "weight",
        ),
        (
            "openai: {secret: [{ref: env:A, base_url: 'http://eu.example.com'}]}",
            "bad-address",
            "openai.secret[0].base_url",
            "allow_http",
        ),
        (f"crm: {{{CRM}, auth: {{kind: bearer}}}}", "missing-secret", "crm.auth", "Add `secret: env:NAME`."),
        (
            f"crm: {{{CRM}, auth: {{kind: header, secret: env:A}}}}",
            "missing-key",
            "crm.auth",
            "`name: X-Api-Key`",
        ),
        (f"crm: {{{CRM}, auth: {{kind: query, secret: env:A}}}}", "missing-key", "crm.auth", "of the query"),
        (
            f"crm: {{{CRM}, auth: {{kind: bearer, name: X, secret: env:A}}}}",
            "unused-key",
            "crm.auth.name",
            "kind `header`",
        ),
        (
            f"crm: {{{CRM}, auth: {{kind: header, name: 'X Y', secret: env:A}}}}",
            "bad-value",
            "crm.auth.name",
            "no header name",
        ),
        (
            f"crm: {{{CRM}, auth: {{username: a, secret: env:A}}}}",
            "unused-key",
            "crm.auth.username",
            "`basic`",
        ),
        (
            f"crm: {{{CRM}, auth: {{kind: none, secret: env:A}}}}",
            "unused-key",
            "crm.auth.kind",
            "Remove the secret",
        ),
        (
            f"crm: {{{CRM}, auth: {{template: Token, secret: env:A}}}}",
            "bad-value",
            "crm.auth.template",
            "`Token {secret}`",
        ),
        ("crm: {base_url: 'http://crm.example.com'}", "bad-address", "crm.base_url", "allow_http: true"),
        ("crm: {base_url: 'http://169.254.169.254'}", "bad-address", "crm.base_url", "never called"),
        ("crm: {base_url: 'http://localhost:4000'}", "bad-address", "crm.base_url", "Trunkline itself"),
        (f"crm: {{{CRM}, proxy: socks5://x}}", "bad-address", "crm.proxy", "proxy.example.com"),
        (
            f"crm: {{{CRM}, headers: {{Authorization: abc}}}}",
            "literal-secret",
            "crm.headers.Authorization",
            "Use `auth`",
        ),
        (f"crm: {{{CRM}, headers: {{Host: abc}}}}", "bad-value", "crm.headers.Host", "connection itself"),
        (f"crm: {{{CRM}, headers: {{'X Y': abc}}}}", "bad-value", "crm.headers.X Y", "no header name"),
        (f'crm: {{{CRM}, headers: {{X: "a\\r\\nb"}}}}', "bad-value", "crm.headers.X", "control"),
        (
            f"crm: {{{CRM}, api_version: {{header: X}}}}",
            "missing-key",
            "crm.api_version",
            "`value` is missing",
        ),
        (
            f"crm: {{{CRM}, api_version: {{value: a, header: X, query: v}}}}",
            "bad-value",
            "crm.api_version",
            "Keep one",
        ),
        (
            f"crm: {{{CRM}, api_version: {{value: a, path: v1}}}}",
            "bad-value",
            "crm.api_version.path",
            "Write `/v1`.",
        ),
        (f"crm: {{{CRM}, limits: [{{per: 1m}}]}}", "bad-limit", "crm.limits[0]", "exactly one"),
        (
            f"crm: {{{CRM}, limits: [{{requests: 1, tokens: 1, per: 1m}}]}}",
            "bad-limit",
            "crm.limits[0]",
            "exactly one",
        ),
        (
            f"crm: {{{CRM}, limits: [{{requests: 1}}]}}",
            "bad-limit",
            "crm.limits[0]",
            "`requests` needs a period",
        ),
        (
            f"crm: {{{CRM}, limits: [{{requests: 1, per: 0s}}]}}",
            "bad-limit",
            "crm.limits[0].per",
            "Give 1s to 30d",
        ),
        (
            f"crm: {{{CRM}, limits: [{{concurrency: 1, per: 1s}}]}}",
            "bad-limit",
            "crm.limits[0].per",
            "Remove `per`.",
        ),
        (f"crm: {{{CRM}, timeout: {{total: 0s}}}}", "bad-value", "crm.timeout.total", "Give 1ms to 1d."),
        (f"crm: {{{CRM}, tls: {{cert_file: a.pem}}}}", "missing-key", "crm.tls", "belong together"),
        (
            f"crm: {{{CRM}, idempotency: {{header: 'a b'}}}}",
            "bad-value",
            "crm.idempotency.header",
            "Idempotency-Key",
        ),
        (
            f"crm: {{{CRM}, operations: [{{name: a, method: GET, path: '/{{x'}}]}}",
            "bad-path",
            "crm.operations[0].path",
            "braces",
        ),
        (
            f"crm: {{{CRM}, operations: [{{name: a, method: GET, path: '/{{x+}}/y'}}]}}",
            "bad-path",
            "crm.operations[0].path",
            "last segment",
        ),
        (
            f"crm: {{{CRM}, operations: [{{name: a, method: GET, path: '/x?y'}}]}}",
            "bad-path",
            "crm.operations[0].path",
            "query",
        ),
        (
            f"crm: {{{CRM}, operations: [{{name: 'a b', method: GET, path: /x}}]}}",
            "bad-name",
            "crm.operations[0].name",
            "letters",
        ),
        (
            f"crm: {{{CRM}, operations: [{{name: a, method: GET, path: /x}}, {{name: a, method: GET, path: /y}}]}}",
            "duplicate-name",
            "crm.operations[1].name",
            "declared twice",
        ),
        (
            f"crm: {{{CRM}, errors: [{{kind: rate_limitd, status: [429]}}]}}",
            "unknown-code",
            "crm.errors[0].kind",
            "Did you mean `rate_limited`?",
        ),
        (f"crm: {{{CRM}, errors: [{{kind: billing}}]}}", "bad-rule", "crm.errors[0]", "hold always"),
        (
            f"crm: {{{CRM}, errors: [{{kind: billing, text: '('}}]}}",
            "bad-pattern",
            "crm.errors[0].text",
            "regular expression",
        ),
        (
            f"crm: {{{CRM}, errors: [{{kind: billing, body: {{code: x}}}}]}}",
            "bad-pointer",
            "crm.errors[0].body.code",
            "Begin it with `/`.",
        ),
        (
            f"crm: {{{CRM}, errors: [{{kind: billing, header: {{x: '['}}}}]}}",
            "bad-pattern",
            "crm.errors[0].header.x",
            "regular expression",
        ),
        (f"crm: {{{CRM}, ok_body: {{ok: 'true'}}}}", "bad-pointer", "crm.ok_body.ok", "Begin it with `/`."),
        (f"crm: {{{CRM}, ok_body: {{/ok: '['}}}}", "bad-pattern", "crm.ok_body./ok", "regular expression"),
        (f"crm: {{{CRM}, usage: {{units: x}}}}", "bad-pointer", "crm.usage.units", "Begin it with `/`."),
    ],
)
def test_an_error_names_item_and_cure(refused: Refused, entry: str, code: str, item: str, says: str) -> None:
    found = refused(f"version: 1\nintegrations:\n  {entry}\n")
    first = next(f for f in found if f.code == code)
    assert (first.item.removeprefix("integrations."), first.line) == (item, 3)
    assert says in f"{first.message} {first.cure}"


@pytest.mark.row("P5")
@pytest.mark.parametrize(
    ("rest", "code", "item", "says"),
    [
        ("routes: {openai: openai}", "name-taken", "routes.openai", "has the name of an integration"),
        ("routes: {llm: opnai}", "unknown-integration", "routes.llm", "Did you mean `openai`?"),
        ("routes: {LLM: openai}", "bad-name", "routes.LLM", "small letters"),
        ("models: {fast: {target: gpt-4o}}", "bad-value", "models.fast.target", "Write `integration/model`"),
        (
            "models: {fast: {target: opnai/gpt-4o}}",
            "unknown-integration",
            "models.fast.target",
            "Did you mean `openai`?",
        ),
        ("models: {a/b: {target: openai/gpt-4o}}", "bad-name", "models.a/b", "letters"),
    ],
)
def test_routes_and_models_name_what_there_is(
    refused: Refused, rest: str, code: str, item: str, says: str
) -> None:
    found_code, found_item, text = faulty(refused, "openai: {secret: env:A}", rest)
    assert (found_code, found_item) == (code, item)
    assert says in text


def test_an_alias_needs_an_integration_that_has_models(refused: Refused) -> None:
    code, _, text = faulty(refused, "stripe: {secret: env:A}", "models: {pay: {target: stripe/gpt-4o}}")
    assert (code, "serves no AI wire format" in text) == ("unknown-model", True)


def test_a_model_that_is_not_in_the_catalog_is_only_a_warning(loaded: Load) -> None:
    text = (
        "version: 1\nintegrations: {openai: {secret: env:A}}\nmodels: {fast: {target: openai/gpt-4o-minni}}\n"
    )
    (finding,) = loaded(text).findings
    assert (finding.severity, finding.code, finding.line) == ("warning", "unknown-model", 3)
    assert finding.cure.startswith("Did you mean `gpt-4o-mini`?")


@pytest.mark.row("S1")
@pytest.mark.parametrize(
    "entry",
    [
        "openai: {secret: sk-test-not-a-real-key}",
        "openai: {secret: [{ref: sk-test-not-a-real-key}]}",
        "openai: {auth: {secret: sk-test-not-a-real-key}}",
        "crm: {base_url: 'https://crm.example.com', headers: {X-Note: sk-test-not-a-real-key}}",
        "crm: {base_url: 'https://crm.example.com', title: sk-test-not-a-real-key}",
        "crm: {base_url: 'https://u:sk-test-not-a-real-key@crm.example.com'}",
        "crm: {base_url: 'https://crm.example.com?k=sk-test-not-a-real-key'}",
        "openai: {secret: not-a-real-key-of-no-form}",
        "openai: {secret: 'password:not-a-real-key'}",
    ],
)
def test_a_secret_in_the_file_is_an_error_that_never_shows_it(refused: Refused, entry: str) -> None:
    found = refused(f"version: 1\nintegrations:\n  {entry}\n")
    assert "not-a-real-key" not in "\n".join(str(f) + f.value + repr(f) for f in found)
    assert {f.line for f in found} == {3}


def test_all_errors_are_told_in_one_run(refused: Refused) -> None:
    text = ISSUE.replace("openai: {secret: env:OPENAI_API_KEY}", "openai: {}").replace(
        "payment: stripe", "payment: strip"
    )
    text = text.replace("{requests: 100, per: 1m}", "{requests: 100}")
    assert [(f.line, f.code) for f in refused(text)] == [
        (3, "missing-secret"),
        (14, "bad-limit"),
        (19, "unknown-integration"),
    ]


@pytest.mark.row("A4")
def test_a_discount_that_can_lessen_nothing_is_warned_of_and_one_of_everything_refused(
    loaded: Load, refused: Refused
) -> None:
    text = "version: 1\nintegrations: {openai: {secret: env:A, discounts: {'gpt-5*': 0.2, 'gpt-5': 0.1, '*': 0.1}}}\n"
    found = [f for f in loaded(text).findings if f.code == "unknown-model"]
    assert [(f.severity, f.value) for f in found] == [("warning", "gpt-5")]
    assert faulty(refused, "openai: {secret: env:A, discounts: {'*': 1}}")[1] == "openai.discounts.*"
