"""The credential in a header that the vendor names."""

from __future__ import annotations

import pytest

from trunkline.core.service import Auth
from trunkline.plugins.auth.header import prepare
from trunkline.testing import SECRET


@pytest.mark.row("K1")
def test_the_line_has_the_vendors_name_in_lower_case() -> None:
    assert (
        prepare(Auth(kind="header", name="X-API-Key"), SECRET).fields == f"x-api-key: {SECRET}\r\n".encode()
    )
    assert (
        prepare(Auth(kind="header", name="auth", template="v1={secret};"), SECRET).fields
        == f"auth: v1={SECRET};\r\n".encode()
    )


def test_a_line_break_is_refused_naming_the_header() -> None:
    with pytest.raises(ValueError, match="'X-API-Key'"):
        prepare(Auth(kind="header", name="X-API-Key"), f"{SECRET}\n")
