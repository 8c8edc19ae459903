"""Check digits: the sums that tell a number of a kind from one that only looks like it. Pure.

Each takes the digits (and letters) alone, without separators. Not for: which number has which (`national_ids.py`, `payment.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)

# ISO/IEC 7812-1 annex B, as Verhoeff (1969) for the dihedral group D5 below.
_D5 = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678", "5987604321", "6598710432", "7659821043", "8765932104",
    "9876543210",
)  # fmt: skip
_TURNS = (
    "0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415", "7046913258",
)  # fmt: skip


def luhn(digits: str) -> bool:
    """Payment cards and many national numbers: from the right, every second digit doubled; the sum ends in 0."""
    total = sum(map(int, digits[-1::-2]))
    return (total + sum(_DOUBLED[int(digit)] for digit in digits[-2::-2])) % 10 == 0


def mod97(text: str) -> bool:
    """ISO 7064 MOD 97-10, as in an IBAN whose first four characters were moved to its end: letters count 10 to 35."""
    return int("".join(str(int(char, 36)) for char in text)) % 97 == 1


def verhoeff(digits: str) -> bool:
    """Aadhaar: products in the dihedral group of ten elements."""
    check = 0
    for place, digit in enumerate(reversed(digits)):
        check = int(_D5[check][int(_TURNS[place % 8][int(digit)])])
    return check == 0


def weighted(digits: str, weights: Sequence[int]) -> int:
    """The sum of the digits, each times its weight; those without a weight do not count."""
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


def iso7064_mod11_10(digits: str) -> bool:
    """ISO 7064 MOD 11,10, as in the German tax number and the Croatian OIB."""
    check = 10
    for digit in digits[:-1]:
        check = (check + int(digit)) % 10 or 10
        check = check * 2 % 11
    return (11 - check) % 10 == int(digits[-1])


def iso7064_mod11_2(text: str) -> bool:
    """ISO 7064 MOD 11-2, as in the Chinese identity number: the last character may be X, which counts 10."""
    check = 0
    for char in text:
        check = (check * 2 + (10 if char == "X" else int(char))) % 11
    return check == 1
