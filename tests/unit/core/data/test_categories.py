"""A declared category stands for those below it."""

from __future__ import annotations

from trunkline.core.data.categories import CATEGORIES, PROVEN, any_covers, covers, meant_by


def test_a_whole_covers_its_parts_and_not_the_other_way_round() -> None:
    assert covers("pii", "pii.email")
    assert covers("pii.email", "pii.email")
    assert not covers("pii.email", "pii")
    assert not covers("pii.e", "pii.email")
    assert not covers("payment", "pii.email")


def test_what_a_declaration_means() -> None:
    assert meant_by(["payment", "usage_metrics"]) == {"payment.card", "payment.iban", "payment.account"}
    assert any_covers(["usage_metrics", "pii"], "pii.ip")
    assert set(CATEGORIES) >= PROVEN
