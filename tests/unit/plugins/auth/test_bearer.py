"""`Authorization: Bearer SECRET`, or another template in its place."""

from __future__ import annotations

import pytest

from trunkline.core.service import Auth
from trunkline.plugins.auth.bearer import prepare
from trunkline.testing import SECRET


@pytest.mark.row("K1")
@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{secret}", f"Bearer {SECRET}"),
        ("Token {secret}", f"Token {SECRET}"),
        ("Key id:{secret}", f"Key id:{SECRET}"),
    ],
)
def test_the_line(template: str, value: str) -> None:
    signer = prepare(Auth(template=template), SECRET)
    assert (signer.fields, signer.query) == (f"authorization: {value}\r\n".encode(), b"")


@pytest.mark.row("S1")
@pytest.mark.parametrize("tail", ["\n", "\r\nx: y", "\0", "ä"])
def test_what_a_header_cannot_carry_is_refused_without_showing_it(tail: str) -> None:
    with pytest.raises(
        ValueError, match="the credential holds characters that header 'authorization' cannot carry"
    ) as caught:
        prepare(Auth(), SECRET + tail)
    assert SECRET not in str(caught.value)
