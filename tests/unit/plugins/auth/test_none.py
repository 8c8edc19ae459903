"""No credential at all."""

from __future__ import annotations

import pytest

from trunkline.core.service import Auth
from trunkline.plugins.auth import prepare


@pytest.mark.row("K1")
def test_nothing_is_sent() -> None:
    signer = prepare(Auth(kind="none"), "left over")
    assert (signer.fields, signer.query) == (b"", b"")


def test_a_kind_that_is_none_of_the_schemes_is_a_defect() -> None:
    with pytest.raises(KeyError):
        prepare(Auth(kind="telepathy"), "x")
