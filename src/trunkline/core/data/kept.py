"""Persons in what the ledger keeps of calls: in paths such as `/v3/contacts/jane%40example.com`, and in messages. Pure.

Only what is proved by itself: e-mail addresses, telephone numbers with a plus, card and account numbers; names and bare numbers are what
paths are made of. Light until a path may hold one. Not for: what is sent (`plugins/policies/data_guard.py`), nor for categories in
sampled calls (`ops/data/looker.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

_MAY_HOLD = re.compile(
    r"@|%(?:25)*40|%(?:25)*2[Bb]\d|\+\d|\d{12}|\d{4}(?:-|%20)\d{4}|[A-Za-z]{2}\d{2}[A-Za-z0-9]{11}"
)
_UNPACKED = 3
"""Gateways and clients between may have encoded a path more than once."""


def without_persons(path: str) -> tuple[str, tuple[str, ...]]:
    """The path with `[pii.email]` and the like in place of what tells who somebody is; and the addresses and telephone numbers."""
    if _MAY_HOLD.search(path) is None:
        return path, ()
    persons: list[str] = []
    segments = [_without(segment, persons) for segment in path.split("/")]
    return "/".join(segments), tuple(dict.fromkeys(persons))


def without_emails(text: str) -> str:
    """A message with `[pii.email]` in place of addresses: vendors repeat what they were asked for."""
    if "@" not in text:
        return text
    from trunkline.core.data import contact

    for start, end in reversed(list(contact.emails(text))):
        text = f"{text[:start]}[pii.email]{text[end:]}"
    return text


def _without(segment: str, persons: list[str]) -> str:
    if _MAY_HOLD.search(segment) is None:
        return segment
    text = segment
    for _ in range(_UNPACKED):
        text = unquote(text)
    spans = list(_found(text))
    if not spans:
        return segment
    persons += [text[start:end] for category, start, end in spans if category.startswith("pii.")]
    at, kept = 0, ""
    for category, start, end in spans:
        kept += f"{text[at:start]}[{category}]"
        at = end
    return kept + text[at:]


def _found(text: str) -> Iterator[tuple[str, int, int]]:
    """In their order, without overlaps."""
    from trunkline.core.data import contact, payment

    every = [
        *(("pii.email", *span) for span in contact.emails(text)),
        *(("payment.iban", one.start, one.end) for one in payment.ibans(text)),
        *(("payment.card", one.start, one.end) for one in payment.cards(text)),
        *(("pii.phone", *span) for span in contact.phones(text) if text[span[0]] == "+"),
    ]
    at = 0
    for category, start, end in sorted(every, key=lambda one: one[1]):
        if start >= at:
            yield category, start, end
            at = end
