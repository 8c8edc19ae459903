"""Experiment D1: a thousand mutants of what vendors publish, and vendors that do not change, with seeds that nothing was tuned on.

Takes the documents of `published.py` where a folder holds them, else the operations of `vendors.py` alone. Each share has operations of its
own; one runs by itself with `python -m tests.drift.experiment NUMBER`. Not for: the bounds (`tests/battery/test_drift.py`).
"""

from __future__ import annotations

import sys

from tests.drift import published, vendors
from tests.drift.contract import Contract
from tests.drift.judged import Report, judged, told

SEED = 9127
"""Nothing was tuned on it; those before, 7001 and 8311, have been looked into since."""
SHARES = 8
MUTANTS = 126
"""Of each share."""
QUIET = 300
"""Replies of each operation that does not change."""
OPERATIONS = 7
"""Of each document."""


def contracts(seed: int) -> list[Contract]:
    """All operations that are judged, with what their schemas leave to chance drawn from the seed."""
    where = published.folder()
    documents = published.documents(where) if where is not None else ()
    return [
        *vendors.contracts(seed),
        *(one for document in documents for one in published.contracts(document, seed, OPERATIONS)),
    ]


def share(number: int) -> Report:
    """The mutants and the unmodified replies of every eighth operation."""
    return judged(contracts(SEED)[number::SHARES], MUTANTS, SEED + number, quiet=QUIET)


if __name__ == "__main__":
    print(told(share(int(sys.argv[1]))))
