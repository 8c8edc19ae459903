"""The categories that can be found in bodies, and how a declared category covers others. Any other name may be declared, too."""

from __future__ import annotations

from collections.abc import Iterable

CATEGORIES: dict[str, str] = {
    "pii.email": "e-mail addresses",
    "pii.name": "names of persons",
    "pii.phone": "telephone numbers",
    "pii.address": "postal addresses",
    "pii.birth_date": "dates of birth",
    "pii.national_id": "national identity, tax, health and social security numbers",
    "pii.ip": "public internet addresses",
    "payment.card": "numbers of payment cards",
    "payment.iban": "international bank account numbers",
    "payment.account": "other account numbers of banks",
    "prompts": "texts that are given to a model",
}

PROVEN = frozenset(("pii.email", "payment.card", "payment.iban", "pii.national_id", "prompts"))
"""Told by a form or check digits that hardly anything else has; one sight of them is enough."""


def covers(declared: str, category: str) -> bool:
    """Whether a declared category stands for this one: itself, or a whole below which it lies (`pii` for `pii.email`)."""
    return category == declared or category.startswith(declared + ".")


def any_covers(declared: Iterable[str], category: str) -> bool:
    """Whether one of them does."""
    return any(covers(one, category) for one in declared)


def meant_by(declared: Iterable[str]) -> frozenset[str]:
    """The categories that can be found and that these stand for."""
    return frozenset(one for one in CATEGORIES if any_covers(declared, one))
