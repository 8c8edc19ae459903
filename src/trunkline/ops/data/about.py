"""Ties sampled calls to the e-mail addresses in them, so that `trunkline trace --email` finds calls whose callers name no subject.

Only as far as calls are sampled; what is read in every request is declared as `identifiers`. Addresses leave this module as keyed
hashes only. Not for: categories (`looker.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import unquote

from trunkline.core.data.bodies import hits
from trunkline.core.data.leaves import FORM, leaves
from trunkline.core.data.text import find
from trunkline.core.sample import Sample
from trunkline.ledger.persons import Tie

EMAIL = frozenset(("pii.email",))
MOST = 200
"""Addresses of one body."""


class AboutLooker:
    """A looker. `hashed` gives the keyed hash of an address, `write` writes ties down."""

    def __init__(self, hashed: Callable[[str], str], write: Callable[[list[Tie]], None]) -> None:
        self._hashed = hashed
        self._write = write
        self._ties: dict[tuple[str, str], Tie] = {}

    def __call__(self, sample: Sample) -> None:
        """Takes in one call."""
        asked = addresses(sample.request, sample.request_type) + addresses(sample.query.encode(), FORM)
        head = (sample.path, *(value for _, value in sample.fields))
        sides = (
            (
                "sample",
                [
                    *asked,
                    *(one for text in head if "@" in text or "%40" in text for one in _in(unquote(text))),
                ],
            ),
            ("answer", addresses(sample.response, sample.response_type)),
        )
        for source, found in sides:
            for address in found:
                person = self._hashed(address)
                self._ties.setdefault(
                    (person, sample.call_id), Tie(person, sample.call_id, sample.at_us, source)
                )

    def flush(self) -> None:
        """Writes down what was gathered."""
        ties, self._ties = list(self._ties.values()), {}
        if ties:
            self._write(ties)


def addresses(body: bytes, media: str) -> list[str]:
    """The e-mail addresses in a body, each once. Pure."""
    if b"@" not in body and b"%40" not in body and b"\\u0040" not in body:
        return []
    found: dict[str, None] = {}
    for leaf in leaves(body, media):
        for hit in hits(leaf, EMAIL):
            found.setdefault(leaf.value[hit.start : hit.end])
            if len(found) >= MOST:
                return list(found)
    return list(found)


def _in(text: str) -> Iterator[str]:
    return (text[hit.start : hit.end] for hit in find(text, wanted=EMAIL))
