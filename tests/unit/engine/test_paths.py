"""What passes stays below the integration's own address, however often a vendor unquotes it."""

from __future__ import annotations

import posixpath
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from trunkline.core.errors import CallError
from trunkline.engine.paths import checked

PIECES = st.sampled_from([
    b"a", b"..", b".", b"/", b"%2e", b"%2E", b"%2f", b"%2F", b"%5c", b"\\", b";", b";x=1", b"%3b", b"%25", b"%252e", b"%252f", b"%00",
    b"%zz", b"%c3%a4", b"%ff", b"v1", b"%20", b"%2", b"%",
])  # fmt: skip
PATHS = st.lists(PIECES, max_size=10).map(b"".join)


def escapes(path: bytes) -> bool:
    """Whether a server that resolves dot segments (with or without path parameters cut off) leaves the prefix."""
    for text in (path, path.replace(b"\\", b"/")):
        for segments in (text.split(b"/"), [s.split(b";")[0] for s in text.split(b"/")]):
            resolved = posixpath.normpath(b"/base/x/" + b"/".join(segments))
            if resolved != b"/base/x" and not resolved.startswith(b"/base/x/"):
                return True
    return False


@pytest.mark.row("P1")
@given(PATHS, st.booleans())
@example(b"..", False)
@example(b"a%2f..%2f..%2fb", True)
@example(b"a/%2e%2e%2f%2e%2e", True)
@example(b"a%252f..%252f..", True)
def test_whatever_passes_stays_below_the_prefix_after_unquoting_it_again_and_again(
    path: bytes, encoded_slash: bool
) -> None:
    try:
        passed = checked(path, encoded_slash=encoded_slash)
    except CallError:
        return
    assert passed == path
    for _ in range(6):
        assert not escapes(path)
        assert b"\0" not in path
        path = unquote_to_bytes(path)


@given(st.text("abcXYZ019-_~!$&'()*+,=:@%", max_size=30))
def test_ordinary_paths_pass_as_they_are(text: str) -> None:
    assume("%" not in text)
    assert checked(f"v1/{text}".encode()) == f"v1/{text}".encode()


@pytest.mark.row("P1")
@pytest.mark.parametrize(
    ("path", "what"),
    [
        (b"../x", "a dot segment"),
        (b"a/./b", "a dot segment"),
        (b".", "a dot segment"),
        (b"./x", "a dot segment"),
        (b"a/%2e%2E/b", "a dot segment"),
        (b"a/..;jsessionid=1/b", "a dot segment"),
        (b"a/..%3bx/b", "a dot segment"),
        (b"%252e%252e/x", "a dot segment"),
        (b"a\\b", "a backslash"),
        (b"a%5cb", "an encoded backslash"),
        (b"a%255cb", "an encoded backslash"),
        (b"a//b", "an empty segment"),
        (b"/a", "an empty segment"),
        (b"a%2Fb", "an encoded slash"),
        (b"a%252Fb", "an encoded slash"),
        (b"a%00b", "an encoded control character"),
        (b"a%0d%0ab", "an encoded control character"),
        (b"a%ffb", "not UTF-8"),
        (b"%2525252e", "layer upon layer"),
    ],
)
def test_a_trick_is_refused_by_its_name(path: bytes, what: str) -> None:
    with pytest.raises(CallError, match=what):
        checked(path)


@pytest.mark.row("P1")
@pytest.mark.parametrize(
    "path",
    [
        b"",
        b"v1/x",
        b"v1/",
        b"files/a%20b",
        b"a%2fb",
        b"..a/b..",
        b"a...b",
        b".well-known/x",
        b"h%C3%A4",
        b"x;v=1",
        b"a%zz",
    ],
)
def test_harmless_paths_pass(path: bytes) -> None:
    assert checked(path, encoded_slash=True) == path


@pytest.mark.row("P1")
@pytest.mark.parametrize(
    "path", [b"x%2f..%2f..%2fadmin", b"x%2F%2e%2e%2Fy", b"..%2fx", b"x%2f..", b"a%2f%2fb", b"x%252f..%252fy"]
)
def test_slashes_may_be_encoded_where_the_registry_says_so_but_lead_nowhere_else(path: bytes) -> None:
    assert checked(b"a%2Fb", encoded_slash=True) == b"a%2Fb"
    with pytest.raises(CallError):
        checked(path, encoded_slash=True)
