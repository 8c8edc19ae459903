"""Which addresses are called and which are only mentioned."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.ops.scan import hosts, vendors
from trunkline.ops.scan.context import around


@pytest.fixture(scope="module")
def known() -> vendors.Vendors:
    return vendors.load()


def called(code: str, known: vendors.Vendors) -> list[tuple[str, str]]:
    """(host, vendor) of what is called in code whose literals are in double quotes."""
    found = []
    start = 0
    while (start := code.find('"', start)) >= 0:
        end = code.index('"', start + 1)
        literal = code[start + 1 : end]
        for match, host in hosts.addresses(literal):
            near = around(code, start + 1)
            sent = hosts.is_sent(near.name, start + 1, hosts.sent_names(code))
            made = hosts.judge(match, host, literal, near, known, sent=sent)
            if made is not None:
                found.append((made.host, made.vendor))
        start = end + 1
    return found


@pytest.mark.parametrize(
    ("code", "host", "vendor"),
    [
        ('requests.get("https://anything.dev/x")', "anything.dev", ""),
        (
            'const r = await fetch("https://github.com/a/b.json")',
            "github.com",
            "",
        ),
        ('BASE_URL = "https://api.things.io"', "api.things.io", ""),
        ('const url = "https://things.io/v2/list"', "things.io", ""),
        ('x = "https://api.openai.com/v1/models"', "api.openai.com", "openai"),
        ('Http::post("https://hooks.slack.com/services/x")', "hooks.slack.com", "slack"),
        ('f(x, "https://${region}.things.io/v1")', "*.things.io", ""),
        ('req, _ := http.NewRequest("GET", "https://things.io", nil)', "things.io", ""),
        ('Faraday.new(url: "https://things.io")', "things.io", ""),
        ('"token_url": "https://login.things.io/oauth/token"', "login.things.io", ""),
        ('OLLAMA_URL = "http://localhost:11434"', "localhost", "ollama"),
        ('url = "https://shop7.blob.core.windows.net"', "shop7.blob.core.windows.net", "azure"),
        ('class Papers:\n    BASE_URL = "https://things.io/papers"', "things.io", ""),
        ('try:\n    url = "https://api.things.io/v2"', "api.things.io", ""),
        ('LIST = "https://data.iana.org/x.txt"\nSponge.new.fetch(LIST)', "data.iana.org", ""),
        ('url = "https://things.io/x"\nr = requests.post(url, json=a)', "things.io", ""),
        ('url = "https://things.io/x.txt"\nr = URI.parse(url).open', "things.io", ""),
        (
            'url := fmt.Sprintf("https://things.io/x/%s", k)\nhttp.NewRequest(http.MethodPost, url, b)',
            "things.io",
            "",
        ),
        ('PAGE: str = "https://things.io/x"\nhttpx.get(self.PAGE)', "things.io", ""),
        ("LICENSE_SERVER_URL = env('A_URL') || \"https://things.io\"", "things.io", ""),
        ('BASE_URL = os.getenv("A_URL") or "https://things.io"', "things.io", ""),
        ('ws = WebSocket("wss://stream.things.io/v1")', "stream.things.io", ""),
    ],
)
def test_requests_known_apis_and_kept_endpoints_are_called(
    code: str, host: str, vendor: str, known: vendors.Vendors
) -> None:
    found = called(code, known)
    assert [one for one, _ in found] == [host]
    assert not vendor or found == [(host, vendor)]


@pytest.mark.parametrize(
    "code",
    [
        'help_url = "https://docs.things.io/v1/start"',
        '<a href="https://api.things.io/v1">',
        'raise Error("see https://api.things.io/v1 for more words")',
        'x = "Read https://api.things.io/v1/docs carefully"',
        'xmlns = "http://www.w3.org/2000/svg"',
        'schema = "https://json.schemastore.org/x.json"',
        'url = "https://api.example.com/v1"',
        'url = "http://localhost:3000/api"',
        'url = "http://10.0.0.7/api"',
        'authorizationURL: "https://things.io/oauth/authorize"',
        'scope: ["email", "https://www.googleapis.com/auth/drive"]',
        'if url.startswith("https://api.things.io/v1"): pass',
        'repository = "https://github.com/a/b"',
        'window.open("https://api.things.io/v1")',
        'homepage = "https://things.io"',
        'requests.get(url)\nurl = "https://things.io/x"',
        'url = "https://things.io/x"\nrequests.get(url + part)',
        'app.get("https://x.things.io")',
        'image = "https://api.things.io/v1/x.png"',
    ],
)
def test_links_prose_standards_and_nobodys_hosts_are_only_mentioned(
    code: str, known: vendors.Vendors
) -> None:
    assert called(code, known) == []


@pytest.mark.parametrize(
    ("name", "value", "vendor"),
    [
        ("base-url", "https://api.groq.com/openai/v1", "groq"),
        ("ENDPOINT", "https://api.things.io", ""),
        ("OLLAMA_BASE_URL", "http://localhost:11434", "ollama"),
        ("QDRANT_URL", "http://qdrant:6333", None),
    ],
)
def test_addresses_of_settings(name: str, value: str, vendor: str | None, known: vendors.Vendors) -> None:
    found = [hosts.judge_setting(match, host, name, known) for match, host in hosts.addresses(value)]
    assert [one.vendor for one in found if one] == ([] if vendor is None else [vendor])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("docs_url", "https://api.things.io"),
        ("url", "https://things.io"),
        ("BASE_URL", "http://localhost:8080"),
        ("image", "https://api.things.io/x.png"),
        ("title", "x https://api.things.io"),
    ],
)
def test_settings_that_only_mention(name: str, value: str, known: vendors.Vendors) -> None:
    assert [
        one
        for match, host in hosts.addresses(value)
        if (one := hosts.judge_setting(match, host, name, known))
    ] == []


def test_a_bare_host_counts_if_it_is_a_known_api_kept_as_a_host(known: vendors.Vendors) -> None:
    seen = [
        hosts.bare(value, around(code, len(code) - 1), known)
        for value, code in (
            ("api.datadoghq.com", 'dd_host = "'),
            ("api.datadoghq.com", 'names = "'),
            ("api.things.io", 'host = "'),
            ("a.b.c", 'host = "'),
        )
    ]
    assert seen == ["datadog", "", "", ""]


@pytest.mark.parametrize(
    ("host", "plain"),
    [
        ("API.Things.IO", "api.things.io"),
        ("${x}.things.io", "*.things.io"),
        ("api.${x}.things.io", "*.things.io"),
        ("${x}", ""),
        ("%s", ""),
        ("{host}.io", ""),
        ("a_b", ""),
        ("localhost", "localhost"),
        ("<%= x %>.things.io", "*.things.io"),
        ("$lang.things.io", "*.things.io"),
        ("1.2.3.4", "1.2.3.4"),
    ],
)
def test_hosts_with_variable_parts(host: str, plain: str) -> None:
    assert hosts.plain_host(host) == plain


@given(st.text(alphabet="htps:/.ab${}#%<>= \n\"'1-", max_size=120))
def test_any_text_has_addresses_or_none(text: str) -> None:
    for match, host in hosts.addresses("https://" + text):
        hosts.judge(match, host, text, around(text, len(text)), vendors.Vendors({}))
        assert host == host.lower()
