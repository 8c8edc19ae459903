"""The text below each field of a shape, read from the source, so that it is written once: for readers of code, schema and docs."""

from __future__ import annotations

import ast
import inspect
import itertools
import sys
import textwrap


def descriptions(shape: type) -> dict[str, str]:
    """Field -> its text, inherited fields included."""
    out: dict[str, str] = {}
    for owner in reversed(shape.__mro__):
        if owner.__module__.startswith("trunkline."):
            out |= _texts(owner)
    return out


def summary(shape: type) -> str:
    """What the shape is, in its own words."""
    return inspect.cleandoc(shape.__doc__ or "")


def _texts(owner: type) -> dict[str, str]:
    tree = ast.parse(inspect.getsource(sys.modules[owner.__module__]))
    body = next(
        node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == owner.__name__
    )
    out = {}
    for field, text in itertools.pairwise(body):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
            and isinstance(text.value.value, str)
        ):
            out[field.target.id] = " ".join(textwrap.dedent(text.value.value).split())
    return out
