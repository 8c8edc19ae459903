"""Numbers of payment cards and of bank accounts: by their first digits or country, their length, and their check digits. Pure.

Card numbers as ISO/IEC 7812 gives them out, account numbers as ISO 13616. Not for: account numbers that only their key tells (`keys.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from trunkline.core.data.digits import luhn, mod97


class Number(NamedTuple):
    """A number that was found; `kind` is the scheme of a card or the country of an account."""

    kind: str
    start: int
    end: int


_ALONE = (r"(?<![\w+-])(?<!\d\.)", r"(?!\w|[.-]\d)")
"""Around a number that is no part of a longer one. A comma divides columns, and what follows a space is an expiry or a code."""
_CARD = re.compile(
    rf"{_ALONE[0]}(?:[1-6]\d{{11,18}}|(?<!\d{{4}} )[1-6]\d{{3}}"
    r"(?:(?:[ -]\d{4}){3}(?P<more>[ -]\d{3}(?!\d))?+(?![ -]\d{4}(?!\d))|(?:\.\d{4}){3}|[ -]\d{6}[ -]\d{4,5}|\d\d[ -]\d{13}))"
    rf"{_ALONE[1]}"
)
_NO_DIGIT = re.compile(r"\D+")
_CARD_WORDS = re.compile(
    r"card|\bcc\b|carte|karte|tarjeta|carta|kort|\bpan\b|visa|master|amex|credit|debit|payment", re.IGNORECASE
)
_SCHEMES: tuple[tuple[str, re.Pattern[str], tuple[int, ...]], ...] = (
    ("visa", re.compile("4"), (13, 16, 19)),
    ("mastercard", re.compile("5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"), (16,)),
    ("amex", re.compile("3[47]"), (15,)),
    ("discover", re.compile("6011|64[4-9]|65"), (16, 19)),
    ("diners", re.compile("30[0-5]|36|38|39"), (14, 16)),
    ("jcb", re.compile("35(?:2[89]|[3-8])"), (16, 19)),
    ("unionpay", re.compile("62"), (16, 17, 18, 19)),
    ("maestro", re.compile("5018|5020|5038|5893|6304|6759|676[1-3]"), (16, 18, 19)),
    ("mir", re.compile("220[0-4]"), (16, 19)),
    ("rupay", re.compile("60[38]|81|82|508"), (16,)),
)


def cards(text: str, hint: bool = False) -> Iterator[Number]:
    """Card numbers. A length that few cards and many other numbers have needs groups, a word before it, or `hint`, a key that says so."""
    for found in _CARD.finditer(text):
        end = found.end()
        digits = _NO_DIGIT.sub("", found[0])
        scheme = card_scheme(digits)
        if not scheme and found["more"] and card_scheme(digits[:-3]):
            end, digits = found.start("more"), digits[:-3]  # what follows is the card's code
            scheme = card_scheme(digits)
        usual = scheme and (end - found.start() > len(digits) or len(digits) in (15, 16))
        if not usual and not hint and not _CARD_WORDS.search(text, max(0, found.start() - 40), found.start()):
            continue
        if scheme or luhn(digits):
            yield Number(scheme or "card", found.start(), end)


def card_scheme(digits: str) -> str:
    """Who gives out such a card number; empty if nobody does, or its check digit is wrong."""
    for name, first, lengths in _SCHEMES:
        if len(digits) in lengths and first.match(digits) and luhn(digits):
            return name
    return ""


_LENGTHS = {
    country: int(length)
    for country, length in re.findall(
        r"([A-Z]{2})(\d+)",
        "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 "
        "FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 "
        "LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 "
        "SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30",
    )
}
"""SWIFT's registry of IBAN formats, release 101."""
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}[0-9]{2}(?=[ -]?[A-Za-z0-9])")
_PIECE = re.compile(r"[ -]?([A-Za-z0-9])")


def ibans(text: str) -> Iterator[Number]:
    """Account numbers in one piece or in groups, in capitals or not."""
    for found in _IBAN.finditer(text):
        country = found[0][:2].upper()
        length = _LENGTHS.get(country)
        if length is None:
            continue
        chars, end = [found[0]], found.end()
        while len(chars) < length - 3 and (piece := _PIECE.match(text, end)):
            chars.append(piece[1])
            end = piece.end()
        whole = "".join(chars).upper()
        if len(whole) == length and not text[end : end + 1].isalnum() and mod97(whole[4:] + whole[:4]):
            yield Number(country, found.start(), end)
