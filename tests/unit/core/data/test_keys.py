"""Keys tell what their values are, if the values look like it."""

from __future__ import annotations

import pytest

from trunkline.core.data.keys import told_by


@pytest.mark.parametrize(
    ("path", "value", "category"),
    [
        ("first_name", "Zed", "pii.name"),
        ("customer.name", "Zed Zork", "pii.name"),
        ("product.name", "Chair", ""),
        ("name", "Chair", ""),
        ("billingDetails.phone", "5551234567", "pii.phone"),
        ("phone", "yes", ""),
        ("address", "12 Elm Grove", "pii.address"),
        ("address", "0x52908400098527886E0F7030069857D2E4169EE7", ""),
        ("address", "jane@example.com", ""),
        ("shipping.address.line1", "Elm Grove 12", "pii.address"),
        ("postal_code", "10118", "pii.address"),
        ("zip", "", ""),
        ("dob", "1985-03-12", "pii.birth_date"),
        ("dob.year", "1985", "pii.birth_date"),
        ("created.year", "1985", ""),
        ("ssn", "219099999", "pii.national_id"),
        ("passportNumber", "C01X00T47", "pii.national_id"),
        ("ssn", "none", ""),
        ("card.number", "4242424242424242", "payment.card"),
        ("card.number", "4242424242424241", ""),
        ("card.cvc", "123", "payment.card"),
        ("order.number", "4242424242424242", ""),
        ("account_number", "000123456789", "payment.account"),
        ("last_name", "unknown", ""),
    ],
)
def test_a_key_and_a_value(path: str, value: str, category: str) -> None:
    *above, key = path.split(".")
    assert told_by(key, above, value) == category
