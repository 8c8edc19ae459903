"""Which addresses may be called, from the text of the URL alone (rulings 20 and 21)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.registry.address import judge


@pytest.mark.row("P4")
@pytest.mark.parametrize(
    ("text", "url", "port", "loopback", "private"),
    [
        ("https://api.example.com", "https://api.example.com", 443, False, False),
        ("https://CRM.example.com/api/", "https://crm.example.com/api", 443, False, False),
        ("https://api.example.com:8443", "https://api.example.com:8443", 8443, False, False),
        ("http://127.0.0.1:9100", "http://127.0.0.1:9100", 9100, True, True),
        ("http://localhost:9100", "http://localhost:9100", 9100, True, True),
        ("http://[::1]:9100", "http://[::1]:9100", 9100, True, True),
        ("https://10.1.2.3", "https://10.1.2.3", 443, False, True),
        ("https://[fd12::1]", "https://[fd12::1]", 443, False, True),
        ("https://[::ffff:192.168.0.1]", "https://[::ffff:192.168.0.1]", 443, False, True),
    ],
)
def test_good_addresses(text: str, url: str, port: int, loopback: bool, private: bool) -> None:
    found = judge(text)
    assert (found.url, found.port, found.loopback, found.private, found.fault) == (
        url,
        port,
        loopback,
        private,
        "",
    )


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("ftp://example.com", "This is no http(s) address."),
        ("example.com", "This is no http(s) address."),
        ("https://", "This is no http(s) address."),
        ("https://a b.com", "This is no http(s) address."),
        ("https://example.com:99999", "The address is not well formed."),
        ("https://user:not-a-real-password@example.com", "The address holds a user or password (not shown)."),
        ("https://example.com?key=x", "The address holds a query or fragment."),
        ("https://example.com/#x", "The address holds a query or fragment."),
        ("https://example.com/a/../b", "The path of the address has empty or dotted segments."),
        ("https://example.com//a", "The path of the address has empty or dotted segments."),
    ],
)
def test_malformed_addresses(text: str, fault: str) -> None:
    found = judge(text)
    assert found.fault == fault
    assert found.cure
    assert "not-a-real-password" not in str(found)


@pytest.mark.row("P1")
@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254", "[fd00:ec2::254]", "100.100.100.200", "metadata.google.internal", "[fe80::1]", "0.0.0.0", "[::]",
        "224.0.0.1", "[::ffff:169.254.169.254]", "2130706433", "0x7f000001", "169.254.1.1",
    ],
)  # fmt: skip
def test_metadata_and_link_local_are_never_called(host: str) -> None:
    assert "never called" in judge(f"https://{host}", allow_http=True).fault


@pytest.mark.row("P4")
@pytest.mark.parametrize("host", ["api.example.com", "10.0.0.5", "crm"])
def test_plain_http_to_another_machine_needs_consent(host: str) -> None:
    assert "plain HTTP" in judge(f"http://{host}").fault
    assert judge(f"http://{host}", allow_http=True).fault == ""


@pytest.mark.parametrize(
    "text",
    ["http://127.0.0.1:4000/v1", "http://localhost:4001", "http://[::1]:4000", "http://127.9.9.9:4000"],
)
def test_trunkline_itself_is_refused(text: str) -> None:
    assert judge(text).fault.endswith("is Trunkline itself.")


def test_other_listeners_are_known_too() -> None:
    assert judge("http://127.0.0.1:5000", listeners=("0.0.0.0:5000",)).fault.endswith("is Trunkline itself.")
    assert judge("https://10.0.0.7:5000", listeners=("10.0.0.7:5000",)).fault.endswith("is Trunkline itself.")
    assert judge("http://127.0.0.1:4000", listeners=("127.0.0.1:5000",)).fault == ""


@given(st.text(max_size=60) | st.from_regex(r"https?://[^ ]{0,40}", fullmatch=True))
def test_any_text_is_judged_without_an_exception(text: str) -> None:
    found = judge(text)
    assert found.fault or found.url.startswith(("http://", "https://"))
