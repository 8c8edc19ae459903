"""All categories that a text holds, with their places. Pure.

    find("write to jane@example.com")  ->  [Hit("pii.email", 9, 25)]

Where two overlap the one that is better proven stands. Not for: bodies (`bodies.py`, `rewrite.py`).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from trunkline.core.data import addresses, births, contact, keys, names, national_ids, payment
from trunkline.core.data.categories import CATEGORIES

PIECE = 32 << 10
"""Longer texts are looked at in pieces, so that the time taken grows with the length and no faster."""
OVERLAP = 256
EVERYTHING = frozenset(CATEGORIES)
SHORTEST = 3
"""Shorter texts are nobody's."""
SHORT = 80
FEWEST_DIGITS = 4
_NO_DIGIT = re.compile(r"\D+")
_ODD = re.compile(r"[\u00a0\u2002-\u200b\u2010-\u2015\u202f\u205f\u2060\u2212\u3000\uff01-\uff5e]")
_PLAIN = {
    **dict.fromkeys((0xA0, *range(0x2002, 0x200C), 0x202F, 0x205F, 0x2060, 0x3000), " "),
    **dict.fromkeys((*range(0x2010, 0x2016), 0x2212), "-"),
    **{full: chr(full - 0xFEE0) for full in range(0xFF01, 0xFF5F)},
}
"""Spaces, dashes and full-width characters that look like plain ones and come with every text that was copied from a page."""
_WORD = re.compile(r"[^\W\d_]+")


class Hit(NamedTuple):
    """A place in a text and what stands there."""

    category: str
    start: int
    end: int


def find(
    text: str,
    *,
    key: str = "",
    above: Sequence[str] = (),
    wanted: Collection[str] = EVERYTHING,
) -> list[Hit]:
    """The hits in a text, in their order and without overlaps. `key` and `above`: the JSON key that holds it, and those above."""
    if not text.isascii() and _ODD.search(text):
        text = text.translate(_PLAIN)  # one for one, so that places stay
    if key:
        told = keys.told_by(key, above, text)
        if told:
            return [Hit(told, 0, len(text))] if told in wanted else []
    if len(text) < SHORTEST:
        return []
    if len(text) <= PIECE:
        return _apart(_look(text, key, wanted))
    found: list[Hit] = []
    for start in range(0, len(text), PIECE - OVERLAP):
        hits = _look(text[start : start + PIECE], key, wanted)
        found += [Hit(hit.category, hit.start + start, hit.end + start) for hit in hits]
    return _apart(found)


def _look(text: str, key: str, wanted: Collection[str]) -> Iterator[Hit]:
    """In the order of proof."""
    digits = len(_NO_DIGIT.sub("", text))
    if "pii.email" in wanted:
        yield from (Hit("pii.email", *span) for span in contact.emails(text))
    if digits >= FEWEST_DIGITS:
        yield from _numbers(text, digits, key, wanted)
    if "pii.address" not in wanted and "pii.name" not in wanted:
        return
    words = frozenset(_WORD.findall(text))
    if "pii.address" in wanted and digits:
        yield from (Hit("pii.address", *span) for span in addresses.postal(text, words))
    if "pii.name" in wanted and not (key and len(text) < SHORT and keys.says_thing(key)):
        yield from (Hit("pii.name", *span) for span in names.names(text, words))


def _numbers(text: str, digits: int, key: str, wanted: Collection[str]) -> Iterator[Hit]:
    machine = bool(key) and keys.says_id(key) and text.isdigit()
    if "payment.iban" in wanted and digits >= 9:
        yield from (Hit("payment.iban", n.start, n.end) for n in payment.ibans(text))
    if "payment.card" in wanted and digits >= 12 and not machine:
        hint = bool(key) and keys.says_card(key)
        yield from (Hit("payment.card", n.start, n.end) for n in payment.cards(text, hint))
    if "pii.national_id" in wanted and not machine:
        hint = bool(key) and keys.says_national_id(key)
        yield from (Hit("pii.national_id", n.start, n.end) for n in national_ids.find(text, hint))
    if "pii.ip" in wanted:
        yield from (Hit("pii.ip", *span) for span in contact.addresses(text))
    if "pii.birth_date" in wanted:
        yield from (Hit("pii.birth_date", *span) for span in births.births(text))
    if "pii.phone" in wanted and digits >= 7 and not machine:
        hint = bool(key) and keys.says_phone(key)
        yield from (Hit("pii.phone", *span) for span in contact.phones(text, hint))


def _apart(hits: Iterable[Hit]) -> list[Hit]:
    """The hits that come first win; of the same category the longer one."""
    kept: list[Hit] = []
    starts: list[int] = []
    for hit in hits:
        at = bisect_left(starts, hit.start)
        first = at - 1 if at and kept[at - 1].end > hit.start else at
        last = at
        while last < len(kept) and kept[last].start < hit.end:
            last += 1
        clash = kept[first:last]
        if all(one.category == hit.category and one.end - one.start < hit.end - hit.start for one in clash):
            kept[first:last] = [hit]
            starts[first:last] = [hit.start]
    return kept
