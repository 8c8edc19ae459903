"""Line ends and NUL, raw and encoded, wherever a caller writes something: no header and no line of a log that is not ours (S2)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.support.caller import Line
from tests.support.gateway import Trunkline
from tests.support.site import Site

pytestmark = pytest.mark.row("P1", "O1", "Q2")

MARK = "x-injected"
ENDS = ("\r\n", "\n", "\r", "\x00", "\x0b", "\x85", "\u2028")
"""What some reader takes for the end of a line or of a text."""
WORDS = [f"a{end}{MARK}: 1{end}{end}GET /{MARK} HTTP/1.1" for end in ENDS]


def forms(word: str) -> Iterator[str]:
    """Encoded once, twice, in lower case, as `\\u` and as overlong UTF-8."""
    once = quote(word, safe="")
    yield from (once, once.lower(), quote(once, safe=""), word.encode("unicode_escape").decode())
    yield word.replace("\r", "%c0%8d").replace("\n", "%c0%8a").replace(" ", "%20").replace("\x00", "%c0%80")
    yield once.replace("%0D", "%E5%98%8D").replace("%0A", "%E5%98%8A")


def places(word: str) -> Iterator[tuple[str, str, dict[str, str], bytes | None]]:
    """Method, target, headers and body with the word in a header, the path, the query, the model, a tenant or a file's name."""
    texts = [*dict.fromkeys(forms(word))]
    for text in texts:
        ascii_ = quote(text, safe="%\\:/ ")
        for name in (
            "x-note",
            "x-trunkline-subject",
            "x-trunkline-feature",
            "x-correlation-id",
            "idempotency-key",
            "traceparent",
            "cookie",
        ):
            yield "GET", "/api/proxy/site/x", {name: ascii_}, None
        yield "GET", f"/api/proxy/site/{ascii_}".replace(" ", "%20"), {}, None
        yield "GET", f"/api/proxy/site/x?q={ascii_}".replace(" ", "%20"), {}, None
        yield "GET", f"/api/proxy/{ascii_}/x".replace(" ", "%20"), {}, None
        yield "POST", f"/v1beta/models/{ascii_}:generateContent".replace(" ", "%20"), {}, b"{}"


def raw(word: str) -> Iterator[bytes]:
    """The same as bytes of a head, before anybody encodes them."""
    for name in ("x-note", "x-trunkline-subject", "x-correlation-id"):
        yield f"GET /api/proxy/site/x HTTP/1.1\r\nhost: a\r\n{name}: {word}\r\n\r\n".encode()
    yield f"GET /api/proxy/site/{word} HTTP/1.1\r\nhost: a\r\n\r\n".encode()
    yield f"GET /api/proxy/site/x?q={word} HTTP/1.1\r\nhost: a\r\n\r\n".encode()
    yield f"GET /api/proxy/site/x HTTP/1.1\r\nhost: a{word}\r\n\r\n".encode()


def check(trunkline: Trunkline, site: Site, calls: int) -> None:
    """At most one request of each call, none with a header of the caller's making; in the log only lines of our own."""
    assert len(site.seen) <= calls
    assert [
        seen for seen in site.seen if MARK in seen.names or MARK in seen.line.split("?")[0].split("/")
    ] == []
    lines = trunkline.errors.splitlines()
    assert [line for line in lines if not re.match(r"trunkline gateway: \S", line)] == []
    assert [line for line in lines if line.strip().startswith((MARK, "GET"))] == []


@pytest.mark.parametrize("word", WORDS, ids=[repr(end) for end in ENDS])
def test_what_is_encoded_stays_encoded_or_is_refused(trunkline: Trunkline, site: Site, word: str) -> None:
    told = []
    for method, target, fields, body in places(word):
        answer = trunkline.call(method, target, body, fields)
        told.append(answer.status)
        assert MARK not in answer.names, (target, fields, answer)
        assert (answer.field("x-correlation-id") or "").isprintable()
    assert set(told) <= {200, 400, 404}
    assert 400 in told
    check(trunkline, site, len(told))


@pytest.mark.parametrize("word", WORDS[:5], ids=[repr(end) for end in ENDS[:5]])
def test_raw_line_ends_in_a_head_never_make_a_second_field_or_request(
    trunkline: Trunkline, site: Site, word: str
) -> None:
    for head in raw(word):
        before = len(site.seen)
        with Line(trunkline.port) as line:
            line.send(head.replace(b"host: ", f"authorization: Bearer {trunkline.key}\r\nhost: ".encode()))
            answer = line.answer()
        if (
            "\r\n" in word
        ):  # whole lines of the caller's own: they are its fields, and what follows is a request that has no Host
            assert answer.status in (200, 400)
            continue
        assert answer.status == 400, head
        assert len(site.seen) == before


@pytest.mark.parametrize("word", WORDS, ids=[repr(end) for end in ENDS])
def test_a_model_or_a_file_of_such_a_name_is_text(trunkline: Trunkline, site: Site, word: str) -> None:
    for model in (word, f"sitechat/{word}", f"gemini/{word}", f"openai/{word}"):
        answer = trunkline.call(
            "POST", "/v1/chat/completions", {"model": model, "messages": [{"role": "user", "content": word}]}
        )
        assert (answer.status < 500, MARK in answer.names) == (True, False), answer
    part = (
        f'--b\r\ncontent-disposition: form-data; name="f"; filename="{word}"\r\n\r\nx\r\n--b--\r\n'.encode()
    )
    sent = trunkline.call(
        "POST", "/api/proxy/site/x", part, {"content-type": "multipart/form-data; boundary=b"}
    )
    assert (sent.status, site.last.body) == (200, part)
    check(trunkline, site, 5)
