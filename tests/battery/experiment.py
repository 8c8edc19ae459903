"""One experiment of the battery, as its row in the table says it. Not for: the list (`experiments.py`)."""

from __future__ import annotations

from typing import NamedTuple


class Experiment(NamedTuple):
    """`short`: how what runs here differs from what the figure asks for. `also`: labels under which its figures are told, too.

    `tests`: the ordinary tests that show it, which run in every `make test`; the battery counts them as figures.
    """

    id: str
    what: str
    passes: str
    short: str = ""
    also: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
