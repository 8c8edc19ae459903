"""From the registry on disk to what the gateway serves."""

import msgspec
import pytest

from trunkline.control import kills, published, secrets
from trunkline.control.reload import Compiler, read_outcome
from trunkline.settings import Settings

OPENAI = "version: 1\nintegrations:\n  openai: {secret: env:OPENAI_API_KEY}\n"
KEY = "sk-proj-" + "testtest" * 6


class Installation:
    """A registry file, a state folder, and the compiler between them."""

    def __init__(self, state, folder, environ, *, env="prod", simulator_url=""):
        self.state = state
        self.file = folder / "trunkline.yaml"
        settings = Settings(config=str(self.file), env=env)
        self.compiler = Compiler(state, settings, environ, simulator_url=simulator_url)

    def load(self, text=None, *, first=False):
        if text is not None:
            self.file.write_text(text)
        return self.compiler.run(first=first)

    @property
    def services(self):
        return {service.name: service for service in published.read_snapshot(self.state).services}

    @property
    def sealed(self):
        return published.read_sealed(self.state, self.state.master_key())


@pytest.fixture
def make(state, tmp_path):
    return lambda environ, **given: Installation(state, tmp_path, environ, **given)


@pytest.mark.row("R2")
def test_a_first_load_publishes_registry_and_credentials(make):
    here = make({"OPENAI_API_KEY": KEY})
    outcome = here.load(OPENAI, first=True)
    assert outcome.ok
    assert published.read_snapshot(here.state).version == outcome.version
    assert here.services.keys() == {"openai"}
    assert here.sealed.values == {"env:OPENAI_API_KEY": KEY}


@pytest.mark.row("R5")
def test_an_added_integration_is_published(make):
    here = make({"OPENAI_API_KEY": KEY, "CRM": "crm-test-token"})
    first = here.load(OPENAI, first=True)
    second = here.load(
        OPENAI + "  crm: {base_url: 'https://crm.example.com', auth: {kind: bearer, secret: env:CRM}}\n"
    )
    assert second.ok
    assert second.version != first.version
    assert here.services.keys() == {"openai", "crm"}
    assert here.sealed.values["env:CRM"] == "crm-test-token"


@pytest.mark.row("R5")
def test_an_invalid_file_is_refused_with_its_line_and_the_old_one_stays(make):
    here = make({"OPENAI_API_KEY": KEY})
    first = here.load(OPENAI, first=True)
    refused = here.load(OPENAI + "  stripe: {secrets: env:X}\n")
    assert not refused.ok
    assert refused.version == first.version
    assert (refused.errors[0].line, refused.errors[0].file.endswith("trunkline.yaml")) == (4, True)
    assert published.read_snapshot(here.state).version == first.version
    assert read_outcome(here.state) == refused
    assert here.load(OPENAI).ok


def test_an_unchanged_file_publishes_nothing_new(make):
    here = make({"OPENAI_API_KEY": KEY})
    here.load(OPENAI, first=True)
    before = [path.stat().st_ino for path in (here.state.snapshot, here.state.sealed)]
    assert here.load().ok
    assert [path.stat().st_ino for path in (here.state.snapshot, here.state.sealed)] == before


@pytest.mark.row("R5")
def test_a_reference_that_resolved_before_and_no_longer_does_refuses_the_reload(make, tmp_path):
    (tmp_path / "s.env").write_text(f"KEY={KEY}\n")
    text = OPENAI.replace("env:OPENAI_API_KEY", "file:s.env#KEY")
    here = make({})
    here.load(text, first=True)
    (tmp_path / "s.env").unlink()
    refused = here.load()
    assert not refused.ok
    [finding] = refused.errors
    assert (finding.code, finding.item) == ("secret-lost", "file:s.env#KEY")
    assert (
        "The secret file:s.env#KEY of openai resolved before and no longer does: there is no file"
        in finding.message
    )
    here.compiler.prune()
    assert here.sealed.values == {"file:s.env#KEY": KEY}
    assert not here.load().ok


@pytest.mark.row("R5")
def test_a_start_goes_on_without_a_reference_that_resolved_before(make, tmp_path):
    (tmp_path / "s.env").write_text(f"KEY={KEY}\n")
    text = OPENAI.replace("env:OPENAI_API_KEY", "file:s.env#KEY")
    make({}).load(text, first=True)
    (tmp_path / "s.env").unlink()
    here = make({})
    assert here.load(first=True).ok
    assert here.sealed.values == {}
    assert "there is no file" in here.sealed.missing["file:s.env#KEY"]


def test_a_reference_that_never_resolved_refuses_nothing(make):
    here = make({})
    assert here.load(OPENAI, first=True).ok
    assert here.load(OPENAI + "  stripe: {secret: store:STRIPE}\n").ok
    assert sorted(here.sealed.missing) == ["env:OPENAI_API_KEY", "store:STRIPE"]
    assert [service.problem for service in here.services.values()] == ["", ""]


@pytest.mark.row("R5")
def test_a_new_name_that_the_process_lacks_is_refused_with_the_cure(make):
    here = make({"OPENAI_API_KEY": KEY})
    here.load(OPENAI, first=True)
    refused = here.load(OPENAI + "  stripe: {secret: env:STRIPE_SECRET_KEY}\n")
    [finding] = refused.errors
    assert (finding.code, finding.line, finding.value) == ("secret-unset", 4, "env:STRIPE_SECRET_KEY")
    assert (
        finding.message
        == "the variable STRIPE_SECRET_KEY is not set in the environment Trunkline was started with."
    )
    assert finding.cure.startswith("Set STRIPE_SECRET_KEY and start Trunkline again, or use `store:`")
    assert here.services.keys() == {"openai"}


def test_a_new_integration_without_its_key_is_simulated_where_that_was_asked_for(make):
    here = make({"OPENAI_API_KEY": KEY}, simulator_url="http://127.0.0.1:9999")
    here.load(OPENAI, first=True)
    assert here.load(OPENAI + "  stripe: {secret: env:STRIPE_SECRET_KEY}\n").ok
    assert here.services["stripe"].simulated


@pytest.mark.row("R5")
def test_a_credential_that_is_renamed_to_nothing_refuses_the_reload_until_it_is_there(make):
    here = make({"OPENAI_API_KEY": KEY})
    here.load(OPENAI, first=True)
    refused = here.load(OPENAI.replace("env:OPENAI_API_KEY", "store:OPENAI_KEY"))
    [finding] = refused.errors
    assert (finding.code, finding.line, finding.value) == ("secret-lost", 3, "store:OPENAI_KEY")
    assert finding.message.startswith(
        "openai calls with env:OPENAI_API_KEY now, and would be left without a credential: store:OPENAI_KEY: "
    )
    assert here.services["openai"].credentials[0].ref == "env:OPENAI_API_KEY"
    secrets.set_secret(here.state, "OPENAI_KEY", KEY)
    assert here.load().ok
    assert here.sealed.values["store:OPENAI_KEY"] == KEY


@pytest.mark.row("S4")
def test_a_killed_or_removed_secret_takes_effect_and_refuses_nothing(make):
    here = make({"OPENAI_API_KEY": KEY})
    secrets.set_secret(here.state, "S", "a-stripe-test-value")
    here.load(OPENAI + "  stripe: {secret: store:S}\n", first=True)
    kills.append(here.state, "credential", "env:OPENAI_API_KEY")
    secrets.remove(here.state, "S", force=True)
    assert here.load().ok
    assert here.sealed.values == {}


def test_while_the_gateway_swaps_the_credentials_of_both_registries_are_there(make):
    here = make({"OPENAI_API_KEY": KEY, "OTHER": KEY + "other"})
    here.load(OPENAI, first=True)
    here.load(OPENAI.replace("OPENAI_API_KEY", "OTHER"))
    assert here.sealed.values.keys() == {"env:OPENAI_API_KEY", "env:OTHER"}
    here.compiler.prune()
    assert here.sealed.values.keys() == {"env:OTHER"}


@pytest.mark.row("R9")
@pytest.mark.parametrize(
    ("env", "key", "usable"),
    [
        ("prod", "sk_live_" + "a1b2c3d4" * 4, True),
        ("prod", "sk_test_" + "a1b2c3d4" * 4, False),
        ("dev", "sk_test_" + "a1b2c3d4" * 4, True),
        ("dev", "sk_live_" + "a1b2c3d4" * 4, False),
        ("staging", "sk_live_" + "a1b2c3d4" * 4, True),
    ],
)
def test_a_key_of_the_wrong_kind_is_that_integrations_problem_alone(make, env, key, usable):
    here = make({"STRIPE_SECRET_KEY": key, "OPENAI_API_KEY": KEY}, env=env)
    assert here.load(OPENAI + "  stripe: {secret: env:STRIPE_SECRET_KEY}\n", first=True).ok
    assert (here.services["stripe"].problem == "") == usable
    assert here.services["openai"].problem == ""
    assert key not in here.services["stripe"].problem


@pytest.mark.row("R2")
def test_the_simulator_plays_what_has_no_key_and_nothing_that_lost_its_key(make, tmp_path):
    (tmp_path / "s.env").write_text(f"KEY={KEY}\n")
    text = (
        OPENAI.replace("env:OPENAI_API_KEY", "file:s.env#KEY") + "  stripe: {secret: env:STRIPE_SECRET_KEY}\n"
    )
    here = make({}, simulator_url="http://127.0.0.1:9999")
    here.load(text, first=True)
    assert {name: service.simulated for name, service in here.services.items()} == {
        "openai": False,
        "stripe": True,
    }
    (tmp_path / "s.env").unlink()
    again = make({}, simulator_url="http://127.0.0.1:9999")
    assert again.load(first=True).ok
    assert {name: service.simulated for name, service in again.services.items()} == {
        "openai": False,
        "stripe": True,
    }


def test_without_a_registry_a_start_says_so(make):
    outcome = make({}).load(first=True)
    assert not outcome.ok
    assert outcome.errors[0].file.endswith("trunkline.yaml")


def test_the_outcome_on_disk_is_plain_json(make):
    here = make({})
    here.load(OPENAI, first=True)
    told = msgspec.json.decode(here.state.reload.read_bytes())
    assert (told["ok"], told["version"], told["findings"]) == (
        True,
        published.read_snapshot(here.state).version,
        [],
    )


@pytest.mark.row("K2", "R5")
def test_a_refresh_token_that_the_process_lacks_is_refused_too(make):
    here = make({"OPENAI_API_KEY": KEY, "ID": "x"})
    here.load(OPENAI, first=True)
    login = "grant: refresh_token, token_url: 'https://login.test/t', client_id: app, refresh: env:REFRESH"
    crm = f"  crm: {{base_url: 'https://crm.test', secret: env:ID, auth: {{kind: oauth2, {login}}}}}\n"
    [finding] = here.load(OPENAI + crm).errors
    assert (finding.code, finding.value, finding.item) == (
        "secret-unset",
        "env:REFRESH",
        "integrations.crm.secret",
    )


@pytest.mark.row("R5", "S3")
def test_a_refused_registry_holds_up_no_new_value_of_a_secret(make):
    here = make({})
    secrets.set_secret(here.state, "CRM", "crm-1-not-real")
    text = "version: 1\nintegrations:\n  crm: {base_url: 'https://crm.example.com', auth: {kind: bearer, secret: store:CRM}}\n"
    first = here.load(text, first=True)
    secrets.set_secret(here.state, "CRM", "crm-2-not-real")
    refused = here.load(text + "  stripe: {secrets: env:X}\n")
    assert (refused.ok, refused.version) == (False, first.version)
    assert (here.sealed.values, here.sealed.versions) == ({"store:CRM": "crm-2-not-real"}, {"store:CRM": "2"})
    secrets.remove(here.state, "CRM", force=True)
    assert not here.load().ok
    assert here.sealed.values == {}
