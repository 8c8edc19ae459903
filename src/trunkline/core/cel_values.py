"""What the operators and functions of conditions do (core/cel.py): each takes typed closures and answers one.

Errors in types are found here, when a condition is parsed; what only a call can show is `Failed`. Pure.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

Type = str
"""`bool`, `int`, `double`, `string`, `list` (of strings), `map` (string to string)."""
Run = Callable[[Mapping[str, Any]], Any]

Typed = tuple[Type, Run]
INT = range(-(2**63), 2**63)


class CelError(ValueError):
    """A condition that is wrong; `at` is the place in it, counted from 0."""

    def __init__(self, message: str, at: int = 0) -> None:
        super().__init__(message)
        self.at = at


class Failed(Exception):
    """A condition that has no value for this call: a key that is not there, a division by zero, an integer beyond 64 bits."""


class Token(NamedTuple):
    """A word of a condition; `at` is its place, counted from 0."""

    kind: str
    text: str
    at: int


def constant(value: Any) -> Run:
    """Of a literal."""
    return lambda _: value


def want(kind: Type, wanted: Type, what: str, at: int) -> None:
    """Raises CelError unless the types agree."""
    if kind != wanted:
        raise CelError(f"{what} must be {wanted}, not {kind}", at)


def bools(left: Typed, right: Typed, token: Token) -> None:
    """Raises CelError unless both sides are true or false."""
    for kind, _ in (left, right):
        want(kind, "bool", f"both sides of `{token.text}`", token.at)


def chosen(asked: Run, left: Run, right: Run) -> Run:
    """The ternary."""
    return lambda v: left(v) if asked(v) else right(v)


def bearing(left: Run, right: Run, *, decides: bool) -> Run:
    """`&&` and `||`: a side that decides alone does so even if the other one fails, whichever comes first."""

    def run(values: Mapping[str, Any]) -> Any:
        try:
            if left(values) is decides:
                return decides
        except Failed:
            if right(values) is decides:
                return decides
            raise
        return right(values)

    return run


_RELATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_NUMBERS = ("int", "double")


def compared(token: Token, left: Typed, right: Typed) -> Typed:
    """Relations, and `in`."""
    kinds, one, other = (left[0], right[0]), left[1], right[1]
    if token.text == "in":
        container, _, held = right[0].partition(":")
        if container not in ("list", "map") or left[0] != (held or "string"):
            raise CelError(f"`in` cannot look for {left[0]} in {right[0]}", token.at)
        return "bool", lambda v: one(v) in other(v)
    same = kinds[0] == kinds[1] or all(kind in _NUMBERS for kind in kinds)
    ordered = kinds[0] in (*_NUMBERS, "string", "bool")
    if not same or (token.text not in ("==", "!=") and not ordered):
        raise CelError(f"{kinds[0]} and {kinds[1]} cannot be compared by `{token.text}`", token.at)
    compare = _RELATIONS[token.text]
    return "bool", lambda v: compare(one(v), other(v))


def reckoned(token: Token, left: Typed, right: Typed) -> Typed:
    """Arithmetic, and texts put together."""
    kind, sign, one, other = left[0], token.text, left[1], right[1]
    allowed = {"int": "+-*/%", "double": "+-*/", "string": "+"}.get(kind, "")
    if kind != right[0] or sign not in allowed:
        raise CelError(
            f"`{sign}` does not go with {kind} and {right[0]}; nothing is converted by itself", token.at
        )
    if sign in "/%" and kind == "int":
        if _constant_zero(other):
            raise CelError("a division by zero never has a value", token.at)
        return "int", whole(_divided(one, other, rest=sign == "%"))
    if sign == "/":
        return "double", _shared(one, other)
    act: Callable[[Any, Any], Any] = {"+": operator.add, "-": operator.sub, "*": operator.mul}[sign]
    return kind, whole(lambda v: act(one(v), other(v))) if kind == "int" else lambda v: act(one(v), other(v))


def _constant_zero(run: Run) -> bool:
    """Whether a number is zero whatever the call is."""
    try:
        return bool(run({}) == 0)
    except (KeyError, Failed):
        return False


def _divided(one: Run, other: Run, *, rest: bool) -> Run:
    """Towards zero, and the rest has the sign of what is divided."""

    def run(values: Mapping[str, Any]) -> int:
        above: int = one(values)
        below: int = other(values)
        if below == 0:
            raise Failed("division by zero")
        whole = abs(above) // abs(below) * (1 if (above < 0) == (below < 0) else -1)
        return above - whole * below if rest else whole

    return run


def _shared(one: Run, other: Run) -> Run:
    def run(values: Mapping[str, Any]) -> float:
        above, below = one(values), other(values)
        if below:
            return float(above / below)
        return float("nan") if not above or above != above else float("inf") * above

    return run


def whole(run: Run) -> Run:
    """Keeps integers within 64 bits."""

    def bounded(values: Mapping[str, Any]) -> int:
        number: int = run(values)
        if number not in INT:
            raise Failed("an integer beyond 64 bits")
        return number

    return bounded


def indexed(subject: Typed, index: Typed, at: int) -> Typed:
    """A member of a map, or a place of a list."""
    container, _, held = subject[0].partition(":")
    if container == "map":
        want(index[0], "string", "a key", at)
    elif container == "list":
        want(index[0], "int", "a place in a list", at)
    else:
        raise CelError(f"{subject[0]} has no members", at)

    def run(values: Mapping[str, Any]) -> Any:
        place = index[1](values)
        if container == "list" and place < 0:
            raise Failed("a place before the first")
        try:
            return subject[1](values)[place]
        except LookupError:
            raise Failed(f"there is no {place!r}") from None

    return held or "string", run


def size(subject: Typed, at: int) -> Typed:
    """Characters, items or keys."""
    if subject[0].partition(":")[0] not in ("string", "list", "map"):
        raise CelError(f"{subject[0]} has no size", at)
    return "int", lambda v: len(subject[1](v))


_METHODS: dict[str, Callable[[str, str], bool]] = {
    "startsWith": str.startswith,
    "endsWith": str.endswith,
    "contains": operator.contains,
}


def method(name: Token, subject: Typed, arguments: list[Typed]) -> Typed:
    """What is asked of a text."""
    if name.text == "size" and not arguments:
        return size(subject, name.at)
    if name.text not in _METHODS or len(arguments) != 1:
        known = ", ".join([*_METHODS, "size"])
        raise CelError(f"there is no method {name.text!r} of {len(arguments)}; there are {known}", name.at)
    for kind in (subject[0], arguments[0][0]):
        want(kind, "string", f"both sides of `{name.text}`", name.at)
    one, other = subject[1], arguments[0][1]
    act = _METHODS[name.text]
    return "bool", lambda v: act(one(v), other(v))
