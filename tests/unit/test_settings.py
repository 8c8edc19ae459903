"""Process settings."""

import pytest

from trunkline.settings import Settings, SettingsInvalid, read, to_environ


def test_without_anything_the_documented_defaults_hold():
    settings = read({})
    assert (settings.host, settings.port, settings.console_host, settings.console_port) == (
        "127.0.0.1",
        4000,
        "127.0.0.1",
        4001,
    )
    assert (settings.config, settings.state_dir, settings.env, settings.drain) == (
        "trunkline.yaml",
        ".trunkline",
        "prod",
        35.0,
    )


def test_variables_are_read_and_flags_win():
    environ = {
        "TRUNKLINE_PORT": "5000",
        "TRUNKLINE_OPEN_METRICS": "yes",
        "TRUNKLINE_TRUSTED_PROXY": "10.0.0.0/8, ::1",
        "TRUNKLINE_DRAIN": "5s",
    }
    settings = read(environ, {"port": 6000, "host": None})
    assert (settings.port, settings.open_metrics, settings.trusted_proxy, settings.drain) == (
        6000,
        True,
        ["10.0.0.0/8", "::1"],
        5.0,
    )


def test_what_is_written_for_a_child_reads_the_same():
    settings = Settings(
        port=1,
        one_port=True,
        trusted_proxy=["10.0.0.0/8", "::1"],
        drain=2.5,
        env="dev",
        console_hosts=["ops.test"],
    )
    assert read(to_environ(settings)) == settings
    assert read(to_environ(Settings())) == Settings()


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"TRUNKLINE_PORT": "http"}, "TRUNKLINE_PORT='http': must be a whole number"),
        ({"TRUNKLINE_PORT": "70000"}, "--port (TRUNKLINE_PORT) 70000: must be from 1 to 65535"),
        (
            {"TRUNKLINE_PORT": "4001"},
            "--console-port (TRUNKLINE_CONSOLE_PORT) 4001: is the port of the data plane too",
        ),
        ({"TRUNKLINE_ONE_PORT": "maybe"}, "TRUNKLINE_ONE_PORT='maybe': must be true or false"),
        ({"TRUNKLINE_DRAIN": "long"}, "TRUNKLINE_DRAIN='long': must be a number of seconds, e.g. 35"),
        ({"TRUNKLINE_DRAIN": "-1"}, "--drain (TRUNKLINE_DRAIN) -1: must be from 0 to 3600 seconds"),
        ({"TRUNKLINE_WORKERS": "2"}, "--workers (TRUNKLINE_WORKERS) 2: only 1"),
        (
            {"TRUNKLINE_TLS_CERT": "/c"},
            "--tls-cert (TRUNKLINE_TLS_CERT) and --tls-key (TRUNKLINE_TLS_KEY): give both or neither",
        ),
        (
            {"TRUNKLINE_TRUSTED_PROXY": "proxy"},
            "--trusted-proxy (TRUNKLINE_TRUSTED_PROXY) 'proxy': must be an address or a network",
        ),
        ({"TRUNKLINE_ENV": "a b"}, "--env (TRUNKLINE_ENV) 'a b': must name an environment"),
    ],
)
def test_a_wrong_value_is_said_with_variable_value_and_cure(environ, said):
    with pytest.raises(SettingsInvalid) as refusal:
        read(environ)
    assert said in str(refusal.value)


def test_all_that_is_wrong_is_said_at_once():
    with pytest.raises(SettingsInvalid) as refusal:
        read({"TRUNKLINE_PORT": "70000", "TRUNKLINE_WORKERS": "3"})
    assert len(refusal.value.problems) == 2


@pytest.mark.row("X6")
def test_a_platform_that_names_one_port_is_served_on_every_interface():
    settings = read({"PORT": "8080"}, {"one_port": True})
    assert (settings.port, settings.host) == (8080, "0.0.0.0")
    assert read({"PORT": "8080"}).port == 4000
    assert read({"PORT": "8080"}, {"one_port": True, "port": 9000, "host": "127.0.0.1"}).port == 9000
    with pytest.raises(SettingsInvalid, match="PORT='x': must be a number"):
        read({"PORT": "x"}, {"one_port": True})
