"""What callers were told to be accepted is what the vendor saw, for every raw request of the wire's table (S1)."""

from __future__ import annotations

import pytest

from tests.battery.smuggling import try_all
from tests.support.gateway import Trunkline
from tests.support.site import Site


@pytest.mark.row("P1", "P3", "Q2")
def test_no_byte_is_a_request_to_one_and_a_body_to_the_other(trunkline: Trunkline, site: Site) -> None:
    found = try_all(trunkline, site)
    assert (found.desynchronised, found.lenient) == ([], [])
    assert found.sent >= 400
    assert found.accepted == found.seen >= 60
    assert len(found.strict) <= 40, found.strict
