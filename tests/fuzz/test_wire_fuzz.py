"""Random and half-sensible bytes against the server's parser glue and the guard."""

import itertools

import oracles
from hypothesis import example, given, settings
from hypothesis import strategies as st

METHODS = [b"GET", b"POST", b"HEAD", b"OPTIONS", b"CONNECT", b"TRACE", b"get", b"G T", b""]
TARGETS = [b"/", b"/x?y=1", b"*", b"http://a/x", b"http://b/", b"a:80", b"/%00", b"/..", b"//a", b"/x#y", b""]
VERSIONS = [b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"HTTP/1", b"http/1.1", b""]
FIELDS = [
    b"Host: a", b"host: b", b"Host:", b"Content-Length: 5", b"Content-Length: 0", b"content-length: 05",
    b"Content-Length : 5", b"Transfer-Encoding: chunked", b"transfer-encoding: gzip, chunked", b"Transfer-Encoding:",
    b"Connection: close", b"Connection: keep-alive", b"Connection: Upgrade", b"Upgrade: h2c",
    b"Expect: 100-continue", b"X: y ", b"X:\ty", b" folded", b"X Y: z", b"X\x00: y", b"X: a\x0bb", b": y", b"X",
]  # fmt: skip
BODIES = [
    b"", b"hello", b"5\r\nhello\r\n0\r\n\r\n", b"0\r\n\r\n", b"0\r\nX: y\r\n\r\n", b"0\r\nHost: a\r\n\r\n",
    b"5;a=b\r\nhello\r\n00\r\n\r\n", b"5\nhello\r\n0\r\n\r\n", b"ffffffffffffffff1\r\n", b"\r\n", b"\n",
]  # fmt: skip
ENDS = st.sampled_from([b"\r\n"] * 12 + [b"\n", b"\r", b"\r\r\n", b"\r\n "])


@st.composite
def messages(draw) -> bytes:
    """One message, mostly sound, wrong in a few places."""
    line = b" ".join(
        (
            draw(st.sampled_from([b"GET", b"POST"] * 6 + METHODS)),
            draw(st.sampled_from([b"/"] * 12 + TARGETS)),
            draw(st.sampled_from([b"HTTP/1.1"] * 12 + VERSIONS)),
        )
    )
    fields = draw(st.lists(st.sampled_from(FIELDS), max_size=4))
    if draw(st.integers(0, 9)):
        fields.insert(0, b"Host: a")
    head = b"".join(each + draw(ENDS) for each in (line, *fields)) + draw(ENDS)
    return head + draw(st.sampled_from(BODIES))


streams = st.one_of(st.binary(max_size=200), st.lists(messages(), max_size=3).map(b"".join))


@settings(max_examples=400, deadline=None)
@given(data=streams, places=st.lists(st.integers(0, 400), max_size=6))
@example(data=b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", places=[1])
async def test_no_split_changes_a_verdict(data: bytes, places: list[int]) -> None:
    edges = [0, *sorted(min(place, len(data)) for place in places), len(data)]
    oracles.check_split(data, [data[start:end] for start, end in itertools.pairwise(edges) if start < end])


@settings(max_examples=400, deadline=None)
@given(data=streams)
async def test_what_is_handed_on_is_unambiguous(data: bytes) -> None:
    oracles.check_requests(data)


@settings(max_examples=300, deadline=None)
@given(
    line=st.one_of(
        st.binary(max_size=60),
        st.tuples(
            st.sampled_from(METHODS), st.text("/.%25eEfFcC\\a?;:@*#", max_size=12), st.sampled_from(VERSIONS)
        ).map(lambda parts: b"%b /%b %b" % (parts[0], parts[1].encode(), parts[2])),
    )
)
def test_request_lines_read_as_what_they_are(line: bytes) -> None:
    oracles.check_guard(line)


@given(value=st.one_of(st.binary(max_size=20), st.text("a.:[]/?#@%,1", max_size=10).map(str.encode)))
def test_hosts_cannot_change_a_url(value: bytes) -> None:
    oracles.check_host(value)
