"""How commands write: data on stdout (JSON or a table), talk on stderr, colour only for a person at a terminal.

Not for: what is written.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click

from trunkline.core.text import printable

SENTENCE = 36
"""A column wider than this holds sentences."""
FOLDED = 24
"""What such a column needs at least."""


def json_out(value: Any) -> None:
    """One line of JSON on stdout; structs and plain values."""
    import msgspec

    click.echo(msgspec.json.encode(value))


def say(text: str) -> None:
    """A line for people, on stderr."""
    click.echo(text, err=True)


def text_lines(lines: Iterable[str]) -> None:
    """Lines of text on stdout. What others have written stays on its line and moves no terminal."""
    click.echo("\n".join(printable(line) for line in lines))


def fancy() -> bool:
    """Whether a person looks at stdout and wants more than plain text."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, empty: str = "") -> None:
    """A table on stdout; `empty` goes to stderr instead of a table without rows."""
    if not rows:
        say(empty or "Nothing to show.")
        return
    texts = [["" if cell is None else printable(str(cell)) for cell in row] for row in rows]
    widths = [max(len(line[n]) for line in (list(columns), *texts)) for n in range(len(columns))]
    if fancy() and fits(widths, shutil.get_terminal_size().columns):
        _rich(columns, texts)
    else:
        _plain(columns, texts, widths)


def fits(widths: Sequence[int], available: int) -> bool:
    """Whether a table can be folded into a terminal without breaking words: only columns of sentences may become narrower.

    Ids and times that are broken over lines cannot be read or copied; then plain lines, which the terminal wraps, are better.
    """
    return sum(2 + (FOLDED if width > SENTENCE else width) for width in widths) <= available


def _plain(columns: Sequence[str], rows: list[list[str]], widths: Sequence[int]) -> None:
    for line in (columns, *rows):
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _rich(columns: Sequence[str], rows: list[list[str]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column in columns:
        shown.add_column(column, overflow="fold")
    for row in rows:
        shown.add_row(*(Text(cell) for cell in row))
    Console().print(shown)
