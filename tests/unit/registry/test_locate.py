"""Where an integration is: registry, SDK variable, catalog (rulings 20 and 21)."""

import pytest

from .conftest import Load, Refused

OPENAI = "version: 1\nintegrations:\n  openai: {secret: env:A}\n"


def test_without_more_the_catalog_says_where(loaded: Load) -> None:
    run = loaded(OPENAI)
    assert (run.snapshot.services[0].base_url, run.snapshot.notes, run.findings) == (
        "https://api.openai.com",
        [],
        [],
    )


def test_an_sdk_variable_is_heeded_and_shown_with_its_origin(loaded: Load) -> None:
    run = loaded(OPENAI, environ={"OPENAI_BASE_URL": "https://eu.api.openai.com/v1/"})
    assert run.snapshot.services[0].base_url == "https://eu.api.openai.com"
    assert run.snapshot.notes == ["The address of openai is https://eu.api.openai.com, from OPENAI_BASE_URL."]
    assert [(f.severity, f.code, f.line) for f in run.findings] == [("info", "address-from-variable", 3)]


def test_the_registry_wins_over_the_variable(loaded: Load) -> None:
    text = "version: 1\nintegrations:\n  openai: {secret: env:A, base_url: 'https://mine.example.com'}\n"
    run = loaded(text, environ={"OPENAI_BASE_URL": "https://eu.api.openai.com/v1"})
    assert (run.snapshot.services[0].base_url, run.snapshot.notes) == ("https://mine.example.com", [])


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("http://127.0.0.1:4000/v1", "is Trunkline itself"),
        ("http://localhost:4001/v1", "is Trunkline itself"),
        ("http://gateway.example.com/v1", "plain HTTP"),
        ("https://169.254.169.254/v1", "never called"),
        ("https://proxy.example.com/openai", "does not end with `/v1`"),
        ("nonsense", "no http(s) address"),
    ],
)
def test_a_variable_that_leads_astray_stops_that_integration_only_and_is_named(
    loaded: Load, value: str, says: str
) -> None:
    text = OPENAI + "  stripe: {secret: env:B}\n"
    run = loaded(text, environ={"OPENAI_BASE_URL": value})
    openai, stripe = run.snapshot.services
    assert says in openai.problem
    assert "OPENAI_BASE_URL" in openai.problem
    assert stripe.problem == ""
    assert [(f.severity, f.code, f.item) for f in run.findings] == [
        ("error", "refused-variable", "integrations.openai")
    ]
    assert run.snapshot.notes == [f"openai: {openai.problem}"]


def test_a_variable_on_this_machine_may_be_plain_http(loaded: Load) -> None:
    run = loaded(OPENAI, environ={"OPENAI_BASE_URL": "http://127.0.0.1:9000/v1"})
    openai = run.snapshot.services[0]
    assert (openai.base_url, openai.private, openai.problem) == ("http://127.0.0.1:9000", True, "")


def test_own_listeners_on_other_ports_are_refused_too(loaded: Load) -> None:
    run = loaded(
        OPENAI, environ={"OPENAI_BASE_URL": "http://127.0.0.1:5000/v1"}, listeners=("127.0.0.1:5000",)
    )
    assert "is Trunkline itself" in run.snapshot.services[0].problem


def test_a_vendor_without_a_fixed_address_says_what_to_write(refused: Refused) -> None:
    (fault,) = refused("version: 1\nintegrations:\n  azure-openai: {secret: env:A}\n")
    assert (fault.code, fault.line) == ("missing-address", 3)
    assert fault.message == "`azure-openai` has no address: Azure OpenAI gives each customer one."
    assert (
        fault.cure == "Add `base_url: https://YOUR-RESOURCE.openai.azure.com`, or set AZURE_OPENAI_ENDPOINT."
    )


def test_its_address_may_come_from_the_variable(loaded: Load) -> None:
    run = loaded(
        "version: 1\nintegrations:\n  azure-openai: {secret: env:A}\n",
        environ={"AZURE_OPENAI_ENDPOINT": "https://example.openai.azure.com/"},
    )
    assert run.snapshot.services[0].base_url == "https://example.openai.azure.com"


@pytest.mark.parametrize(
    ("entry", "private"),
    [
        ("ollama:", True),
        ("vllm:", True),
        ("gotenberg:", True),
        ("qdrant:", True),
        ("openai: {secret: env:A}", False),
        ("openai: {secret: env:A, network: private}", True),
        ("crm: {base_url: 'https://10.0.0.1'}", True),
        ("crm: {base_url: 'http://127.0.0.1:9100'}", True),
        ("crm: {base_url: 'https://crm.example.com'}", False),
        (
            "crm: {base_url: 'https://crm.example.com', auth: {secret: [{ref: env:A, base_url: 'https://10.0.0.1'}]}}",
            True,
        ),
    ],
)
def test_private_addresses_are_reached_only_when_meant(loaded: Load, entry: str, private: bool) -> None:
    assert loaded(f"version: 1\nintegrations:\n  {entry}\n").snapshot.services[0].private is private
