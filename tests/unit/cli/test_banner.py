"""What `trunkline serve` says when it is ready."""

import pytest

from trunkline.cli import banner
from trunkline.control import publish
from trunkline.control.state import State
from trunkline.core.service import Credential, Service, Snapshot
from trunkline.settings import Settings


def service(name, **given):
    return Service(
        name=name,
        base_url="https://x.example",
        **{"credentials": [Credential(ref=f"env:{name.upper()}")], **given},
    )


@pytest.fixture
def state(tmp_path):
    state = State(tmp_path / "state", {}).create()
    services = [
        service("openai"),
        service("stripe", simulated=True, credentials=[]),
        service("groq"),
        service("off", enabled=False),
    ]
    publish.snapshot(
        state,
        Snapshot(
            version="",
            created="",
            environment="dev",
            services=services,
            notes=["The address of x is y, from Z."],
        ),
    )
    publish.sealed(state, {"env:OPENAI": "sk-test-not-a-real-key"}, {"env:GROQ": "not set"})
    return state


def test_everything_that_a_newcomer_needs_is_there(state):
    shown = banner.text(state, Settings(port=4000), "tl_first")
    for wanted in (
        "Trunkline serves http://127.0.0.1:4000",
        "http://127.0.0.1:4001",
        "Real            openai",
        "Simulated       stripe",
        "Not usable      groq",
        "First key       tl_first",
        "The address of x is y, from Z.",
        "curl http://127.0.0.1:4000/v1/chat/completions -H 'Authorization: Bearer tl_first'",
        'OpenAI(base_url="http://127.0.0.1:4000/v1", api_key="tl_first")',
        'base_addresses={"api": "http://127.0.0.1:4000/api/proxy/stripe"}',
        "print(client.v1.customers.list())",
    ):
        assert wanted in shown
    assert "sk-test" not in shown


def test_a_call_that_costs_says_so(state):
    assert "costs a fraction of a cent: the key is real" in banner.text(state, Settings(), "tl_first")


def test_later_starts_show_no_key(state):
    shown = banner.text(state, Settings(), "")
    assert "tl_" not in shown
    assert 'Bearer $TRUNKLINE_KEY"' in shown


def test_a_link_that_signs_in_is_shown_only_to_who_may_see_it(state):
    assert "sign-in?link=" not in banner.text(state, Settings(), "")
    assert "sign-in?link=" in banner.text(state, Settings(), "", show_link=True)
    shown = [banner.text(state, Settings(), "", show_link=True) for _ in range(2)]
    assert shown[0] != shown[1], "each link opens once"


def test_addresses_follow_the_settings(state):
    shown = banner.text(state, Settings(host="0.0.0.0", port=8080, one_port=True), "")
    assert "Trunkline serves http://127.0.0.1:8080" in shown
    assert "Console         http://127.0.0.1:8080/console" in shown


def test_copied_python_reads_the_variable_that_the_shell_would(state):
    shown = banner.text(state, Settings(), "")
    assert '"$TRUNKLINE_KEY")' not in shown
    assert 'StripeClient(os.environ["TRUNKLINE_KEY"], ' in shown
